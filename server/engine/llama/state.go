package llama

import (
	"encoding/binary"
	"fmt"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/offheap"
)

// The library's own state of a sequence, in words of four bytes, little-endian,
// where a context has one cache of keys and values, a part of it for each
// sequence:
//
//	magic, sequence
//	how many parts the cache has
//	of each part how many tokens of the sequence it has and, if there are any:
//		of each token its position, 1, sequence
//		rows
//
// Rows are whether values lie in columns, 0 or 1, of which the library takes any
// other number for 1, and the layers' keys and values, each with its type and its size,
// which it compares with its own; what comes before it trusts. So it is not
// kept: a state here is the rows alone, and what comes before is made anew for the
// sequence that is to have them. The same tokens give the same bytes in whichever
// sequence they are.
const (
	stateMagic = 0xaf143cd8
	wordBytes  = 4
	headWords  = 3 // magic, sequence, parts
)

var _ engine.StateContext = (*llmContext)(nil)

// setStateIdentity finds out whether a sequence's state has the form above: that
// of an empty one has no tokens in any part, and nothing else. Caches that slide,
// recur or are several have other forms.
func (c *llmContext) setStateIdentity() {
	empty := wordBytes * (headWords + c.limits.MaxSequences)
	if c.c.StateBytes(c.handle, 0) == uint64(empty) {
		c.stateIdentity = c.model.files.identity + " " + c.lib.Version()
	}
}

// StateIdentity names the model and the library.
func (c *llmContext) StateIdentity() string { return c.stateIdentity }

// StateBytes is how much room SaveSequence needs.
func (c *llmContext) StateBytes(seq engine.SequenceID) int {
	if c.checkState(seq) != nil {
		return 0
	}
	return int(c.c.StateBytes(c.handle, int32(seq)))
}

func (c *llmContext) checkState(seq engine.SequenceID) error {
	switch {
	case c.handle == 0:
		return engine.ErrClosed
	case c.stateIdentity == "":
		return fmt.Errorf("%w: the cache of this model has another form", engine.ErrState)
	case uint(seq) >= uint(c.limits.MaxSequences):
		return fmt.Errorf("sequence %d is not below MaxSequences %d", seq, c.limits.MaxSequences)
	}
	return nil
}

// SaveSequence has the library write into room, and returns the rows.
func (c *llmContext) SaveSequence(seq engine.SequenceID, tokens int, room []byte) ([]byte, error) {
	if err := c.checkState(seq); err != nil {
		return nil, fmt.Errorf("llama: save sequence: %w", err)
	}
	if c.copied {
		return nil, fmt.Errorf("llama: save sequence: %w", errCopied)
	}
	if need := c.StateBytes(seq); need > len(room) || len(room) == 0 {
		return nil, fmt.Errorf("llama: save sequence: room for %d bytes, %d are needed", len(room), need)
	}
	mark := c.lib.log.begin(levelError)
	n := c.c.GetState(c.handle, int32(seq), room)
	lines := c.lib.log.end(mark)
	if n == 0 || n > uint64(len(room)) {
		return nil, fmt.Errorf("llama: save sequence: the library failed%s", lines)
	}
	before, after := c.frame(seq, tokens)
	state := room[:n]
	if len(state) < len(before)+len(after) || string(state[:len(before)]) != string(before) || string(state[len(state)-len(after):]) != string(after) {
		return nil, fmt.Errorf("llama: save sequence: %w: it has not %d tokens in a row, or the library has another form", engine.ErrState, tokens)
	}
	if err := c.model.files.lost(); err != nil {
		return nil, fmt.Errorf("llama: save sequence: %w", err)
	}
	return state[len(before) : len(state)-len(after)], nil
}

// RestoreSequence hands the library a state of the sequence's own, with these
// rows.
func (c *llmContext) RestoreSequence(seq engine.SequenceID, tokens int, state []byte) error {
	if err := c.checkState(seq); err != nil {
		return fmt.Errorf("llama: restore sequence: %w", err)
	}
	if c.copied {
		return fmt.Errorf("llama: restore sequence: %w", errCopied)
	}
	if tokens < 1 || tokens > c.limits.SequenceTokens {
		return fmt.Errorf("llama: restore sequence: %w: %d tokens, a sequence has 1 to %d", engine.ErrState, tokens, c.limits.SequenceTokens)
	}
	before, after := c.frame(seq, tokens)
	if len(state) >= wordBytes && binary.LittleEndian.Uint32(state) > 1 {
		return fmt.Errorf("llama: restore sequence: %w: it does not begin with a truth", engine.ErrState)
	}
	whole, err := offheap.New(len(before) + len(state) + len(after))
	if err != nil {
		return fmt.Errorf("llama: restore sequence: %w", err)
	}
	defer offheap.Free(whole)
	copy(whole[copy(whole, before):], state)
	copy(whole[len(before)+len(state):], after)
	mark := c.lib.log.begin(levelError)
	n := c.c.SetState(c.handle, int32(seq), whole)
	lines := c.lib.log.end(mark)
	if n == uint64(len(whole)) {
		return nil
	}
	c.RemoveSequence(seq, 0, -1) // also where it has read too little of it
	return fmt.Errorf("llama: restore sequence: %w: the library refuses it%s", engine.ErrState, lines)
}

// frame is what the library writes before the rows of a sequence's tokens, which
// are at positions 0 and on, and after them.
func (c *llmContext) frame(seq engine.SequenceID, tokens int) (before, after []byte) {
	word := func(values ...uint32) {
		for _, v := range values {
			before = binary.LittleEndian.AppendUint32(before, v)
		}
	}
	word(stateMagic, uint32(seq), uint32(c.limits.MaxSequences))
	for range seq {
		word(0)
	}
	word(uint32(tokens))
	for at := range tokens {
		word(uint32(at), 1, uint32(seq))
	}
	return before, make([]byte, wordBytes*(c.limits.MaxSequences-1-int(seq)))
}
