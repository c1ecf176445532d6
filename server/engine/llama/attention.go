package llama

import (
	"strconv"

	"golang.org/x/sys/cpu"

	"github.com/weirgo/weir/server/engine"
)

// The library's values.
const (
	flashAuto int32 = iota - 1
	flashOff
	flashOn
)

// flashAttention returns how attention is computed. Left to itself, the library
// takes flash attention wherever it has it. On a CPU it then takes the dot product of
// a token's query with each key of the cache, and of such a product only what fills a
// whole stride of vector registers is computed in vectors: the rest is done one element
// at a time. With a head of 32, all of it; a token is computed in two to six times the
// time. Without, the products are of whole matrices.
func (m *model) flashAttention(wanted engine.FlashAttention) int32 {
	switch {
	case wanted == engine.FlashAttentionOn:
		return flashOn
	case wanted == engine.FlashAttentionOff:
		return flashOff
	case m.slowFlashAttention():
		return flashOff
	}
	return flashAuto
}

func (m *model) slowFlashAttention() bool {
	return m.lib.OnlyCPU() && m.headSize()%halfStride() != 0
}

// halfStride is how many elements of half precision the library's loops take at once.
func halfStride() int {
	if cpu.X86.HasAVX512F {
		return 64
	}
	return 32
}

// headSize is the size of a head's keys, 0 if the file does not say it.
func (m *model) headSize() int {
	if size := m.number("attention.key_length"); size > 0 {
		return size
	}
	if heads := m.number("attention.head_count"); heads > 0 {
		return m.info.EmbeddingSize / heads
	}
	return 0 // heads may differ from layer to layer
}

// number is a number that the file gives for its architecture, 0 if it gives none.
func (m *model) number(key string) int {
	architecture, _ := m.Metadata("general.architecture")
	value, _ := m.Metadata(architecture + "." + key)
	n, _ := strconv.Atoi(value)
	return n
}
