package local

import (
	"encoding/json/v2"
	"log/slog"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// openLlama serves the tiny model through a template.
func openLlama(t *testing.T, source string) *Generator {
	t.Helper()
	template, err := chat.New(source, "", "")
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(llamatest.Load(t), Config{
		ID: "tiny", Template: template, Context: engine.ContextConfig{MaxSequences: 1, ContextTokens: 512},
		Batching: Batching{Log: slog.New(slog.DiscardHandler)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// A made model, which thinks without end, answers once its budget is spent.
func TestLlamaThinkingIsBounded(t *testing.T) {
	g := openLlama(t, thinker)
	closing, err := g.Tokenize(t.Context(), "</think>", false, true)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint32(8) {
		const budget, answer = 20, 30
		said, _, end := told(t, g, hello(func(r *ask.Request) {
			r.Sampling = ask.Sampling{Temperature: 1, Seed: seed}
			r.TemplateArgs, r.MaxTokens, r.IgnoreEOS = []byte(`{"enable_thinking":true}`), budget+answer, true
			r.Thinking = ask.Thinking{Bounded: true, Tokens: budget}
		}))
		const inCharacter = 4 // tokens, until it is whole
		if n := end.ReasoningTokens - len(closing); n < budget || n > budget+inCharacter || end.CompletionTokens != budget+answer || end.Fault != nil {
			t.Errorf("seed %d: %+v", seed, end)
		}
		if thought, text, ok := strings.Cut(said, " | say "); !ok || !strings.HasPrefix(thought, "think ") || text == "" {
			t.Errorf("seed %d: %q", seed, said)
		}
	}
}

// A made model that is made to say a tool's name, and little else, calls what is
// valid.
func TestLlamaHeldOnceItCalls(t *testing.T) {
	g := openLlama(t, `{% for t in tools or [] %}({{ t.function.name }}){% endfor %}{# >>>all #}{% for m in messages %}{{ m.content }}{% endfor %}>>>`)
	calls := 0
	for seed := range uint32(40) {
		said, _, end := told(t, g, hello(func(r *ask.Request) {
			r.Sampling = ask.Sampling{Temperature: 1, Seed: seed, Bias: []ask.Bias{{Text: "on", Add: 23}, {Text: "\n", Add: 20}}}
			r.MaxTokens, r.OneCall = 200, true
			r.Tools = []ask.Tool{{Name: "on", Parameters: []byte(`{"type":"object","properties":{"n":{"type":"integer"},"b":{"enum":["x",null]}},"required":["n","b"]}`)}}
		}))
		_, arguments, ok := strings.Cut(said, "call 0 on ")
		if !ok || end.Reason == ask.FinishLength {
			continue
		}
		calls++
		var given map[string]any
		if err := json.Unmarshal([]byte(arguments), &given); err != nil || len(given) != 2 || given["b"] != nil && given["b"] != "x" {
			t.Errorf("seed %d: %q: %v", seed, arguments, err)
		}
	}
	if calls == 0 {
		t.Error("no call")
	}
}
