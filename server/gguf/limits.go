package gguf

// Limits bound what Read believes of a file. Beyond them a file is refused,
// whatever its size.
type Limits struct {
	Entries       uint64 // metadata entries
	Tensors       uint64
	NameBytes     uint64 // of a key or a tensor's name
	TextBytes     uint64 // of one string value
	ArrayElements uint64
	ArrayDepth    int   // arrays within arrays
	HeaderBytes   int64 // everything before the tensor data
}

// DefaultLimits are several times what the largest published models need:
// vocabularies have under 300 000 tokens, models under 3 000 tensors a file.
func DefaultLimits() Limits {
	return Limits{
		Entries:       1 << 16,
		Tensors:       1 << 17,
		NameBytes:     1 << 16,
		TextBytes:     64 << 20,
		ArrayElements: 1 << 24,
		ArrayDepth:    4,
		HeaderBytes:   1 << 30,
	}
}
