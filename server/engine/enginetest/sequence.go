package enginetest

import (
	"slices"

	"github.com/weirgo/weir/server/engine"
)

var _ engine.ShiftingContext = (*Context)(nil)

// RemoveSequence implements engine.Context. What stays has seen what it has seen, also
// what a shift has dropped since.
func (c *Context) RemoveSequence(id engine.SequenceID, from, to int) bool {
	c.enter()
	defer c.leave()
	if id < 0 || int(id) >= c.limits.MaxSequences || from < 0 {
		panic("enginetest: remove of a sequence out of range")
	}
	s := &c.sequences[id]
	if to >= 0 && to < len(s.tokens) {
		return false // a hole would break the positions
	}
	if c.model.opts.NoPartialRemoval && from > 0 && from < len(s.tokens) {
		return false
	}
	from = min(from, len(s.tokens))
	removed := len(s.tokens) - from
	c.used -= removed
	c.model.cached.Add(-int64(removed))
	s.tokens, s.hashes = s.tokens[:from], s.hashes[:from]
	return true
}

// CanCopy implements engine.Context.
func (c *Context) CanCopy() bool { return !c.model.opts.NoCopies }

// CanCut implements engine.Context.
func (c *Context) CanCut() bool { return !c.model.opts.NoPartialRemoval }

// CopySequence implements engine.Context. A copy takes as much of the cache as the
// tokens did at first.
func (c *Context) CopySequence(to, from engine.SequenceID, tokens int) bool {
	c.enter()
	defer c.leave()
	limit := engine.SequenceID(c.limits.MaxSequences)
	if to < 0 || to >= limit || from < 0 || from >= limit || to == from {
		panic("enginetest: copy of a sequence out of range")
	}
	source, target := &c.sequences[from], &c.sequences[to]
	if tokens < 1 || tokens > len(source.tokens) || len(target.tokens) > 0 {
		panic("enginetest: copy of more tokens than there are, or onto others")
	}
	if c.model.opts.NoCopies || c.model.opts.NoPartialRemoval && tokens < len(source.tokens) || c.used+tokens > c.cells {
		return false
	}
	target.tokens = append(target.tokens, source.tokens[:tokens]...)
	target.hashes = append(target.hashes, source.hashes[:tokens]...)
	c.used += tokens
	c.model.cached.Add(int64(tokens))
	c.copied = true
	return true
}

// CanShift implements engine.ShiftingContext.
func (c *Context) CanShift() bool { return !c.model.opts.NoShifts && !c.model.opts.NoPartialRemoval }

// ShiftSequence implements engine.ShiftingContext. The hashes stay: what was dropped has
// left its trace in what comes after it.
func (c *Context) ShiftSequence(id engine.SequenceID, from, to int) bool {
	c.enter()
	defer c.leave()
	s := &c.sequences[id]
	if from < 0 || to <= from || to > len(s.tokens) {
		panic("enginetest: shift over tokens that there are not")
	}
	if !c.CanShift() {
		return false
	}
	s.tokens, s.hashes = slices.Delete(s.tokens, from, to), slices.Delete(s.hashes, from, to)
	c.used -= to - from
	c.model.cached.Add(-int64(to - from))
	c.copied = true
	return true
}
