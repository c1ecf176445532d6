package llama

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/split"
)

// Tokenize appends the tokens of a text to dst. Bytes that are not UTF-8 count
// as U+FFFD: what the library's pre-tokenizers make of them is not defined.
//
// The library is called for pieces of the text, on a stack of its own size, and
// ctx is looked at between them. A user-defined token that looks like
// "<|…|>" is a control token too.
func (m *model) Tokenize(ctx context.Context, dst []engine.Token, how engine.Tokenizing, text ...engine.Span) ([]engine.Token, error) {
	whole, trusted := join(text)
	t := tokenizing{
		m: m, ctx: ctx, text: whole, limit: how.LimitTokens,
		turns: queueing{len(whole) > split.PieceBytes, how.Background}, tokens: dst, before: len(dst),
	}
	if m.closed() {
		return dst, fmt.Errorf("llama: tokenize: %w", engine.ErrClosed)
	}
	if t.limit > 0 && len(whole)/max(1, m.longestBytes) > t.limit {
		return dst, engine.ErrTooManyTokens
	}
	if err := m.spelling.check(whole); err != nil {
		return dst, &engine.TextError{What: err.Error()}
	}
	if how.AddSpecial {
		t.tokens = append(t.tokens, m.prefix...)
	}
	if whole != "" {
		m.specials.Split(whole, trusted, t.part)
	}
	if how.AddSpecial {
		t.tokens = append(t.tokens, m.suffix...)
	}
	switch {
	case t.err != nil:
		return dst, t.err
	case t.over():
		return dst, engine.ErrTooManyTokens
	}
	return t.tokens, nil
}

// join makes one text of spans, and says where control tokens are read.
func join(spans []engine.Span) (text string, trusted []split.Range) {
	if len(spans) == 1 {
		text = strings.ToValidUTF8(spans[0].Text, "\uFFFD")
		if spans[0].Control {
			trusted = []split.Range{{From: 0, To: len(text)}}
		}
		return text, trusted
	}
	var all strings.Builder
	for _, s := range spans {
		from := all.Len()
		all.WriteString(strings.ToValidUTF8(s.Text, "\uFFFD"))
		if s.Control {
			trusted = append(trusted, split.Range{From: from, To: all.Len()})
		}
	}
	return all.String(), trusted
}

// tokenizing is a text on its way into tokens.
type tokenizing struct {
	m      *model
	ctx    context.Context
	text   string
	turns  queueing
	limit  int // tokens, 0 for none
	tokens []engine.Token
	before int // tokens that were there
	parts  int
	err    error
}

func (t *tokenizing) over() bool { return t.limit > 0 && len(t.tokens)-t.before > t.limit }

// part adds the tokens of a part. It reports false when that is enough.
func (t *tokenizing) part(p split.Part) bool {
	const often = 1024 // special tokens, some 100 µs
	if p.Token >= 0 {
		t.tokens = append(t.tokens, engine.Token(p.Token))
		if t.parts++; t.parts%often == 0 {
			t.err = t.ctx.Err()
		}
		return t.err == nil && !t.over()
	}
	for raw, joined := t.text[p.From:p.To], p.Joined; raw != ""; joined = true {
		end, err := t.m.rules.Next(raw)
		if err != nil {
			t.err = &engine.TextError{What: err.Error()}
			return false
		}
		if t.err = t.piece(raw[:end], joined); t.err != nil || t.over() {
			return false
		}
		raw = raw[end:]
	}
	return true
}

// piece adds the tokens of raw text that is short enough for one call.
func (t *tokenizing) piece(raw string, joined bool) (err error) {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	if t.turns.behind {
		within(t.m.desks.group, func() { err = t.pieceAtDesk(raw, joined) })
		return err
	}
	return t.pieceAtDesk(raw, joined)
}

// pieceAtDesk waits for a desk and has the text tokenised there, unless its tokens are
// known.
func (t *tokenizing) pieceAtDesk(raw string, joined bool) error {
	m := t.m
	short := !joined && len(raw) <= memoBytes
	if short {
		var known bool
		if t.tokens, known = m.memo.append(t.tokens, raw); known {
			return nil
		}
	}
	skip := 0
	if joined && m.leadTokens > 0 {
		raw, skip = lead+raw, m.leadTokens
	}
	d, err := m.desks.take(t.ctx, t.turns)
	if err != nil {
		return fmt.Errorf("llama: tokenize: %w", err)
	}
	defer m.desks.leave(d, t.turns)
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.handle == 0 {
		return fmt.Errorf("llama: tokenize: %w", engine.ErrClosed)
	}
	tokens := d.call(m, raw)
	tokens = tokens[min(skip, len(tokens)):]
	t.tokens = append(t.tokens, tokens...)
	if short {
		m.memo.keep(raw, tokens)
	}
	return nil
}
