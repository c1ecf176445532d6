package llama

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"unsafe"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// The library computes a row in other bits when it is alone than beside others: a
// product of a matrix and one vector has a kernel of its own, in the last layer and the
// output too, where only rows with logits are left; and attention over a sequence's rows
// goes another way from 64 rows on. From two rows to 63, with two outputs or more or none,
// what a row gives depends on its own sequence alone. So a context of a fixed shape hands
// the library rows in groups of that kind:
//
//	rows of one sequence      in pieces of at most pieceRows, never one
//	single rows of sequences  those with neighbouring ids at once, as the library has it
//	a single row by itself    with a filler behind it that is taken back
//
// and takes flash attention, whose sums follow the order of a sequence's own tokens;
// without it they depend on how many rows a sequence has.

// pieceRows is how many rows of a sequence are computed at once at most.
const pieceRows = 48

// leastPiece is the smallest piece that any number of rows can be cut into without one
// left over.
const leastPiece = 3

// fixedShape is how a context of a fixed shape decodes.
type fixedShape struct {
	order  []int32       // the rows of the caller's batch, sequence by sequence
	part   *engine.Batch // what the library gets at once
	rows   []int32       // of the caller's batch, by row of part; -1 is a filler
	alone  []int32       // single rows that go together
	logits [][]float32   // by row of the caller's batch; nil where none are wanted
	memory [][]float32   // where logits are kept that the next part would overwrite
	used   int           // of memory
}

// fixShape makes a context one of a fixed shape, and finds out whether it is.
func (c *llmContext) fixShape() error {
	if c.stateIdentity == "" {
		return errors.New("the cache of this model is not one of keys and values alone: serve it without --fixed-shape")
	}
	if !c.lib.OnlyCPU() {
		return errors.New("on other devices than the CPU a row depends on those beside it: serve without --fixed-shape, or with the library for CPUs")
	}
	// A state that was computed in another shape has other bits.
	c.stateIdentity += " fixed"
	c.limits.SequenceTokens-- // for the filler
	n := c.limits.BatchTokens
	c.fixed = &fixedShape{
		order: make([]int32, 0, n), part: engine.NewBatch(n), rows: make([]int32, 0, n), alone: make([]int32, 0, c.limits.MaxSequences),
		logits: make([][]float32, n),
	}
	return c.checkShape()
}

// decodeFixed has a batch computed that has been checked. It leaves the library's answer
// in c.code.
func (c *llmContext) decodeFixed(b *engine.Batch) {
	f := c.fixed
	f.begin(c.batch, b)
	for i := 0; i < len(f.order); {
		end := i + 1
		for end < len(f.order) && b.Sequences[f.order[end]] == b.Sequences[f.order[i]] {
			end++
		}
		if end-i == 1 {
			f.alone = append(f.alone, f.order[i])
		}
		for at := i; end-i > 1 && at < end; {
			n := pieceOf(end-at, min(pieceRows, c.limits.MicroBatchTokens))
			f.add(b, f.order[at:at+n])
			if at += n; !c.decodePart(b, true) {
				return
			}
		}
		i = end
	}
	for run := range f.runs(b) {
		if len(run) == 1 && !c.decodeAlone(b, run[0], len(f.alone) > 1) {
			return
		}
	}
	// Those together come last: as a rule no logits have to be kept for them.
	for run := range f.runs(b) {
		if len(run) > 1 {
			f.add(b, run)
		}
	}
	if len(f.rows) > 0 {
		c.decodePart(b, false)
	}
}

// runs gives the single rows whose sequences have neighbouring ids, which the library
// computes at once.
func (f *fixedShape) runs(b *engine.Batch) iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		for begin, end := 0, 0; begin < len(f.alone); begin = end {
			for end = begin + 1; end < len(f.alone) && b.Sequences[f.alone[end]] == b.Sequences[f.alone[end-1]]+1; end++ {
			}
			if !yield(f.alone[begin:end]) {
				return
			}
		}
	}
}

// pieceOf is how many of n rows of a sequence come next, at most limit.
func pieceOf(n, limit int) int {
	piece := min(n, max(limit, leastPiece))
	if n-piece == 1 {
		piece--
	}
	return piece
}

// begin takes a new batch.
func (f *fixedShape) begin(sorted *cBatch, b *engine.Batch) {
	sorted.fill(b)
	f.order = f.order[:b.Len()]
	for row := range b.Len() {
		f.order[sorted.place[row]] = int32(row)
	}
	clear(f.logits)
	f.alone, f.used = f.alone[:0], 0
	f.part.Reset()
	f.rows = f.rows[:0]
}

