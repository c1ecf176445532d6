package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// In a conversation a control token is the template's; a completion's prompt is
// all the client's own.
func TestControlTokensOfClients(t *testing.T) {
	const marks = "<|sep|><|eos|><|bos|>"
	for _, test := range []struct {
		request *ask.Request
		tokens  int
	}{
		{hello(func(r *ask.Request) { r.Messages[0].Content = marks }), len("B[user]") + len(marks) + len("[assistant]")},
		{hello(func(r *ask.Request) { r.Messages[0].Role = marks }), len("B[]") + len(marks) + len("hi[assistant]")},
		{&ask.Request{Prompt: ask.Prompt{Text: marks}, TopLogprobs: -1, MaxTokens: 1}, len("BSEB")},
	} {
		_, _, end := answer(t, open(t, saying("")), test.request)
		if end.PromptTokens != test.tokens {
			t.Errorf("%+v: %d tokens, want %d", test.request, end.PromptTokens, test.tokens)
		}
	}
}

// How much too long a prompt is, is told up to a bound.
func TestLongPrompts(t *testing.T) {
	g := open(t, saying("x"))
	for _, test := range []struct {
		bytes int
		text  string
	}{
		{126, "has 127 tokens"}, {128, "has more than 128 tokens"}, {8 << 20, "has more than 128 tokens"},
	} {
		text := strings.Repeat("x", test.bytes)
		for _, r := range []*ask.Request{
			{Prompt: ask.Prompt{Text: text}},
			hello(func(r *ask.Request) { r.Messages[0].Content = text[len("[user][assistant]"):] }),
		} {
			_, err := g.Submit(t.Context(), r)
			f, ok := errors.AsType[*ask.Fault](err)
			if !ok || f.Kind != ask.ContextExceeded || !strings.Contains(f.What, test.text) || !strings.Contains(f.What, "a context of 64 tokens") || f.Remedy == "" {
				t.Errorf("%d bytes: %v", test.bytes, err)
			}
		}
	}
	g.tokenizing.TextTokens = 100
	if _, err := g.Tokenize(t.Context(), strings.Repeat("x", 101), false, false); err == nil || !strings.Contains(err.Error(), "prompt: the text has more than 100 tokens") {
		t.Errorf("/tokenize: %v", err)
	}
}

// A prompt is counted as it would be for an answer, also where it leaves no room
// for one.
func TestCount(t *testing.T) {
	g := open(t, saying("x"))
	for _, test := range []struct {
		text string
		want int
	}{{"hi", len("B[user]hi[assistant]")}, {strings.Repeat("x", 4000), 4000 + len("B[user][assistant]")}} {
		n, err := g.Count(t.Context(), hello(func(r *ask.Request) { r.Messages[0].Content = test.text }))
		if err != nil || n != test.want {
			t.Errorf("%d bytes: %d tokens, %v, want %d", len(test.text), n, err, test.want)
		}
	}
	_, err := g.Count(t.Context(), hello(func(r *ask.Request) { r.Model = "other" }))
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.ModelUnknown {
		t.Errorf("another model: %v", err)
	}
	g.tokenizing.TextTokens = 100
	_, err = g.Count(t.Context(), &ask.Request{Prompt: ask.Prompt{Text: strings.Repeat("x", 200)}})
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.ContextExceeded {
		t.Errorf("more than is counted: %v", err)
	}
}

// failingModel tokenises nothing.
type failingModel struct {
	engine.Model
	err error
}

func (m failingModel) Tokenize(ctx context.Context, dst []engine.Token, _ engine.Tokenizing, _ ...engine.Span) ([]engine.Token, error) {
	if m.err != nil {
		return dst, m.err
	}
	<-ctx.Done()
	return dst, ctx.Err()
}

func TestTokenizeFaults(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	long := strings.Repeat("x", 2*longBytes)
	for _, test := range []struct {
		name, text string
		ctx        context.Context
		err        error
		kind       ask.Kind
		what       string
	}{
		{"refused", "x", t.Context(), &engine.TextError{What: "too many digits"}, ask.InvalidValue, "messages: too many digits"},
		{"broken", "x", t.Context(), errors.New("broken"), ask.Internal, "failed"},
		{"client gone", "x", gone, nil, ask.Cancelled, "cancelled"},
		{"client gone, long", long, gone, nil, ask.Cancelled, "cancelled"},
		{"closed meanwhile", long, t.Context(), nil, ask.ShuttingDown, "shutting down"},
	} {
		g := open(t, saying("x"))
		g.model = failingModel{g.model, test.err}
		if test.kind == ask.ShuttingDown {
			go g.shut()
		}
		_, err := g.Submit(test.ctx, hello(func(r *ask.Request) { r.Messages[0].Content = test.text }))
		f, ok := errors.AsType[*ask.Fault](err)
		if !ok || f.Kind != test.kind || !strings.Contains(f.Error(), test.what) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestSpelling(t *testing.T) {
	g := open(t, saying("x"))
	tokens, err := g.Tokenize(t.Context(), "é<|sep|>", true, true)
	if err != nil || fmt.Sprint(tokens) != "[256 195 169 258]" {
		t.Errorf("%v, %v", tokens, err)
	}
	for name, spell := range map[string]func(...ask.Token) ([]byte, error){
		"pieces": func(tokens ...ask.Token) ([]byte, error) { return g.Spell(nil, tokens...) },
		"text":   func(tokens ...ask.Token) ([]byte, error) { return g.AppendText(nil, -1, tokens...) },
	} {
		if text, err := spell(tokens...); err != nil || string(text) != "<|bos|>é<|sep|>" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if _, err := spell(1, 1000); err == nil {
			t.Errorf("%s of a token that is not there", name)
		}
	}
}
