package local

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat/calls"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/sampling"
)

// maxThoughtMessageBytes bounds what is said at the end of a thought.
const maxThoughtMessageBytes = 4 << 10

// bound is a constraint that ends what a model thinks once it has thought enough,
// around another, nil for none: the tokens that close the thought are the only
// ones allowed then. It reads the answer as its stream does.
type bound struct {
	inner    sampling.Constraint
	model    engine.Model
	marks    map[engine.Token]string
	closings map[string][]engine.Token // what is said at the end, by calls.Parser.Closing
	parser   calls.Parser
	piece    calls.Piece
	spelled  []byte
	last     []byte // bytes: there a character may be incomplete
	left     int    // tokens
	again    bool
	forced   []engine.Token // that come next
	bits     []uint64
}

// bounded puts a bound on what a model thinks around a constraint.
func (g *Generator) bounded(ctx context.Context, inner sampling.Constraint, r *ask.Request, o *opening) (sampling.Constraint, error) {
	if !r.Thinking.Bounded || r.Messages == nil || o.hold != nil && o.hold.Places == nil {
		return inner, nil // a call that it must make begins behind its thoughts
	}
	closings := g.form.Closings()
	if len(closings) == 0 {
		return inner, nil
	}
	if len(r.Thinking.Message) > maxThoughtMessageBytes {
		return nil, ask.Invalid("reasoning_budget_message", fmt.Sprintf("it is longer than %d bytes: shorten it", maxThoughtMessageBytes))
	}
	b := &bound{
		inner: inner, model: g.model, marks: g.marks, left: r.Thinking.Tokens, closings: map[string][]engine.Token{},
		bits: make([]uint64, (g.about.VocabSize+63)/64),
	}
	for _, text := range closings {
		tokens, err := g.tokens(ctx, "messages", engine.Tokenizing{LimitTokens: g.about.ContextTokens},
			engine.Span{Text: r.Thinking.Message}, engine.Span{Text: text, Control: true})
		if err != nil {
			return nil, ask.Failed(err)
		}
		b.closings[text] = tokens
	}
	options := g.parsing(r, o)
	options.RawReasoning = false
	b.parser.Reset(g.form, options)
	b.close()
	return b, nil
}

// Allowed implements sampling.Constraint.
func (b *bound) Allowed() []uint64 {
	if len(b.forced) > 0 {
		clear(b.bits)
		b.bits[b.forced[0]/64] |= 1 << (b.forced[0] % 64)
		return b.bits
	}
	if b.inner == nil {
		return nil
	}
	return b.inner.Allowed()
}

// Free implements sampling.Waiting.
func (b *bound) Free() bool {
	if len(b.forced) > 0 {
		return false
	}
	waits, ok := b.inner.(sampling.Waiting)
	return b.inner == nil || ok && waits.Free()
}

// Accept implements sampling.Constraint.
func (b *bound) Accept(t ask.Token) {
	if b.inner != nil {
		b.inner.Accept(t)
	}
	thought := b.parser.Thinks()
	b.spelled = b.model.AppendPiece(b.spelled[:0], t, false)
	if len(b.spelled) == 0 {
		b.spelled = append(b.spelled, b.marks[t]...)
	}
	b.parser.Add(b.spelled)
	for b.parser.Next(&b.piece) {
	}
	if len(b.forced) > 0 {
		b.forced = b.forced[1:]
		return
	}
	b.last = append(b.last, b.spelled...)
	b.last = append(b.last[:0], b.last[max(0, len(b.last)-utf8.UTFMax):]...)
	if thought {
		b.left--
	}
	b.close()
}

// close ends the thought at hand if it is long enough, behind a whole character.
func (b *bound) close() {
	if b.left > 0 || !b.parser.Thinks() || incomplete(b.last) {
		return
	}
	b.forced = b.closings[b.parser.Closing(b.again)]
	b.again = true
}

// incomplete reports whether text ends within a character.
func incomplete(text []byte) bool {
	for n := 1; n <= len(text); n++ {
		if rest := text[len(text)-n:]; utf8.RuneStart(rest[0]) {
			return !utf8.FullRune(rest)
		}
	}
	return false
}
