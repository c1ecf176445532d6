package sampling

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// moreChains are choices of the steps that chains leave out.
var moreChains = []ask.Sampling{
	{Temperature: 1, TopNSigma: 1},
	{Temperature: 1, TopNSigma: 0.3, TopK: 30},
	{Temperature: 1, TopNSigma: 2, TopP: 0.9, MinP: 0.01},
	{Temperature: 0.7, TypicalP: 0.5},
	{Temperature: 1, TypicalP: 0.9, TopK: 40},
	{Temperature: 1, TypicalP: 0.8, TopP: 0.7, MinP: 0.1},
	{Temperature: 1, TypicalP: 0.2, TopK: 50, TopP: 0.6, MinKeep: 3},
	{TypicalP: 0.4},
	{Temperature: 1, XTCProbability: 1, XTCThreshold: 0.05},
	{Temperature: 0.9, XTCProbability: 0.5, XTCThreshold: 0.01, TopK: 60, TopP: 0.9},
	{Temperature: 0.9, XTCProbability: 0.3, XTCThreshold: 0.02, MinP: 0.001, MinKeep: 5},
	{XTCProbability: 1, XTCThreshold: 0.01},
	{Temperature: 1, DynatempRange: 0.5, DynatempExponent: 1},
	{Temperature: 0.4, DynatempRange: 0.8, DynatempExponent: 2, TopK: 20, MinP: 0.05},
	{Temperature: 1, TopP: 0.1, MinP: 0.9, MinKeep: 4},
	{Temperature: 1, TopP: 0.5, TopK: 3, MinKeep: 10},
	{Temperature: 1, TopP: 0.01, MinKeep: heapKeys + 5},
	{Temperature: 0.8, Mirostat: 2, MirostatTau: 5, MirostatEta: 0.1},
	{Temperature: 1.2, Mirostat: 2, MirostatTau: 0.5, MirostatEta: 0.1, TopK: 1},
	{Temperature: 1, Mirostat: 1, MirostatTau: 3, MirostatEta: 0.1},
	{Temperature: 0.6, Mirostat: 1, MirostatTau: 1, MirostatEta: 0.2},
	{Mirostat: 1, MirostatTau: 1},
}

// off returns how far what may be drawn is from the definition, summed up over
// the tokens, and the least probability of the definition.
func off(got []Chance, want []candidate) (sum, least float64) {
	left := make(map[ask.Token]float64, len(got))
	for _, c := range got {
		left[c.Token] += c.Probability
	}
	least = 1
	for _, c := range want {
		sum += math.Abs(left[c.token] - c.p)
		delete(left, c.token)
		least = min(least, c.p)
	}
	for _, p := range left {
		sum += p
	}
	return sum, least
}

// TestStepsEqualDefinitions compares each step with its definition. Where a sum
// falls upon a bound, rounding decides about the one token there.
func TestStepsEqualDefinitions(t *testing.T) {
	random := rand.New(rand.NewPCG(31, 32))
	var r Row
	for range 30 {
		row := readRow(random, &r, 1+random.IntN(3000*(1+3*random.IntN(2))))
		for _, steps := range moreChains {
			s := New(steps)
			reference := reference{steps: steps, mu: 2 * float64(steps.MirostatTau)}
			want := reference.chances(row)
			got := s.Chances(nil, &r)
			if sum, least := off(got, want); sum > 2e-4+4*least {
				t.Errorf("%+v of %d: %d chances of %d are off by %v together", steps, len(row), len(got), len(want), sum)
			}
		}
	}
}

// TestMoreDrawsFollowChances counts draws. With Mirostat, what may be drawn
// depends on what was.
func TestMoreDrawsFollowChances(t *testing.T) {
	random := rand.New(rand.NewPCG(33, 34))
	var r Row
	readRow(random, &r, 5000)
	for _, steps := range moreChains {
		steps.MirostatEta = 0
		checkDraws(t, steps, &r)
	}
}

