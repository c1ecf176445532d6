package llama

import (
	"unsafe"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// cBatch is a llama_batch and its arrays, made once for a context so that a
// Decode only copies into them. They lie on Go's heap, whose objects do not
// move, and the fields below keep them alive.
//
// Rows are put in the order of their sequences, but for those that are not to be
// computed together: the library computes a run of ascending sequences without gaps at
// once, and starts anew wherever the order is broken. See passes.go.
type cBatch struct {
	c         sys.Batch
	tokens    []engine.Token
	positions []int32
	sequences []engine.SequenceID
	logits    []int8
	counts    []int32   // sequences a row belongs to: always one
	lists     []uintptr // of each row, its list of sequences: the row's element of sequences

	place []int32 // of each row of the caller's batch, its row here
	next  []int32 // of each sequence, the place of its next row
	reach []int32 // of each sequence with rows, how many places they attend to

	passPlaces int // more than so many in vain are not attended to; 0: no matter how many
}

func newCBatch(rows, sequences int) *cBatch {
	b := &cBatch{
		tokens:    make([]engine.Token, rows),
		positions: make([]int32, rows),
		sequences: make([]engine.SequenceID, rows),
		logits:    make([]int8, rows),
		counts:    make([]int32, rows),
		lists:     make([]uintptr, rows),
		place:     make([]int32, rows),
		next:      make([]int32, sequences),
		reach:     make([]int32, sequences),
	}
	for i := range rows {
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

// fill copies a batch that has been checked.
func (b *cBatch) fill(from *engine.Batch) {
	b.c.Tokens = int32(from.Len())
	clear(b.next)
	for row, seq := range from.Sequences {
		b.next[seq]++
		b.reach[seq] = (from.Positions[row]/places + 1) * places // of the last of its rows
	}
	b.arrange()
	for row, seq := range from.Sequences {
		at := b.next[seq]
		b.next[seq]++
		b.place[row] = at
		b.tokens[at] = from.Tokens[row]
		b.positions[at] = from.Positions[row]
		b.sequences[at] = seq
		b.logits[at] = 0
		if from.Logits[row] {
			b.logits[at] = 1
		}
	}
}

// wants reports whether a row of the caller's batch asked for logits.
func (b *cBatch) wants(row int) bool { return b.logits[b.place[row]] != 0 }
