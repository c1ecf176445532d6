package sampling

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// checkOdds draws a token with its odds and one without, from the same sampler's
// state, and compares them with each other and with what may be drawn.
func checkOdds(t *testing.T, steps ask.Sampling, r *Row, top int) {
	t.Helper()
	chances := New(steps).Chances(nil, r)
	likely := make(map[ask.Token]float64, len(chances))
	for _, c := range chances {
		likely[c.Token] = c.Probability
	}
	slices.SortFunc(chances, func(a, b Chance) int {
		switch {
		case a.Probability > b.Probability:
			return -1
		case a.Probability < b.Probability:
			return 1
		}
		return byToken(a, b)
	})
	before := slices.Clone(r.logits)
	keys := make([]Key, min(top, r.Len()))
	token, o, err := New(steps).SampleOdds(r, keys)
	if err != nil {
		t.Fatal(err)
	}
	if same := sample(t, New(steps), r); same != token {
		t.Errorf("%+v: %d with odds, %d without", steps, token, same)
	}
	if !slices.EqualFunc(before, r.logits, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
		t.Fatalf("%+v: the row has changed", steps)
	}
	near := func(logit float32, p float64) bool {
		return math.Abs(math.Exp(float64(o.Logprob(logit)))-p) <= 1e-4*p+1e-30
	}
	if !near(o.Logit, likely[token]) {
		t.Errorf("%+v: %d had %v, may be drawn with %v", steps, token, math.Exp(float64(o.Logprob(o.Logit))), likely[token])
	}
	if o.Top != min(len(keys), len(chances)) {
		t.Fatalf("%+v: %d likeliest of %d that may be drawn, %d asked for", steps, o.Top, len(chances), len(keys))
	}
	Sort(keys[:o.Top])
	for i, k := range keys[:o.Top] {
		if !near(k.Logit(), chances[i].Probability) || !near(k.Logit(), likely[k.Token()]) {
			t.Errorf("%+v: %d of the likeliest is %d with %v, want %+v", steps, i, k.Token(), math.Exp(float64(o.Logprob(k.Logit()))), chances[i])
		}
	}
}

// TestOddsAreTheChances: what a token was drawn with is what it could be drawn with,
// for every choice of steps. Where XTC draws whether it does something, that is known
// afterwards alone.
func TestOddsAreTheChances(t *testing.T) {
	random := rand.New(rand.NewPCG(51, 52))
	var r Row
	for round := range 40 {
		readRow(random, &r, 1+random.IntN(3000*(1+3*random.IntN(2))))
		for _, steps := range append(slices.Clone(chains), moreChains...) {
			steps.Seed = uint32(round)
			if steps.XTCProbability > 0 {
				steps.XTCProbability = 1
			}
			checkOdds(t, steps, &r, random.IntN(12))
			checkOdds(t, steps, &r, heapKeys+random.IntN(500))
		}
	}
}

// TestOddsAreOfEditedRows: the steps that change logits come first.
func TestOddsAreOfEditedRows(t *testing.T) {
	var r Row
	if err := r.Read([]float32{1, 2, 3, 4}); err != nil {
		t.Fatal(err)
	}
	s := New(ask.Sampling{Temperature: 1, Bias: []ask.Bias{{Token: 3, Add: float32(math.Inf(-1))}, {Token: 0, Add: 2}}})
	keys := make([]Key, 4)
	_, o, err := s.SampleOdds(&r, keys)
	if err != nil || o.Top != 3 {
		t.Fatalf("%d of 3 tokens, %v", o.Top, err)
	}
	Sort(keys[:3])
	sum := math.Exp(3) + math.Exp(3) + math.Exp(2)
	for i, want := range []Chance{{0, math.Exp(3) / sum}, {2, math.Exp(3) / sum}, {1, math.Exp(2) / sum}} {
		if got := math.Exp(float64(o.Logprob(keys[i].Logit()))); keys[i].Token() != want.Token || math.Abs(got-want.Probability) > 1e-6 {
			t.Errorf("%d: token %d with %v, want %+v", i, keys[i].Token(), got, want)
		}
	}
	s = New(ask.Sampling{Temperature: 1})
	s.Begin(Sequence{Constraint: only{0}})
	if _, _, err := s.SampleOdds(&r, keys); err == nil {
		t.Error("a token was drawn of none that is allowed")
	}
}

// TestOddsOfAnOddTemperature: two that are equally likely stay so however cold it is.
func TestOddsOfAnOddTemperature(t *testing.T) {
	var r Row
	if err := r.Read([]float32{50, 50, 49}); err != nil {
		t.Fatal(err)
	}
	keys := make([]Key, 3)
	_, o, err := New(ask.Sampling{Temperature: 1e-38}).SampleOdds(&r, keys)
	if p := math.Exp(float64(o.Logprob(o.Logit))); err != nil || o.Top != 2 || math.Abs(p-0.5) > 1e-6 {
		t.Errorf("%v with %d others, %v", p, o.Top, err)
	}
}