// TestMirostatReachesItsTarget: what is drawn is as surprising as was asked for.
func TestMirostatReachesItsTarget(t *testing.T) {
	random := rand.New(rand.NewPCG(35, 36))
	for version := 1; version <= 2; version++ {
		s := New(ask.Sampling{Temperature: 1, Mirostat: version, MirostatTau: 3, MirostatEta: 0.1, Seed: 1})
		var r Row
		row := make([]float32, 4000)
		total, rounds := 0.0, 600
		for range rounds {
			for i := range row {
				row[i] = -1.1 * float32(math.Log(float64(1+(i*7919)%len(row)))) // Zipf
				row[i] += float32(random.NormFloat64()) / 100
			}
			if err := r.Read(row); err != nil {
				t.Fatal(err)
			}
			chances := make(map[ask.Token]float64)
			for _, c := range s.Chances(nil, &r) {
				chances[c.Token] = c.Probability
			}
			total -= math.Log2(chances[sample(t, s, &r)])
		}
		if mean := total / float64(rounds); math.Abs(mean-3) > 0.3 {
			t.Errorf("version %d: a surprise of %v bits on average, 3 were asked for", version, mean)
		}
	}
}

// TestGreedyIsTheLikeliestLeft holds for every choice of steps that is greedy.
func TestGreedyIsTheLikeliestLeft(t *testing.T) {
	random := rand.New(rand.NewPCG(37, 38))
	var r Row
	for range 50 {
		row := readRow(random, &r, 1+random.IntN(2000))
		for _, steps := range append(slices.Clone(chains), moreChains...) {
			if steps.Temperature = 0; steps.TypicalP > 0 || steps.XTCProbability > 0 {
				continue
			}
			if got, want := sample(t, New(steps), &r), all(row)[0].Token(); got != want {
				t.Fatalf("%+v: %d, the likeliest is %d", steps, got, want)
			}
		}
	}
}

// TestMoreSeedsRepeat draws the same with the portable kernels.
func TestMoreSeedsRepeat(t *testing.T) {
	draw := func(steps ask.Sampling) (tokens []ask.Token) {
		random := rand.New(rand.NewPCG(39, 40))
		s, r := New(steps), new(Row)
		for range 10 {
			readRow(random, r, 2500)
			tokens = append(tokens, sample(t, s, r))
			s.Accept(tokens[len(tokens)-1])
		}
		return tokens
	}
	for _, steps := range moreChains {
		steps.Seed, steps.Penalties = 5, ask.Penalties{LastTokens: -1, Presence: 1}
		first := draw(steps)
		portable(t, func() {
			if second := draw(steps); !slices.Equal(first, second) {
				t.Errorf("%+v: drew %v, portably %v", steps, first, second)
			}
		})
	}
}

// TestStrangeValuesAreGood: no value of a step makes it fail.
func TestStrangeValuesAreGood(t *testing.T) {
	random := rand.New(rand.NewPCG(41, 42))
	strange := []float32{0, 1, -1, 1e-45, math.MaxFloat32, -math.MaxFloat32, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0.5}
	pick := func() float32 { return strange[random.IntN(len(strange))] }
	var r Row
	for range 3000 {
		readRow(random, &r, 1+random.IntN(300))
		steps := ask.Sampling{
			Temperature: max(pick(), 0), TopK: random.IntN(5) - 1, TopP: pick(), MinP: pick(), TypicalP: pick(), TopNSigma: pick(),
			DynatempRange: pick(), DynatempExponent: pick(), XTCProbability: pick(), XTCThreshold: pick(),
			Mirostat: random.IntN(4), MirostatTau: pick(), MirostatEta: pick(), MinKeep: random.IntN(5) - 1,
			Penalties: ask.Penalties{LastTokens: random.IntN(5) - 1, Repeat: pick(), Presence: pick(), Frequency: pick()},
			DRY:       ask.DRY{Multiplier: pick(), Base: pick(), AllowedLength: random.IntN(4) - 1, LastTokens: random.IntN(5) - 1},
			Bias:      []ask.Bias{{Token: ask.Token(random.IntN(10) - 2), Add: pick()}, {Token: 1 << 30, Add: 3}},
		}
		steps.Bias[0].Add = max(steps.Bias[0].Add, -math.MaxFloat32)
		s := New(steps)
		s.Begin(Sequence{Prompt: []ask.Token{0, 1, 2, 0, 1, 2, 0, 1}})
		for range 4 {
			s.Accept(sample(t, s, &r))
		}
	}
}

func ExampleSampler_Begin() {
	s := New(ask.Sampling{Penalties: ask.Penalties{LastTokens: 64, Repeat: 1.5}})
	s.Begin(Sequence{Prompt: []ask.Token{2}})
	row := new(Row)
	for range 3 {
		token, _ := s.Next(row, []float32{1, 2.1, 3, 0})
		s.Accept(token)
		fmt.Println(token)
	}
	// Output:
	// 1
	// 2
	// 2
}
