package llama

import (
	"errors"

	"github.com/weirgo/weir/server/engine"
)

// errCopied: the library copies keys and values, and turns keys, when it decodes, and
// writes or reads whatever is there by then.
var errCopied = errors.New("a sequence was copied or shifted: decode first")

var _ engine.ShiftingContext = (*llmContext)(nil)

// RemoveSequence drops positions [from, to) of a sequence. Of caches that slide or
// recur the library drops what they have, which need not be all that comes before:
// a sequence whose beginning is gone already is left alone.
func (c *llmContext) RemoveSequence(seq engine.SequenceID, from, to int) bool {
	if c.handle == 0 || uint(seq) >= uint(c.limits.MaxSequences) {
		return false
	}
	if from > 0 && c.stateIdentity == "" && c.c.FirstPosition(c.memory, int32(seq)) > 0 {
		return false
	}
	return c.c.RemoveSequence(c.memory, int32(seq), int32(max(from, 0)), int32(min(max(to, -1), maxContextTokens)))
}

// CanCopy implements engine.Context.
func (c *llmContext) CanCopy() bool { return c.stateIdentity != "" }

// CanCut implements engine.Context. Caches that slide may have given up for the last
// tokens what goes before them, and those that recur have no tokens.
func (c *llmContext) CanCut() bool { return c.stateIdentity != "" }

// CopySequence makes a sequence of another's first tokens, where a context has one
// cache of keys and values, a part of it for each sequence. The library copies that
// part whole, in memory of the backend.
func (c *llmContext) CopySequence(to, from engine.SequenceID, tokens int) bool {
	limit := uint(c.limits.MaxSequences)
	if c.handle == 0 || c.stateIdentity == "" || uint(to) >= limit || uint(from) >= limit || to == from || tokens < 1 {
		return false
	}
	c.c.CopySequence(c.memory, int32(from), int32(to))
	c.copied = true
	if c.c.RemoveSequence(c.memory, int32(to), int32(tokens), -1) {
		return true
	}
	c.c.RemoveSequence(c.memory, int32(to), 0, -1)
	return false
}

// CanShift implements engine.ShiftingContext. A recurrent state has no positions to drop,
// whatever its cache says; and what was shifted is not what its tokens give, which a fixed
// shape promises.
func (c *llmContext) CanShift() bool {
	return c.handle != 0 && c.fixed == nil && c.c.CanMove(c.memory) && !c.c.Recurs(c.model.handle)
}

// ShiftSequence drops positions of a sequence; the library turns the keys of those after
// them by as many at the next Decode.
func (c *llmContext) ShiftSequence(seq engine.SequenceID, from, to int) bool {
	if from < 0 || to <= from || to > maxContextTokens || !c.CanShift() || !c.RemoveSequence(seq, from, to) {
		return false
	}
	c.c.MovePositions(c.memory, int32(seq), int32(to), -1, int32(from-to))
	c.copied = true
	return true
}
