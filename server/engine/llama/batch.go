package llama

import (
	"unsafe"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// cBatch is a llama_batch and its arrays, made once for a context so that a
// Decode only copies into them. They lie on Go's heap, whose objects do not
// move, and the fields below keep them alive.
type cBatch struct {
	c         sys.Batch
	tokens    []engine.Token
	positions []int32
	sequences []engine.SequenceID
	logits    []int8
	counts    []int32   // sequences a row belongs to: always one
	lists     []uintptr // of each row, its list of sequences: the row's element of sequences
}

func newCBatch(capacity int) *cBatch {
	b := &cBatch{
		tokens:    make([]engine.Token, capacity),
		positions: make([]int32, capacity),
		sequences: make([]engine.SequenceID, capacity),
		logits:    make([]int8, capacity),
		counts:    make([]int32, capacity),
		lists:     make([]uintptr, capacity),
	}
	for i := range capacity {
		b.counts[i] = 1
		b.lists[i] = uintptr(unsafe.Pointer(&b.sequences[i]))
	}
	b.c.Token = uintptr(unsafe.Pointer(&b.tokens[0]))
	b.c.Position = uintptr(unsafe.Pointer(&b.positions[0]))
	b.c.SequenceCounts = uintptr(unsafe.Pointer(&b.counts[0]))
	b.c.SequenceIDs = uintptr(unsafe.Pointer(&b.lists[0]))
	b.c.Logits = uintptr(unsafe.Pointer(&b.logits[0]))
	return b
}

// fill copies a batch that fits.
func (b *cBatch) fill(from *engine.Batch) {
	b.c.Tokens = int32(from.Len())
	copy(b.tokens, from.Tokens)
	copy(b.positions, from.Positions)
	copy(b.sequences, from.Sequences)
	for i, wanted := range from.Logits {
		b.logits[i] = 0
		if wanted {
			b.logits[i] = 1
		}
	}
}
