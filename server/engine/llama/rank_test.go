package llama_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/tamper"
)

// A reranker's vectors are the chances of its classes, together and alone.
func TestRanks(t *testing.T) {
	m, err := llamatest.Open(t).Load(t.Context(), tamper.Write(t, (*tamper.Model).Rerank), engine.ModelConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	ranking, ok := m.(engine.RankingModel).Ranking()
	if want := (engine.Ranking{Begin: []engine.Token{m.Info().BOS}}); !ok || !reflect.DeepEqual(ranking, want) {
		t.Errorf("%+v, want %+v", ranking, want)
	}
	if _, ok := llamatest.Load(t).(engine.RankingModel).Ranking(); ok {
		t.Error("a model that has learnt something else ranks")
	}
	a, b := []engine.Token{5, 9, 300, 17, 8}, []engine.Token{1000, 4, 2}
	for _, pooling := range []engine.Pooling{engine.PoolingModel, engine.PoolingRank} {
		c := openEmbedding(t, m, engine.ContextConfig{MaxSequences: 4, BatchTokens: 64}, pooling)
		if c.Pooling() != engine.PoolingRank {
			t.Fatalf("pooling %d", c.Pooling())
		}
		together := embed(t, c, a, b)
		alone := append(embed(t, c, a), embed(t, c, b)...)
		for i, v := range together {
			if len(v) != 2 || math.Abs(float64(v[0]+v[1])-1) > 1e-5 || v[0] <= 0 || !near(v, alone[i]) {
				t.Errorf("%v, alone %v", v, alone[i])
			}
		}
		if near(together[0], together[1]) {
			t.Error("all rank alike")
		}
	}
}

// Tokens that a vocabulary puts around texts are put around both; a template goes
// before them.
func TestRanking(t *testing.T) {
	lib := llamatest.Open(t)
	for _, test := range []struct {
		change func(*tamper.Model)
		want   func(engine.Info) engine.Ranking
	}{
		{func(m *tamper.Model) {
			m.Set("tokenizer.ggml.add_eos_token", true)
			m.Set("tokenizer.ggml.add_sep_token", true)
			m.Set("tokenizer.ggml.seperator_token_id", uint32(9))
		}, func(i engine.Info) engine.Ranking {
			return engine.Ranking{Begin: []engine.Token{i.BOS}, Between: []engine.Token{i.EOS, 9}, End: []engine.Token{i.EOS}}
		}},
		{func(m *tamper.Model) { m.Set("tokenizer.chat_template.rerank", "{query}: {document}") }, func(engine.Info) engine.Ranking {
			return engine.Ranking{Template: "{query}: {document}"}
		}},
	} {
		m, err := lib.Load(t.Context(), tamper.Write(t, func(m *tamper.Model) { m.Rerank(); test.change(m) }), engine.ModelConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := m.(engine.RankingModel).Ranking(); !ok || !reflect.DeepEqual(got, test.want(m.Info())) {
			t.Errorf("%+v, want %+v", got, test.want(m.Info()))
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if _, ok := m.(engine.RankingModel).Ranking(); ok {
			t.Error("a model that is closed ranks")
		}
	}
}
