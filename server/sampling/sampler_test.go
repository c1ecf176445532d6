package sampling

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// sample draws from a row.
func sample(t testing.TB, s *Sampler, r *Row) ask.Token {
	token, err := s.Sample(r)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// chains are choices of steps, each of which takes another way through the
// sampler.
var chains = []ask.Sampling{
	{},
	{Temperature: 1},
	{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05},
	{Temperature: 0.8, TopP: 0.95, MinP: 0.05},
	{Temperature: 1.3, TopP: 0.95},
	{Temperature: 1.3, TopP: 0.1},
	{Temperature: 2, TopP: 0.9999},
	{Temperature: 0.5, MinP: 0.2},
	{Temperature: 1, MinP: 1},
	{Temperature: 1, TopK: 1},
	{Temperature: 1, TopK: heapKeys + 1},
	{Temperature: 1, TopK: 3000, TopP: 0.7, MinP: 0.01},
	{Temperature: 1, TopK: 1 << 30, TopP: 1},
	{Temperature: 1e-4, TopP: 0.5},
	{Temperature: 1e-45},
	{Temperature: math.MaxFloat32},
	{Temperature: 1, TopP: 1e-9},
}

// expected are the chances by the definition of the steps, each step over what
// the one before it has left, likeliest first.
func expected(steps ask.Sampling, row []float32) (keys []Key, chances []float64) {
	keys = all(row)
	weights := func(scale float64) (w []float64, sum float64) {
		for _, k := range keys {
			w = append(w, math.Exp((float64(k.Logit())-float64(keys[0].Logit()))*scale))
			sum += w[len(w)-1]
		}
		return w, sum
	}
	if !(steps.Temperature > 0) {
		return keys[:1], []float64{1}
	}
	if steps.TopK > 0 {
		keys = keys[:min(steps.TopK, len(keys))]
	}
	if steps.TopP > 0 && steps.TopP < 1 {
		w, sum := weights(1)
		reached := 0.0
		for i := range w {
			if reached += w[i]; reached >= float64(steps.TopP)*sum {
				keys = keys[:i+1]
				break
			}
		}
	}
	if steps.MinP > 0 {
		w, _ := weights(1)
		keys = keys[:slices.IndexFunc(append(w, 0), func(w float64) bool { return w < float64(steps.MinP)*(1-1e-7) })]
	}
	chances, sum := weights(min(1/float64(steps.Temperature), math.MaxFloat32))
	for i := range chances {
		chances[i] /= sum
	}
	return keys, chances
}

// TestChances compares with the definition. Where a sum falls upon the bound,
// rounding decides about the one token there.
func TestChances(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 14))
	var r Row
	for range 15 {
		row := readRow(random, &r, 1+random.IntN(20000))
		for _, steps := range chains {
			keys, want := expected(steps, row)
			got := make(map[ask.Token]float64)
			for _, c := range New(steps).Chances(nil, &r) {
				got[c.Token] = c.Probability
			}
			off := 0.0
			for i, k := range keys {
				off += math.Abs(got[k.Token()] - want[i])
				delete(got, k.Token())
			}
			for _, p := range got {
				off += p
			}
			if off > 1e-4+3*want[len(want)-1] {
				t.Errorf("%+v of %d: chances are off by %v together", steps, len(row), off)
			}
		}
	}
}

// TestDrawsFollowChances counts draws.
func TestDrawsFollowChances(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 16))
	var r Row
	readRow(random, &r, 9001)
	for _, steps := range chains {
		checkDraws(t, steps, &r)
	}
}

// checkDraws counts draws from a row, and compares them with what the sampler says
// of its chances.
func checkDraws(t *testing.T, steps ask.Sampling, r *Row) {
	t.Helper()
	const draws = 1000
	s := New(steps)
	chances := s.Chances(nil, r)
	slices.SortFunc(chances, byToken)
	counts := make([]float64, len(chances))
	for range draws {
		token := sample(t, s, r)
		i, ok := slices.BinarySearchFunc(chances, Chance{Token: token}, byToken)
		if !ok {
			t.Fatalf("%+v: drew %d, which has no chance", steps, token)
		}
		counts[i]++
	}
	// Gathered to 16 parts of equal chances, each within 6 deviations.
	drawn, sum := 0.0, 0.0
	for i, c := range chances {
		drawn += counts[i]
		sum += c.Probability
		deviation := math.Sqrt(draws*sum*(1-min(sum, 1))) + 1e-3
		if sum < 1-1e-9 && math.Abs(drawn-draws*sum) > 6*deviation {
			t.Errorf("%+v: %v draws of tokens up to %d, expected %v ± %v", steps, drawn, c.Token, draws*sum, deviation)
			break
		}
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("%+v: chances sum to %v", steps, sum)
	}
}

// TestSeedsRepeat draws the same twice, from rows in other memory and with the
// portable kernels.
func TestSeedsRepeat(t *testing.T) {
	draw := func(steps ask.Sampling, r *Row) (tokens []ask.Token) {
		random := rand.New(rand.NewPCG(17, 18))
		s := New(steps)
		for range 15 {
			readRow(random, r, 2500)
			tokens = append(tokens, sample(t, s, r))
		}
		return tokens
	}
	for _, steps := range chains {
		steps.Seed = 5
		first := draw(steps, new(Row))
		var used Row
		draw(ask.Sampling{Temperature: 1, TopP: 0.3}, &used)
		if second := draw(steps, &used); !slices.Equal(first, second) {
			t.Errorf("%+v: drew %v, then %v", steps, first, second)
		}
		portable(t, func() {
			if second := draw(steps, new(Row)); !slices.Equal(first, second) {
				t.Errorf("%+v: drew %v, portably %v", steps, first, second)
			}
		})
	}
	if a, b := draw(ask.Sampling{Temperature: 1, Seed: 1}, new(Row)), draw(ask.Sampling{Temperature: 1, Seed: 2}, new(Row)); slices.Equal(a, b) {
		t.Error("two seeds draw the same")
	}
}

func BenchmarkSample(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{2048, 65536, 152064, 262144} {
		for _, spread := range []float64{0.5, 3} {
			row := make([]float32, n)
			for i := range row {
				row[i] = float32(random.NormFloat64() * spread)
			}
			for _, steps := range []ask.Sampling{
				{}, {Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05}, {Temperature: 0.8, TopP: 0.95, MinP: 0.05},
				{Temperature: 1}, {Temperature: 1, TopP: 0.95}, {Temperature: 1, TopK: 5000, TopP: 0.95},
			} {
				name := fmt.Sprintf("%d/spread=%v/t=%v,k=%d,p=%v,min=%v", n, spread, steps.Temperature, steps.TopK, steps.TopP, steps.MinP)
				b.Run(name, func(b *testing.B) {
					s, r := New(steps), new(Row)
					b.ReportAllocs()
					for b.Loop() {
						if err := r.Read(row); err != nil {
							b.Fatal(err)
						}
						sample(b, s, r)
					}
				})
			}
		}
	}
}

func BenchmarkLogprobs(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{2048, 65536, 152064, 262144} {
		row := make([]float32, n)
		for i := range row {
			row[i] = float32(random.NormFloat64() * 3)
		}
		for _, top := range []int{0, 5, 20, 2000} {
			b.Run(fmt.Sprintf("%d/top=%d", n, min(top, n)), func(b *testing.B) {
				r, keys := new(Row), make([]Key, min(top, n))
				for b.Loop() {
					if err := r.Read(row); err != nil {
						b.Fatal(err)
					}
					r.LogSum()
					r.Top(keys)
				}
			})
		}
	}
}
