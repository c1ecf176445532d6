package gguf

import (
	"fmt"
	"math"
)

// Tensor describes one tensor of a file.
type Tensor struct {
	Name string
	Type TensorType
	// Shape is the number of elements along each dimension, fastest first: a
	// matrix of R rows and C columns is [C, R].
	Shape []uint64
	// OffsetBytes counts from the start of the tensor data
	// ([File.DataOffsetBytes]). [Create] sets it.
	OffsetBytes uint64
}

// MaxDimensions is the most dimensions a tensor has.
const MaxDimensions = 4

// Elements returns the number of elements, or an error if it overflows.
func (t *Tensor) Elements() (uint64, error) {
	elements := uint64(1)
	for _, n := range t.Shape {
		if n != 0 && elements > math.MaxInt64/n {
			return 0, fmt.Errorf("tensor %q of shape %v has too many elements", t.Name, t.Shape)
		}
		elements *= n
	}
	return elements, nil
}

// SizeBytes returns the number of bytes the tensor's data takes, without
// padding. It fails for a type this package does not know and for rows that
// are not whole blocks.
func (t *Tensor) SizeBytes() (uint64, error) {
	layout, known := layouts[t.Type]
	if !known {
		return 0, fmt.Errorf("tensor %q is of unknown type %d", t.Name, t.Type)
	}
	elements, err := t.Elements()
	if err != nil {
		return 0, err
	}
	row := uint64(1)
	if len(t.Shape) > 0 {
		row = t.Shape[0]
	}
	if row%layout.elements != 0 {
		return 0, fmt.Errorf("tensor %q has rows of %d elements, and %s needs a multiple of %d",
			t.Name, row, t.Type, layout.elements)
	}
	blocks := elements / layout.elements
	if blocks > math.MaxInt64/layout.bytes {
		return 0, fmt.Errorf("tensor %q of shape %v is too large", t.Name, t.Shape)
	}
	return blocks * layout.bytes, nil
}

// TensorType is the code of a tensor's element type.
type TensorType uint32

// The types this project writes. Others are known by size and name.
const (
	F32 TensorType = 0
	F16 TensorType = 1
)

// Known reports whether the package knows the type's size.
func (t TensorType) Known() bool {
	_, known := layouts[t]
	return known
}

// String returns the name the field uses, such as "Q4_K".
func (t TensorType) String() string {
	if layout, known := layouts[t]; known {
		return layout.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// layout is how a type packs elements: blocks of a fixed number of elements
// and bytes.
type layout struct {
	name            string
	elements, bytes uint64
}

// layouts follows ggml's enum ggml_type; a test compares it with the engine
// library's own answers. Codes that are missing were retired.
var layouts = map[TensorType]layout{
	0:  {"F32", 1, 4},
	1:  {"F16", 1, 2},
	2:  {"Q4_0", 32, 18},
	3:  {"Q4_1", 32, 20},
	6:  {"Q5_0", 32, 22},
	7:  {"Q5_1", 32, 24},
	8:  {"Q8_0", 32, 34},
	9:  {"Q8_1", 32, 36},
	10: {"Q2_K", 256, 84},
	11: {"Q3_K", 256, 110},
	12: {"Q4_K", 256, 144},
	13: {"Q5_K", 256, 176},
	14: {"Q6_K", 256, 210},
	15: {"Q8_K", 256, 292},
	16: {"IQ2_XXS", 256, 66},
	17: {"IQ2_XS", 256, 74},
	18: {"IQ3_XXS", 256, 98},
	19: {"IQ1_S", 256, 50},
	20: {"IQ4_NL", 32, 18},
	21: {"IQ3_S", 256, 110},
	22: {"IQ2_S", 256, 82},
	23: {"IQ4_XS", 256, 136},
	24: {"I8", 1, 1},
	25: {"I16", 1, 2},
	26: {"I32", 1, 4},
	27: {"I64", 1, 8},
	28: {"F64", 1, 8},
	29: {"IQ1_M", 256, 56},
	30: {"BF16", 1, 2},
	34: {"TQ1_0", 256, 54},
	35: {"TQ2_0", 256, 66},
	39: {"MXFP4", 32, 17},
}
