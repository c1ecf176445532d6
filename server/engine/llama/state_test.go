package llama_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/sampling"
)

// fill decodes tokens into a sequence from a position on.
func fill(t testing.TB, c engine.Context, seq engine.SequenceID, from int, tokens ...engine.Token) {
	t.Helper()
	b := engine.NewBatch(len(tokens))
	for i, token := range tokens {
		b.Add(token, from+i, seq, i == len(tokens)-1)
	}
	if err := c.Decode(b); err != nil {
		t.Fatal(err)
	}
}

// goOn returns the n likeliest tokens after a sequence whose next token, at
// position at, is first.
func goOn(t *testing.T, c engine.Context, seq engine.SequenceID, at int, first engine.Token, n int) (tokens []engine.Token) {
	t.Helper()
	sampler, memory := sampling.New(ask.Sampling{}), new(sampling.Row)
	for next := first; len(tokens) < n; at++ {
		fill(t, c, seq, at, next)
		next = draw(t, c, sampler, memory, 0)
		tokens = append(tokens, next)
	}
	return tokens
}

// save returns a copy of a sequence's state.
func save(t testing.TB, c engine.StateContext, seq engine.SequenceID, tokens int) []byte {
	t.Helper()
	state, err := c.SaveSequence(seq, tokens, make([]byte, c.StateBytes(seq)))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(state)
}

func openState(t testing.TB, m engine.Model, sequences int) engine.StateContext {
	t.Helper()
	return newContext(t, m, engine.ContextConfig{ContextTokens: sequences * 256, MaxSequences: sequences}).(engine.StateContext)
}

// A state has the same bytes wherever it is put, beside others and in a context of
// another shape, and what follows it is the same.
func TestStatesTravel(t *testing.T) {
	m := llamatest.Load(t)
	tokens := tokenize(t, m, "the river runs under an old stone bridge")
	n := len(tokens) - 1
	c := openState(t, m, 4)
	if c.StateIdentity() == "" {
		t.Fatal("no states of a plain model")
	}
	for seq := range engine.SequenceID(3) {
		fill(t, c, seq, 0, tokens[:n]...)
	}
	first := save(t, c, 2, n)
	if again := save(t, c, 0, n); !bytes.Equal(first, again) {
		t.Error("the same tokens have another state in another sequence")
	}
	want := goOn(t, c, 2, n, tokens[n], 20)
	if err := c.RestoreSequence(3, n, first); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(save(t, c, 3, n), first) {
		t.Error("a state changes on its way")
	}
	if got := goOn(t, c, 3, n, tokens[n], 20); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	alone := openState(t, m, 1)
	if alone.StateIdentity() != c.StateIdentity() {
		t.Error("the number of sequences changes what states are good for")
	}
	if err := alone.RestoreSequence(0, n, first); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(save(t, alone, 0, n), first) {
		t.Error("a state changes from context to context")
	}
	if got := goOn(t, alone, 0, n, tokens[n], 20); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if !c.RemoveSequence(3, 5, -1) {
		t.Fatal("the end of a restored sequence stays")
	}
	fill(t, c, 3, 5, tokens[5:n]...)
	save(t, c, 3, n) // its form holds after that, too
}

func TestStateErrors(t *testing.T) {
	m := llamatest.Load(t)
	c := openState(t, m, 2)
	tokens := []engine.Token{5, 9, 300, 17, 8}
	fill(t, c, 0, 0, tokens...)
	state := save(t, c, 0, len(tokens))
	for name, err := range map[string]error{
		"other tokens":  func() error { _, err := c.SaveSequence(0, 4, make([]byte, 1<<20)); return err }(),
		"fewer tokens":  c.RestoreSequence(1, 4, state),
		"more tokens":   c.RestoreSequence(1, 6, state),
		"no tokens":     c.RestoreSequence(1, 0, nil),
		"too many":      c.RestoreSequence(1, 257, state),
		"no state":      c.RestoreSequence(1, 5, nil),
		"cut":           c.RestoreSequence(1, 5, state[:len(state)-1]),
		"something off": c.RestoreSequence(1, 5, append(slices.Clone(state), 0)),
	} {
		if !errors.Is(err, engine.ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.SaveSequence(0, 5, make([]byte, 8)); err == nil {
		t.Error("saved into too little room")
	}
	if _, err := c.SaveSequence(2, 5, make([]byte, 1<<20)); err == nil || c.StateBytes(2) != 0 {
		t.Error("a sequence that is none was saved")
	}
	if err := c.RestoreSequence(1, len(tokens), state); err != nil {
		t.Errorf("after all that: %v", err)
	}
	if !bytes.Equal(save(t, c, 0, len(tokens)), state) {
		t.Error("another sequence has changed")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.RestoreSequence(1, 5, state); !errors.Is(err, engine.ErrClosed) {
		t.Error(err)
	}
}

// FuzzRestore: no state takes the library down, and one that it refuses leaves an
// empty sequence.
func FuzzRestore(f *testing.F) {
	m := llamatest.Load(f)
	c := openState(f, m, 2)
	tokens := []engine.Token{5, 9, 300, 17, 8}
	fill(f, c, 0, 0, tokens...)
	state := save(f, c, 0, len(tokens))
	c.RemoveSequence(0, 0, -1)
	f.Add(5, state)
	random := rand.New(rand.NewPCG(1, 2))
	for at := range 24 { // the words before the first row, and some beyond
		spoilt := slices.Clone(state)
		spoilt[at] ^= byte(1 + random.IntN(255))
		f.Add(5, spoilt)
		spoilt = slices.Clone(state)
		spoilt[random.IntN(len(spoilt))] ^= byte(1 + random.IntN(255))
		f.Add(random.IntN(300), spoilt[:random.IntN(len(spoilt))])
	}
	f.Fuzz(func(t *testing.T, n int, state []byte) {
		if err := c.RestoreSequence(1, n, state); err != nil {
			if !errors.Is(err, engine.ErrState) {
				t.Error(err)
			}
			fill(t, c, 1, 0, tokens...) // it would be refused at these positions
		} else if n > 0 && !bytes.Equal(save(t, c, 1, n), state) {
			t.Error("another state came back")
		}
		if !c.RemoveSequence(1, 0, -1) {
			t.Fatal("it stays")
		}
	})
}
