package enginetest

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/weirgo/weir/server/engine"
)

var _ engine.StateContext = (*Context)(nil)

// StateIdentity implements engine.StateContext.
func (c *Context) StateIdentity() string {
	if c.model.opts.NoState {
		return ""
	}
	return "fake"
}

// StateBytes implements engine.StateContext: four bytes a token.
func (c *Context) StateBytes(id engine.SequenceID) int {
	c.enter()
	defer c.leave()
	return 4 * len(c.sequences[id].tokens)
}

// checkCopied panics if a sequence was copied or shifted and nothing decoded since.
func (c *Context) checkCopied() {
	if c.copied {
		panic("enginetest: a state between a copy or a shift and the next Decode")
	}
}

// SaveSequence implements engine.StateContext. The fake's state is its tokens.
func (c *Context) SaveSequence(id engine.SequenceID, tokens int, room []byte) ([]byte, error) {
	c.enter()
	defer c.leave()
	c.checkCopied()
	s := &c.sequences[id]
	if len(s.tokens) != tokens {
		panic(fmt.Sprintf("enginetest: sequence %d has %d tokens, not %d", id, len(s.tokens), tokens))
	}
	state := room[:0]
	for _, t := range s.tokens {
		state = binary.LittleEndian.AppendUint32(state, uint32(t))
	}
	return state, nil
}

// RestoreSequence implements engine.StateContext. What is not a state of tokens is
// refused.
func (c *Context) RestoreSequence(id engine.SequenceID, tokens int, state []byte) error {
	c.enter()
	defer c.leave()
	c.checkCopied()
	s := &c.sequences[id]
	if len(s.tokens) != 0 || tokens > c.limits.SequenceTokens {
		panic("enginetest: restore into a sequence that is not empty, or too short")
	}
	if len(state) != 4*tokens || bytes.Contains(state, []byte{0xff, 0xff}) || c.used+tokens > c.cells {
		return fmt.Errorf("enginetest: restore: %w", engine.ErrState)
	}
	for at := range tokens {
		s.add(engine.Token(binary.LittleEndian.Uint32(state[4*at:])))
	}
	c.used += tokens
	c.model.cached.Add(int64(tokens))
	return nil
}
