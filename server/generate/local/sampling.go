package local

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/sampling"
)

// biasTokens replaces biases of texts by those of their tokens.
func (g *Generator) biasTokens(ctx context.Context, list []ask.Bias) ([]ask.Bias, error) {
	texts := 0
	out := make([]ask.Bias, 0, len(list))
	for _, b := range list {
		if b.Text == "" {
			if b.Token < 0 || int(b.Token) >= g.about.VocabSize {
				return nil, ask.Invalid("logit_bias", fmt.Sprintf("token %d is outside the vocabulary of %d tokens", b.Token, g.about.VocabSize))
			}
			out = append(out, b)
			continue
		}
		if texts++; texts > ask.MaxBiasTexts {
			return nil, ask.Invalid("logit_bias", fmt.Sprintf("more than %d texts: send their tokens", ask.MaxBiasTexts))
		}
		tokens, err := g.tokens(ctx, "logit_bias", engine.Tokenizing{}, engine.Span{Text: b.Text})
		if err != nil {
			return nil, err
		}
		for _, t := range tokens {
			out = append(out, ask.Bias{Token: t, Add: b.Add})
		}
	}
	return out, nil
}

// breakers finds the sequences of tokens that spell DRY's breakers, which may
// begin within a token and end within one: a pass over the vocabulary. Those of
// the last lists are kept.
type breakers struct {
	mu     sync.Mutex
	made   map[string]*sampling.Breakers
	making chan struct{} // has room for one: a list is made at a time
}

// madeLists is how many lists are kept. Clients send the same few.
const madeLists = 16

// of returns the breakers of a list, nil if it is empty.
func (b *breakers) of(ctx context.Context, g *Generator, texts []string) (*sampling.Breakers, error) {
	texts = slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return s == "" })
	switch {
	case len(texts) == 0:
		return nil, nil
	case len(texts) > ask.MaxBreakers:
		return nil, ask.Invalid("dry_sequence_breakers", fmt.Sprintf("%d strings, at most %d are allowed", len(texts), ask.MaxBreakers))
	}
	for i, s := range texts {
		texts[i] = cutText(s, ask.MaxBreakerBytes)
	}
	key := fmt.Sprintf("%q", texts)
	if found := b.known(key); found != nil {
		return found, nil
	}
	select {
	case b.making <- struct{}{}:
		defer func() { <-b.making }()
	case <-ctx.Done():
		return nil, ask.GivenUp(ctx.Err())
	}
	if found := b.known(key); found != nil { // made while this one waited
		return found, nil
	}
	ctx = ask.WithTier(ctx, ask.TierStandard) // others may wait for this one
	var sequences [][]ask.Token
	alone := make([]bool, g.about.VocabSize)
	for _, s := range texts {
		more, err := g.spellings(ctx, s, alone)
		if err != nil {
			return nil, err
		}
		sequences = append(sequences, more...)
	}
	found := sampling.NewBreakers(sequences...)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made == nil || len(b.made) >= madeLists {
		b.made = make(map[string]*sampling.Breakers)
	}
	b.made[key] = found
	return found, nil
}

// known returns the breakers of a list that was made, or nil.
func (b *breakers) known(key string) *sampling.Breakers {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.made[key]
}

// cutText cuts a text to limitBytes, whole characters.
func cutText(s string, limitBytes int) string {
	if len(s) <= limitBytes {
		return s
	}
	for limitBytes > 0 && !utf8.RuneStart(s[limitBytes]) {
		limitBytes--
	}
	return s[:limitBytes]
}

// tailTokens is how many tokens after the first one a breaker has at most.
const tailTokens = 20

// spellings returns the sequences of tokens that hold a text: each token that has
// it, and each that ends in its beginning, followed by the tokens of its rest. Those
// that are a breaker alone are marked, and left out if they are already.
func (g *Generator) spellings(ctx context.Context, text string, alone []bool) (sequences [][]ask.Token, err error) {
	tails := make(map[int][]ask.Token) // by where they begin
	var piece []byte
	for t := range ask.Token(g.about.VocabSize) {
		if t%4096 == 0 && ctx.Err() != nil {
			return nil, ask.GivenUp(ctx.Err())
		}
		piece = g.model.AppendPiece(piece[:0], t, true)
		if bytes.Contains(piece, []byte(text)) {
			if !alone[t] {
				sequences = append(sequences, []ask.Token{t})
			}
			alone[t] = true
			continue
		}
		for at := range piece {
			begin := len(piece) - at
			if piece[at] != text[0] || !strings.HasPrefix(text, string(piece[at:])) || !utf8.RuneStart(text[begin]) {
				continue
			}
			tail, ok := tails[begin]
			if !ok {
				if tail, err = g.tokens(ctx, "dry_sequence_breakers", engine.Tokenizing{}, engine.Span{Text: text[begin:]}); err != nil {
					return nil, err
				}
				tail = tail[:min(len(tail), tailTokens)]
				tails[begin] = tail
			}
			sequences = append(sequences, append([]ask.Token{t}, tail...))
		}
	}
	return sequences, nil
}
