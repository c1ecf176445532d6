package sampling

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

func BenchmarkSteps(b *testing.B) {
	const vocabulary = 152064
	random := rand.New(rand.NewPCG(1, 2))
	row := make([]float32, vocabulary)
	for i := range row {
		row[i] = float32(random.NormFloat64() * 3)
	}
	prompt := make([]ask.Token, 32768)
	for i := range prompt {
		prompt[i] = ask.Token(random.ExpFloat64() * 2000)
	}
	full := make([]uint64, vocabulary/64)
	for i := range full {
		full[i] = random.Uint64()
	}
	for _, c := range []struct {
		name  string
		steps ask.Sampling
		form  Constraint
	}{
		{name: "penalties", steps: ask.Sampling{Penalties: ask.Penalties{LastTokens: -1, Presence: 1}}},
		{name: "dry", steps: ask.Sampling{DRY: ask.DRY{Multiplier: 1, Base: 1.75, AllowedLength: 2, LastTokens: -1}}},
		{name: "constraint", steps: ask.Sampling{Temperature: 1, TopK: 40}, form: only(full)},
		{name: "sigma", steps: ask.Sampling{Temperature: 1, TopNSigma: 1}},
		{name: "typical", steps: ask.Sampling{Temperature: 1, TypicalP: 0.9}},
		{name: "typical,k=40", steps: ask.Sampling{Temperature: 1, TypicalP: 0.9, TopK: 40}},
		{name: "xtc", steps: ask.Sampling{Temperature: 1, XTCProbability: 1, XTCThreshold: 0.01}},
		{name: "dynamic", steps: ask.Sampling{Temperature: 1, DynatempRange: 0.5, DynatempExponent: 1}},
		{name: "mirostat=1", steps: ask.Sampling{Temperature: 1, Mirostat: 1, MirostatTau: 5}},
		{name: "mirostat=2", steps: ask.Sampling{Temperature: 1, Mirostat: 2, MirostatTau: 5}},
	} {
		b.Run(fmt.Sprintf("%d/%s", vocabulary, c.name), func(b *testing.B) {
			s, r, n := New(c.steps), new(Row), 0
			s.Begin(Sequence{Prompt: prompt, Constraint: c.form})
			for b.Loop() {
				if _, err := s.Next(r, row); err != nil {
					b.Fatal(err)
				}
				s.Accept(prompt[n%len(prompt)])
				n++
			}
		})
	}
}
