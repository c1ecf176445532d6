package local

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate"
)

func TestEmbed(t *testing.T) {
	g := open(t, saying("x"))
	var e generate.Embedder = g
	tokens := []ask.Token{enginetest.BOS, 'h', 'i'}
	whole := enginetest.Embedding(tokens, engine.PoolingLast)
	for _, test := range []struct {
		dimensions int
		raw        bool
	}{{}, {raw: true}, {dimensions: 3}, {dimensions: 3, raw: true}, {dimensions: enginetest.EmbeddingSize}} {
		got, n, err := e.Embed(t.Context(), []ask.Prompt{{Text: "hi"}, {Tokens: tokens}}, generate.EmbedOptions{Dimensions: test.dimensions, Raw: test.raw})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || n != 6 || !slices.Equal(got[0], got[1]) {
			t.Fatalf("%v, %d tokens", got, n)
		}
		v, want := got[0], whole
		if test.dimensions > 0 {
			want = want[:test.dimensions]
		}
		length, product := 0.0, 0.0
		for i := range v {
			length += float64(v[i]) * float64(v[i])
			product += float64(v[i]) * float64(want[i])
		}
		norm := 0.0
		for _, x := range want {
			norm += float64(x) * float64(x)
		}
		switch {
		case len(v) != len(want):
			t.Errorf("%+v: %d numbers", test, len(v))
		case test.raw && !slices.Equal(v, want):
			t.Errorf("%+v: %v, want %v", test, v, want)
		case !test.raw && (math.Abs(length-1) > 1e-6 || math.Abs(product-math.Sqrt(norm)) > 1e-5):
			t.Errorf("%+v: length %v, product %v", test, length, product)
		}
	}
}

func TestEmbedRefusals(t *testing.T) {
	g := open(t, saying("x"))
	for _, test := range []struct {
		inputs     []ask.Prompt
		dimensions int
		param      string
		kind       ask.Kind
	}{
		{nil, 0, "input", ask.InvalidValue},
		{[]ask.Prompt{{Tokens: []ask.Token{1000}}}, 0, "input", ask.InvalidValue},
		{[]ask.Prompt{{Tokens: []ask.Token{}}}, 0, "input", ask.PromptEmpty},
		{[]ask.Prompt{{Tokens: make([]ask.Token, 513)}}, 0, "input", ask.ContextExceeded},
		{[]ask.Prompt{{Text: "x"}}, 9, "dimensions", ask.InvalidValue},
	} {
		_, _, err := g.Embed(t.Context(), test.inputs, generate.EmbedOptions{Dimensions: test.dimensions})
		if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != test.kind || f.Param != test.param {
			t.Errorf("%.100v, %d dimensions: %v", test.inputs, test.dimensions, err)
		}
	}
}

// TestVectorOfZeros has no direction.
func TestVectorOfZeros(t *testing.T) {
	if v, err := shape(make([]float32, 3), 2, true); err != nil || !slices.Equal(v, []float32{0, 0}) {
		t.Errorf("%v %v", v, err)
	}
}

// Without a pooling there are vectors of tokens, with one of texts, and who asks for
// the other is told.
func TestEmbedTokens(t *testing.T) {
	g := openWith(t, saying("x"), Config{Batching: Batching{Pooling: engine.PoolingNone}})
	if unpooled, err := g.Unpooled(t.Context()); !unpooled || err != nil {
		t.Fatal(unpooled, err)
	}
	tokens := []ask.Token{enginetest.BOS, 'h', 'i'}
	got, n, err := g.EmbedTokens(t.Context(), []ask.Prompt{{Text: "hi"}, {Tokens: tokens[:1]}})
	if err != nil || n != 4 || len(got) != 2 || len(got[0]) != 3 || len(got[1]) != 1 {
		t.Fatalf("%v of %d tokens, %v", got, n, err)
	}
	for i := range tokens {
		if want := enginetest.Embedding(tokens[:i+1], engine.PoolingNone); !slices.Equal(got[0][i], want) {
			t.Errorf("token %d: %v, want %v", i, got[0][i], want)
		}
	}
	if !slices.Equal(got[0][0], got[1][0]) {
		t.Errorf("%v and %v", got[0][0], got[1][0])
	}
	if _, _, err := g.Embed(t.Context(), []ask.Prompt{{Text: "hi"}}, generate.EmbedOptions{}); err == nil || !strings.Contains(err.Error(), "none for a text") {
		t.Errorf("vectors of texts: %v", err)
	}
	if _, _, err := g.EmbedTokens(t.Context(), []ask.Prompt{{Tokens: []ask.Token{-1}}}); err == nil {
		t.Error("a token outside the vocabulary has a vector")
	}
	pooled := open(t, saying("x"))
	if unpooled, err := pooled.Unpooled(t.Context()); unpooled || err != nil {
		t.Error(unpooled, err)
	}
	if _, _, err := pooled.EmbedTokens(t.Context(), []ask.Prompt{{Text: "hi"}}); err == nil || !strings.Contains(err.Error(), "none for a token") {
		t.Errorf("vectors of tokens: %v", err)
	}
}
