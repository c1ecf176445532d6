package gguf_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/weirgo/weir/server/gguf"
)

// A file is written, damaged, and looked at.
func Example() {
	dir, err := os.MkdirTemp("", "gguf")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "small.gguf")

	metadata := gguf.Metadata{{Key: "general.architecture", Value: "llama"}}
	file, err := gguf.Create(path, metadata, []gguf.Tensor{
		{Name: "output_norm.weight", Type: gguf.F32, Shape: []uint64{64}},
	})
	if err != nil {
		panic(err)
	}
	defer file.Close()
	if _, err := file.Write(make([]byte, 64*4)); err != nil {
		panic(err)
	}
	if err := file.Commit(); err != nil {
		panic(err)
	}

	header, err := gguf.Open(path)
	if err != nil {
		panic(err)
	}
	fmt.Println(header.Metadata.Text("general.architecture"), header.Tensors[0].Name, header.Tensors[0].Type)

	os.Truncate(path, 300)
	fmt.Println(filepath.Base(gguf.Check(path).Error()))
	// Output:
	// llama output_norm.weight F32
	// small.gguf: truncated: needs 384 bytes, has 300; download or copy it again
}
