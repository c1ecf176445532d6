package check

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/weirgo/weir/server/gguf"
)

// MaxNormBytes bounds how much of a part's norm weights is read: several times
// what the largest published models have.
const MaxNormBytes = 64 << 20

// Types whose elements are read; others are not used for norms.
const bfloat16 gguf.TensorType = 30

// checkNorms reads the weights of norms, which every token passes: one that is
// no number makes every answer none.
func checkNorms(file *gguf.File, data io.ReaderAt) error {
	left := uint64(MaxNormBytes)
	for i := range file.Tensors {
		t := &file.Tensors[i]
		if !strings.Contains(t.Name, "norm") || t.Type != gguf.F32 && t.Type != gguf.F16 && t.Type != bfloat16 {
			continue
		}
		size, err := t.SizeBytes()
		if err != nil {
			return gguf.Malformed("%v", err)
		}
		if size > left {
			continue
		}
		left -= size
		weights := make([]byte, size)
		if _, err := data.ReadAt(weights, file.DataOffsetBytes+int64(t.OffsetBytes)); err != nil {
			return fmt.Errorf("read tensor %q: %w", t.Name, err)
		}
		if element := firstOddElement(weights, t.Type); element >= 0 {
			return gguf.Malformed("element %d of tensor %q is not a finite number", element, t.Name)
		}
	}
	return nil
}

// firstOddElement returns the index of the first NaN or infinity, which have
// all bits of the exponent set; -1 if there is none.
func firstOddElement(weights []byte, t gguf.TensorType) int {
	switch t {
	case gguf.F32:
		const exponent = 0x7f800000
		for i := range len(weights) / 4 {
			if binary.LittleEndian.Uint32(weights[4*i:])&exponent == exponent {
				return i
			}
		}
	default:
		exponent := uint16(0x7c00) // of F16
		if t == bfloat16 {
			exponent = 0x7f80
		}
		for i := range len(weights) / 2 {
			if binary.LittleEndian.Uint16(weights[2*i:])&exponent == exponent {
				return i
			}
		}
	}
	return -1
}

// checkShapes: the token embedding has a row for each token.
func (m *Model) checkShapes() error {
	if !m.isTransformer() {
		return nil
	}
	tokens, _ := m.Metadata.Get("tokenizer.ggml.tokens")
	rows := uint64(len(tokens.([]string))) // checked
	columns, _ := m.Metadata.Uint(m.key("embedding_length"))
	for _, p := range m.Parts {
		for i := range p.File.Tensors {
			t := &p.File.Tensors[i]
			if t.Name != "token_embd.weight" {
				continue
			}
			if len(t.Shape) != 2 || t.Shape[0] != columns || t.Shape[1] != rows {
				return gguf.Malformed("tensor %q is of shape %v, and %d tokens of %d elements need [%d %d]",
					t.Name, t.Shape, rows, columns, columns, rows)
			}
			return nil
		}
	}
	return gguf.Malformed("tensor %q is missing", "token_embd.weight")
}
