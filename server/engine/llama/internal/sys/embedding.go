package sys

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// Kinds of pooling (enum llama_pooling_type).
const (
	PoolingUnspecified = iota - 1
	PoolingNone
	PoolingMean
	PoolingCLS
	PoolingLast
	PoolingRank
)

// EmbeddingOut returns the width of the vectors that a model gives.
func (l *Library) EmbeddingOut(m Model) int {
	return int(int32Of(l.ask(l.c.modelEmbeddingOut, uintptr(m))))
}

// Classes returns how many numbers a reranker gives for a sequence.
func (l *Library) Classes(m Model) int { return int(uint32(l.ask(l.c.modelClasses, uintptr(m)))) }

// Pooling returns the kind of pooling of a context.
func (l *Library) Pooling(c Context) int { return int(int32Of(l.ask(l.c.pooling, uintptr(c)))) }

// SequenceEmbedding returns the vector of a sequence of the last batch, nil if
// there is none.
func (l *Library) SequenceEmbedding(c Context, sequence int32) unsafe.Pointer {
	r, _, _ := purego.SyscallN(l.c.embeddingSequence, uintptr(c), uintptr(sequence))
	return Pointer(r)
}

// RowEmbedding returns the vector of a row of the last batch, nil if it has
// none.
func (l *Library) RowEmbedding(c Context, row int32) unsafe.Pointer {
	r, _, _ := purego.SyscallN(l.c.embeddingRow, uintptr(c), uintptr(row))
	return Pointer(r)
}