// add puts rows into the part that are computed together: with logits for two of them
// at least, or none.
func (f *fixedShape) add(b *engine.Batch, rows []int32) {
	wanted := 0
	for _, row := range rows {
		if b.Logits[row] {
			wanted++
		}
	}
	for i, row := range rows {
		beside := wanted == 1 && (i == 0 || i == 1 && b.Logits[rows[0]])
		f.part.Add(b.Tokens[row], int(b.Positions[row]), b.Sequences[row], b.Logits[row] || beside)
		f.rows = append(f.rows, row)
	}
}

// decodeAlone has a row computed by itself, with a filler that is taken back.
func (c *llmContext) decodeAlone(b *engine.Batch, row int32, more bool) bool {
	f := c.fixed
	seq, at := b.Sequences[row], int(b.Positions[row])
	for i, of := range []int32{row, -1} {
		f.part.Add(b.Tokens[row], at+i, seq, b.Logits[row])
		f.rows = append(f.rows, of)
	}
	ok := c.decodePart(b, more)
	c.c.RemoveSequence(c.memory, int32(seq), int32(at+1), -1)
	return ok
}

// decodePart has the part computed, and takes its logits, as a copy if there is more to
// compute.
func (c *llmContext) decodePart(b *engine.Batch, more bool) bool {
	f := c.fixed
	c.batch.fill(f.part)
	c.decode()
	if c.code == sys.DecodeOK {
		for i, row := range f.rows {
			if row >= 0 && b.Logits[row] && !c.take(i, row, more) {
				c.code = decodeNoLogits
				break
			}
		}
	}
	f.part.Reset()
	f.rows = f.rows[:0]
	if c.code == sys.DecodeNoSpace {
		c.takeBack(b)
	}
	return c.code == sys.DecodeOK
}

// decodeNoLogits is none of the library's codes.
const decodeNoLogits = -1000

// take takes the logits of a row of the part.
func (c *llmContext) take(i int, row int32, keep bool) bool {
	p := c.loop.Logits(c.batch.place[i])
	if p == nil {
		return false
	}
	f := c.fixed
	logits := unsafe.Slice((*float32)(p), c.model.info.VocabSize)
	if keep {
		if f.used == len(f.memory) {
			f.memory = append(f.memory, make([]float32, c.model.info.VocabSize))
		}
		copy(f.memory[f.used], logits)
		logits = f.memory[f.used]
		f.used++
	}
	f.logits[row] = logits
	return true
}

// takeBack removes what is computed of a batch for the rest of which there is no room.
func (c *llmContext) takeBack(b *engine.Batch) {
	for row, seq := range b.Sequences {
		if at := slices.Index(b.Sequences, seq); at == row {
			c.c.RemoveSequence(c.memory, int32(seq), b.Positions[row], -1)
		}
	}
}

// shapeRows is how many tokens checkShape decodes: more than the library's kernels take
// at once, and no multiple of it.
const shapeRows = 19

// checkShape decodes the same tokens one by one, all at once and beside another sequence,
// with few outputs and many, and compares the logits. Other processors have other kernels,
// and so have other types.
func (c *llmContext) checkShape() error {
	n := min(shapeRows, c.limits.SequenceTokens, c.limits.BatchTokens/2)
	want := make([][]float32, n)
	for _, shape := range []struct{ rows, sequences, outputs int }{{1, 1, 1}, {n, 1, n}, {1, 2, 1}, {7, 2, 1}} {
		if shape.sequences > c.limits.MaxSequences {
			continue
		}
		for at := 0; at < n; at += shape.rows {
			if err := c.compareShape(want, at, min(shape.rows, n-at), shape.sequences, shape.outputs); err != nil {
				return fmt.Errorf("fixed shape: %w", err)
			}
		}
		for seq := range shape.sequences {
			c.RemoveSequence(engine.SequenceID(seq), 0, -1)
		}
	}
	return nil
}

// compareShape decodes the next rows of some sequences, and compares the logits of the
// last ones with those wanted, where there are some.
func (c *llmContext) compareShape(want [][]float32, at, rows, sequences, outputs int) error {
	batch := engine.NewBatch(rows * sequences)
	for seq := range sequences {
		for i := range rows {
			batch.Add(engine.Token(((at+i)*7919+13)%c.model.info.VocabSize), at+i, engine.SequenceID(seq), i >= rows-outputs)
		}
	}
	if err := c.Decode(batch); err != nil {
		return err
	}
	for row, wanted := range batch.Logits {
		if !wanted {
			continue
		}
		logits, err := c.Logits(row)
		if err != nil {
			return err
		}
		if i := batch.Positions[row]; want[i] == nil {
			want[i] = slices.Clone(logits)
		} else if !slices.Equal(want[i], logits) {
			return errors.New("the library computes this model's rows in other bits beside others: serve with --no-repack, a file of another type, such as Q8_0, or without --fixed-shape")
		}
	}
	return nil
}
