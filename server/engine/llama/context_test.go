package llama_test

import (
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// newContext makes a context that closes when the test ends.
func newContext(t testing.TB, model engine.Model, cfg engine.ContextConfig) engine.Context {
	t.Helper()
	c, err := model.NewContext(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestGenerate(t *testing.T) {
	model := llamatest.Load(t)
	t.Logf("%+v", model.Info())
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 512})
	tokens, err := model.Tokenize(nil, "Hello, world", true, false)
	if err != nil {
		t.Fatal(err)
	}
	batch := engine.NewBatch(64)
	for i, token := range tokens {
		batch.Add(token, i, 0, i == len(tokens)-1)
	}
	s, err := c.NewSampler(engine.SamplerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var text []byte
	for pos := len(tokens); pos < len(tokens)+16; pos++ {
		if err := c.Decode(batch); err != nil {
			t.Fatal(err)
		}
		next, err := s.Sample(batch.Len() - 1)
		if err != nil {
			t.Fatal(err)
		}
		text = model.AppendPiece(text, next, true)
		batch.Reset()
		batch.Add(next, pos, 0, true)
	}
	t.Logf("%v %q", tokens, text)
}
