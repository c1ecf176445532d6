package enginetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/sampling"
)

func open(t *testing.T, opts Options, cfg engine.ContextConfig) (*Model, engine.Context) {
	t.Helper()
	m := New(opts)
	c, err := m.NewContext(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m, c
}

// batchOf makes a batch of tokens that follow position from in a sequence,
// with logits for the last.
func batchOf(seq engine.SequenceID, from int, tokens ...engine.Token) *engine.Batch {
	b := engine.NewBatch(len(tokens))
	for i, token := range tokens {
		b.Add(token, from+i, seq, i == len(tokens)-1)
	}
	return b
}

// TestReference checks that decoding step by step, with a second sequence in
// between, gives what Reference says.
func TestReference(t *testing.T) {
	for _, cfg := range []ask.Sampling{{}, {Temperature: 1, Seed: 7}} {
		m, c := open(t, Options{EndEvery: 40}, engine.ContextConfig{MaxSequences: 2, ContextTokens: 512})
		prompt := []engine.Token{BOS, 'h', 'i'}
		want, ended := Reference(m, prompt, cfg, 200)
		sampler, drawn := sampling.New(cfg), new(sampling.Row)
		var got []engine.Token
		next, position := prompt, 0
		for len(got) < 200 {
			b := batchOf(1, position, next...)
			row := b.Len() - 1
			b.Add('x', len(got), 0, false)
			if err := c.Decode(b); err != nil {
				t.Fatal(err)
			}
			position += len(next)
			logits, err := c.Logits(row)
			if err != nil {
				t.Fatal(err)
			}
			token, err := sampler.Next(drawn, logits)
			if err != nil {
				t.Fatal(err)
			}
			if m.IsEndOfGeneration(token) {
				break
			}
			got = append(got, token)
			next = []engine.Token{token}
		}
		if !slices.Equal(got, want) || ended != (len(want) < 200) {
			t.Errorf("%+v: got %v, reference %v, ended %v", cfg, got, want, ended)
		}
		for seq := range engine.SequenceID(2) {
			if !c.RemoveSequence(seq, 0, -1) {
				t.Errorf("cannot remove sequence %d", seq)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if contexts := m.Open(); contexts != 0 || m.CachedTokens() != 0 {
			t.Errorf("left: %d contexts, %d tokens", contexts, m.CachedTokens())
		}
	}
}

// TestContractPanics checks that what would corrupt a real engine's cache does
// not pass.
func TestContractPanics(t *testing.T) {
	for name, call := range map[string]func(engine.Context){
		"empty batch":    func(c engine.Context) { c.Decode(engine.NewBatch(1)) },
		"large batch":    func(c engine.Context) { c.Decode(batchOf(0, 0, make([]engine.Token, 9)...)) },
		"gap":            func(c engine.Context) { c.Decode(batchOf(0, 1, 'a')) },
		"again":          func(c engine.Context) { c.Decode(batchOf(0, 0, 'a')); c.Decode(batchOf(0, 0, 'a')) },
		"sequence":       func(c engine.Context) { c.Decode(batchOf(2, 0, 'a')) },
		"token":          func(c engine.Context) { c.Decode(batchOf(0, 0, VocabSize)) },
		"context":        func(c engine.Context) { c.Decode(batchOf(0, 0, make([]engine.Token, 7)...)) },
		"row":            func(c engine.Context) { c.Decode(batchOf(0, 0, 'a')); c.Logits(1) },
		"row, no logits": func(c engine.Context) { c.Decode(batchOf(0, 0, 'a', 'b')); c.Logits(0) },
		"closed":         func(c engine.Context) { c.Close(); c.Decode(batchOf(0, 0, 'a')) },
		"other goroutine": func(c engine.Context) {
			c.Decode(batchOf(0, 0, 'a'))
			failed := make(chan any)
			go func() {
				defer func() { failed <- recover() }()
				c.Decode(batchOf(0, 1, 'a'))
			}()
			if v := <-failed; v != nil {
				panic(v)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := open(t, Options{}, engine.ContextConfig{MaxSequences: 2, ContextTokens: 12, BatchTokens: 8})
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call(c)
		})
	}
}

func TestNoCacheSpaceChangesNothing(t *testing.T) {
	m, c := open(t, Options{CacheTokens: 5}, engine.ContextConfig{ContextTokens: 100})
	if err := c.Decode(batchOf(0, 0, 'a', 'b', 'c')); err != nil {
		t.Fatal(err)
	}
	if err := c.Decode(batchOf(0, 3, 'd', 'e', 'f')); !errors.Is(err, engine.ErrNoCacheSpace) {
		t.Errorf("full cache: %v", err)
	}
	if n := m.CachedTokens(); n != 3 {
		t.Errorf("%d tokens cached", n)
	}
	if err := c.Decode(batchOf(0, 3, 'd', 'e')); err != nil {
		t.Errorf("batch that fits: %v", err)
	}
	if c.RemoveSequence(0, 1, 3) {
		t.Error("a hole was removed")
	}
	if !c.RemoveSequence(0, 1, -1) || m.CachedTokens() != 1 {
		t.Errorf("%d tokens cached after removing all but one", m.CachedTokens())
	}
}

// A copy goes on as its original does, and takes room of its own.
func TestCopySequence(t *testing.T) {
	m, c := open(t, Options{CacheTokens: 8}, engine.ContextConfig{ContextTokens: 100, MaxSequences: 4})
	if err := c.Decode(batchOf(0, 0, 'a', 'b', 'c')); err != nil {
		t.Fatal(err)
	}
	if !c.CopySequence(2, 0, 2) || m.CachedTokens() != 5 {
		t.Fatalf("%d tokens cached", m.CachedTokens())
	}
	if !c.CopySequence(1, 2, 1) || c.CopySequence(3, 0, 3) || m.CachedTokens() != 6 {
		t.Errorf("%d tokens cached", m.CachedTokens())
	}
	if err := c.Decode(batchOf(2, 2, 'c')); err != nil {
		t.Fatal(err)
	}
	logits, err := c.Logits(0)
	if err != nil {
		t.Fatal(err)
	}
	row := new(sampling.Row)
	got, err := sampling.New(ask.Sampling{}).Next(row, logits)
	if want, _ := Reference(m, []engine.Token{'a', 'b', 'c'}, ask.Sampling{}, 1); err != nil || got != want[0] {
		t.Errorf("after a copy %d, want %v: %v", got, want, err)
	}
}

func TestAbort(t *testing.T) {
	_, c := open(t, Options{Delay: func(*engine.Batch) time.Duration { return time.Hour }}, engine.ContextConfig{ContextTokens: 100})
	time.AfterFunc(time.Millisecond, c.Abort)
	if err := c.Decode(batchOf(0, 0, 'a')); !errors.Is(err, engine.ErrAborted) {
		t.Errorf("aborted decode: %v", err)
	}
	c.RemoveSequence(0, 0, -1)
	if err := c.Decode(batchOf(0, 0, 'a')); !errors.Is(err, engine.ErrAborted) {
		t.Errorf("decode while aborted: %v", err)
	}
	c.RemoveSequence(0, 0, -1)
	c.Resume()
	time.AfterFunc(time.Millisecond, c.Abort)
	if err := c.Decode(batchOf(0, 0, 'a')); !errors.Is(err, engine.ErrAborted) {
		t.Errorf("aborted after Resume: %v", err)
	}
}

func TestFault(t *testing.T) {
	broken := errors.New("broken")
	m, c := open(t, Options{Fault: func(step int, _ *engine.Batch) error {
		if step == 1 {
			return broken
		}
		return nil
	}}, engine.ContextConfig{ContextTokens: 100})
	if err := c.Decode(batchOf(0, 0, 'a')); err != nil {
		t.Fatal(err)
	}
	if err := c.Decode(batchOf(0, 1, 'b', 'c', 'd', 'e')); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if n := m.CachedTokens(); n != 3 {
		t.Errorf("%d tokens cached after half a batch", n)
	}
}

func TestTokenize(t *testing.T) {
	m := New(Options{})
	for _, c := range []struct {
		text         string
		add, special bool
		want         []engine.Token
	}{
		{"", true, true, []engine.Token{BOS}},
		{"a\xff", false, false, []engine.Token{'a', 0xff}},
		{"<|sep|>b", false, true, []engine.Token{Separator, 'b'}},
		{"<|e", true, true, []engine.Token{BOS, '<', '|', 'e'}},
		{"<|eos|>", false, false, []engine.Token{'<', '|', 'e', 'o', 's', '|', '>'}},
	} {
		got, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: c.add}, engine.Span{Text: c.text, Control: c.special})
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %v, %v, want %v", c.text, got, err, c.want)
		}
		var back []byte
		for _, token := range got {
			if token != BOS {
				back = m.AppendPiece(back, token, true)
			}
		}
		if string(back) != c.text {
			t.Errorf("%q: pieces give %q", c.text, back)
		}
	}
	if got := m.AppendPiece(nil, EOS, false); len(got) != 0 {
		t.Errorf("control token gives %q", got)
	}
}

func TestReplyAfter(t *testing.T) {
	m := New(Options{Next: ReplyAfter("Q:", "yes")})
	prompt, err := m.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: "Q: no Q:"})
	if err != nil {
		t.Fatal(err)
	}
	got, ended := Reference(m, prompt, ask.Sampling{Temperature: 1}, 10)
	if want := []engine.Token{'y', 'e', 's'}; !slices.Equal(got, want) || !ended {
		t.Errorf("got %v, ended %v", got, ended)
	}
}

func TestModelRefusesToCloseEarly(t *testing.T) {
	m, c := open(t, Options{}, engine.ContextConfig{})
	if m.Close() == nil {
		t.Error("closed with a context open")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.NewContext(engine.ContextConfig{}); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("context of a closed model: %v", err)
	}
}
