package llama_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebitengine/purego"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf"
)

// The sizes and names of tensor types are those of the engine library.
func TestTensorTypesAreTheLibrarys(t *testing.T) {
	dir := llamatest.Library(t)
	paths, err := filepath.Glob(filepath.Join(dir, "libggml-base.so*"))
	if err != nil || len(paths) == 0 {
		t.Skipf("not supported: no libggml-base.so in %s", dir)
	}
	handle, err := purego.Dlopen(paths[0], purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		t.Fatal(err)
	}
	var (
		typeName  func(int32) string
		typeSize  func(int32) uintptr
		blockSize func(int32) int64
	)
	purego.RegisterLibFunc(&typeName, handle, "ggml_type_name")
	purego.RegisterLibFunc(&typeSize, handle, "ggml_type_size")
	purego.RegisterLibFunc(&blockSize, handle, "ggml_blck_size")

	for code := range gguf.TensorType(35) { // what every release has had since 2024
		if known := typeSize(int32(code)) > 0; known != code.Known() {
			t.Errorf("type %d: the library knows it: %t, this package: %t", code, known, code.Known())
		}
	}
	for code := range gguf.TensorType(64) {
		if !code.Known() {
			continue
		}
		block := gguf.Tensor{Type: code, Shape: []uint64{uint64(blockSize(int32(code)))}}
		size, err := block.SizeBytes()
		if err != nil || size != uint64(typeSize(int32(code))) {
			t.Errorf("%s: a block of %d elements has %d bytes (%v), in the library %d",
				code, block.Shape[0], size, err, typeSize(int32(code)))
		}
		if name := typeName(int32(code)); !strings.EqualFold(name, code.String()) {
			t.Errorf("type %d is called %s, in the library %s", code, code, name)
		}
	}
}
