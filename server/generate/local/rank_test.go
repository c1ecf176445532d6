package local

import (
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

func TestRank(t *testing.T) {
	score := func(tokens ...engine.Token) float32 { return enginetest.Embedding(tokens, engine.PoolingRank)[0] }
	for name, test := range map[string]struct {
		ranking engine.Ranking
		want    []float32
		tokens  int
	}{
		"tokens": {
			engine.Ranking{Begin: []engine.Token{enginetest.BOS}, Between: []engine.Token{enginetest.EOS, enginetest.Separator}, End: []engine.Token{enginetest.EOS}},
			[]float32{
				score(enginetest.BOS, 'q', enginetest.EOS, enginetest.Separator, 'a', 'b', enginetest.EOS),
				score(enginetest.BOS, 'q', enginetest.EOS, enginetest.Separator, enginetest.EOS),
			}, 12,
		},
		"template": {
			engine.Ranking{Template: "<|sep|>{document}?{query}"},
			[]float32{score(enginetest.BOS, enginetest.Separator, 'a', 'b', '?', 'q'), score(enginetest.BOS, enginetest.Separator, '?', 'q')}, 10,
		},
	} {
		g := open(t, enginetest.Options{Ranks: &test.ranking})
		got, tokens, err := g.Rank(t.Context(), "q", []string{"ab", ""})
		if err != nil || !slices.Equal(got, test.want) || tokens != test.tokens {
			t.Errorf("%s: %v, %d tokens, %v; want %v, %d", name, got, tokens, err, test.want, test.tokens)
		}
		_, tokens, err = g.Rank(t.Context(), "<|eos|>", []string{"ab"})
		if err != nil || tokens < len("<|eos|>ab") {
			t.Errorf("%s: what a client wrote became a control token: %d tokens, %v", name, tokens, err)
		}
		_, _, err = g.Rank(t.Context(), "q", []string{strings.Repeat("x", 600)})
		if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.ContextExceeded || f.Param != "documents" {
			t.Errorf("%s: a long document: %v", name, err)
		}
	}
}

func TestNoRanks(t *testing.T) {
	_, _, err := open(t, enginetest.Options{}).Rank(t.Context(), "q", []string{"d"})
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.NotServed {
		t.Errorf("%v", err)
	}
	_, err = New(enginetest.New(enginetest.Options{}), Config{Batching: Batching{Pooling: engine.PoolingRank, Log: slog.New(slog.DiscardHandler)}})
	if err == nil || !strings.Contains(err.Error(), "no reranker") {
		t.Errorf("%v", err)
	}
}

func TestSpans(t *testing.T) {
	for template, want := range map[string][]engine.Span{
		"a":                 {{Text: "a", Control: true}},
		"{query}{document}": {{Control: true}, {Text: "{document}"}, {Control: true}, {Text: "D"}},
		"x{document}y":      {{Text: "x", Control: true}, {Text: "D"}, {Text: "y", Control: true}},
	} {
		if got := spansOf(template, "{document}", "D"); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v", template, got)
		}
	}
}
