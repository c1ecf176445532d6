package seeded_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/weirgo/weir/server/gguf"
	"github.com/weirgo/weir/server/gguf/seeded"
)

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "seeded")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tiny.gguf")
	if err := seeded.Write(path, seeded.Tiny, seeded.DefaultSeed); err != nil {
		panic(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		panic(err)
	}
	fmt.Println(file.Metadata.Text("general.name"), len(file.Tensors), "tensors")
	// Output: weir-tiny 30 tensors
}
