package draft

import (
	"math"
	"math/rand/v2"
	"testing"
)

// rate is how many tokens a second a step gives with rows.
func (b *Budget) rate(wants []Want) float64 {
	tokens, seconds := float64(b.Tokens), b.StepSeconds
	for i := range wants {
		tokens += wants[i].Gives()
		seconds += float64(wants[i].Rows) * b.RowSeconds
	}
	return tokens / seconds
}

// best is the greatest rate that there is, by trying all.
func best(b Budget, wants []Want, at int) float64 {
	if at == len(wants) {
		if rows(wants) > b.Rows {
			return 0
		}
		return b.rate(wants)
	}
	greatest := 0.0
	w := &wants[at]
	for w.Rows = 0; w.Rows <= w.Most; w.Rows++ {
		if w.Rows == 0 || w.Rows >= w.Least {
			greatest = max(greatest, best(b, wants, at+1))
		}
	}
	return greatest
}

// TestShareIsTheBest: of all ways to share rows none gives more tokens a second, where
// there are as many rows as anybody wants; and no more are given than there are.
func TestShareIsTheBest(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		wants := make([]Want, 1+random.IntN(3))
		for i := range wants {
			wants[i] = Want{Chance: random.Float64(), Most: 1 + random.IntN(7)}
		}
		b := Budget{
			Tokens: len(wants) + random.IntN(4), StepSeconds: math.Exp(-5 * random.Float64()),
			RowSeconds: math.Exp(-3 - 5*random.Float64()), Rows: 1000,
		}
		Share(b, wants)
		got := b.rate(wants)
		if want := best(b, append([]Want(nil), wants...), 0); got < want*(1-1e-9) {
			t.Errorf("seed %d: %v of %+v: %v tokens/s, best %v", seed, b, wants, got, want)
		}
		b.Rows = random.IntN(8)
		Share(b, wants)
		if n := rows(wants); n > b.Rows {
			t.Errorf("seed %d: %d rows of %d", seed, n, b.Rows)
		}
		if got := b.rate(wants); got < float64(b.Tokens)/b.StepSeconds*(1-1e-9) {
			t.Errorf("seed %d: fewer tokens/s than without drafts", seed)
		}
	}
}

// TestShareGivesWhatThereIs: eight whose chances are the same want more rows than there are.
// Those that there are, are given.
func TestShareGivesWhatThereIs(t *testing.T) {
	for most := range 40 {
		wants := make([]Want, 8)
		for i := range wants {
			wants[i] = Want{Chance: 0.9, Most: 16}
		}
		b := Budget{Tokens: 8, StepSeconds: 0.01, RowSeconds: 0.0001, Rows: most}
		if Share(b, wants); rows(wants) != most {
			t.Errorf("%d rows of %d: %+v", rows(wants), most, wants)
		}
	}
	wants := []Want{{Chance: 0.9, Least: 6, Most: 16}, {Chance: 0.9, Most: 16}}
	if Share(Budget{Tokens: 8, StepSeconds: 0.01, RowSeconds: 0.0001, Rows: 4}, wants); wants[0].Rows != 0 || wants[1].Rows != 4 {
		t.Errorf("one wants six or none: %+v", wants)
	}
}

// TestShareShrinks: the more sequences share a step, the fewer are drafted for one of
// them, down to none.
func TestShareShrinks(t *testing.T) {
	before := math.MaxInt
	for _, sequences := range []int{1, 2, 4, 8, 16, 32, 64, 128} {
		wants := []Want{{Chance: 0.8, Most: MostTokens}}
		Share(Budget{Tokens: sequences, StepSeconds: 0.020 + 0.001*float64(sequences), RowSeconds: 0.001, Rows: 1000}, wants)
		if wants[0].Rows > before {
			t.Errorf("%d sequences: %d tokens, %d of fewer", sequences, wants[0].Rows, before)
		}
		before = wants[0].Rows
		if sequences == 1 && before < 4 {
			t.Errorf("alone: %d tokens", before)
		}
	}
	if before != 0 {
		t.Errorf("128 sequences: %d tokens", before)
	}
}

// TestShareBounds: whatever is asked, what is given is within its bounds.
func TestShareBounds(t *testing.T) {
	odd := []float64{0, 1, -1, 0.5, 2, 1e-300, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)}
	random := rand.New(rand.NewPCG(4, 4))
	pick := func() float64 { return odd[random.IntN(len(odd))] }
	for range 20_000 {
		b := Budget{Tokens: random.IntN(4), StepSeconds: pick(), RowSeconds: pick(), Rows: random.IntN(40) - 2}
		wants := make([]Want, random.IntN(4))
		for i := range wants {
			wants[i] = Want{Chance: pick(), Least: random.IntN(4), Most: random.IntN(20), Rows: 7}
		}
		Share(b, wants)
		for _, w := range wants {
			if w.Rows != 0 && (w.Rows < w.Least || w.Rows > w.Most) {
				t.Fatalf("%+v gives %+v", b, w)
			}
		}
		if n := rows(wants); n > max(b.Rows, 0) {
			t.Fatalf("%+v: %d rows", b, n)
		}
	}
}
