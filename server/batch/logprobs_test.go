package batch

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// TestLogprobs asks for the whole vocabulary and for less, and checks sums,
// order, and that the chosen token's is the same.
func TestLogprobs(t *testing.T) {
	loop, _ := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 8 * 256},
		Config{MaxSequences: 8, LogitsBytes: 4 * 4 * enginetest.VocabSize})
	for _, top := range []int{-1, 0, 1, 5, enginetest.VocabSize} {
		for _, temperature := range []float32{0, 1} {
			g := submit(t, loop, &ask.Request{
				Prompt: ask.Prompt{Tokens: prompt(3, 10)}, MaxTokens: 20, TopLogprobs: top,
				Sampling: ask.Sampling{Temperature: temperature},
			})
			if top >= 0 && len(g.slots) != 4 {
				t.Fatalf("%d slots", len(g.slots))
			}
			seen, next := 0, Follow(g)
			for dst := make([]Result, 3); ; {
				n, err := next(dst)
				if err != nil {
					break
				}
				for _, r := range dst[:n] {
					checkLogprobs(t, r, top, temperature == 0)
					seen++
				}
			}
			if seen != 20 {
				t.Errorf("%d results", seen)
			}
			if g.logits != nil {
				t.Error("logits not given back")
			}
		}
	}
}

func checkLogprobs(t *testing.T, r Result, top int, greedy bool) {
	t.Helper()
	if len(r.Top) != max(top, 0) {
		t.Fatalf("%d top tokens, want %d", len(r.Top), top)
	}
	if top < 0 {
		if r.Logprob != 0 {
			t.Errorf("log-probability %v, none was asked for", r.Logprob)
		}
		return
	}
	if r.Logprob >= 0 {
		t.Errorf("log-probability %v", r.Logprob)
	}
	if !slices.IsSortedFunc(r.Top, func(a, b TokenLogprob) int { return cmp.Compare(b.Logprob, a.Logprob) }) {
		t.Errorf("top tokens out of order: %v", r.Top)
	}
	if greedy && top > 0 && r.Top[0] != (TokenLogprob{r.Token, r.Logprob}) {
		t.Errorf("greedy chose %v, likeliest is %v", r, r.Top[0])
	}
	if top == enginetest.VocabSize {
		var sum float64
		for _, v := range r.Top {
			sum += math.Exp(float64(v.Logprob))
			if v.Token == r.Token && v.Logprob != r.Logprob {
				t.Errorf("chosen token has %v, in the list %v", r.Logprob, v.Logprob)
			}
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("probabilities sum to %v", sum)
		}
	}
}

// TestLikeliest compares with sorting everything.
func TestLikeliest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		logits := make([]float32, 1+random.IntN(60))
		all := make([]TokenLogprob, len(logits))
		for i := range logits {
			logits[i] = float32(random.IntN(20)) // many equal
			all[i] = TokenLogprob{engine.Token(i), logits[i] - 3}
		}
		slices.SortFunc(all, byLikelihood)
		top := make([]TokenLogprob, 1+random.IntN(len(logits)))
		likeliest(top, logits, 3)
		if !slices.Equal(top, all[:len(top)]) {
			t.Fatalf("top %d of %v: got %v, want %v", len(top), logits, top, all[:len(top)])
		}
	}
}

func TestLogSumExpIsStable(t *testing.T) {
	for _, c := range []struct {
		logits []float32
		want   float64
	}{
		{[]float32{0}, 0},
		{[]float32{1000, 1000}, 1000 + math.Ln2},
		{[]float32{-1000, -1000}, -1000 + math.Ln2},
		{[]float32{5, float32(math.Inf(-1))}, 5},
	} {
		if got := logSumExp(c.logits); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v: got %v, want %v", c.logits, got, c.want)
		}
	}
}

func BenchmarkLogprobs(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	logits := make([]float32, 32000)
	for i := range logits {
		logits[i] = float32(random.NormFloat64() * 3)
	}
	top := make([]TokenLogprob, 20)
	b.ReportAllocs()
	for b.Loop() {
		likeliest(top, logits, logSumExp(logits))
	}
}
