package llama_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/ebitengine/purego"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/sampling"
)

// steps are the library's samplers beside those of chain.
type steps struct {
	chain
	accept      func(sampler uintptr, token int32)
	penalties   func(vocabulary, last int32, repeat, frequency, presence float32) uintptr
	dry         func(vocab uintptr, context int32, multiplier, base float32, allowed, last int32, breakers, n uintptr) uintptr
	topNSigma   func(n float32) uintptr
	typical     func(p float32, minKeep uintptr) uintptr
	xtc         func(p, threshold float32, minKeep uintptr, seed uint32) uintptr
	temperature func(t, span, exponent float32) uintptr
	mirostat    func(vocabulary int32, seed uint32, tau, eta float32, m int32) uintptr
	mirostat2   func(seed uint32, tau, eta float32) uintptr
}

func openSteps(t *testing.T) (s steps) {
	t.Helper()
	s.chain = openChain(t)
	paths, err := filepath.Glob(filepath.Join(llamatest.Library(t), "libllama*.so*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		library, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := purego.Dlsym(library, "llama_sampler_chain_init"); err != nil {
			continue
		}
		for name, function := range map[string]any{
			"accept": &s.accept, "init_penalties": &s.penalties, "init_dry": &s.dry, "init_top_n_sigma": &s.topNSigma,
			"init_typical": &s.typical, "init_xtc": &s.xtc, "init_temp_ext": &s.temperature, "init_mirostat": &s.mirostat, "init_mirostat_v2": &s.mirostat2,
		} {
			purego.RegisterLibFunc(function, library, "llama_sampler_"+name)
		}
		return s
	}
	t.Fatalf("no libllama among %v", paths)
	return s
}

// keep returns the probabilities that the steps leave, by token.
func (s *steps) keep(a ask.Sampling, history []ask.Token, row []float32) map[ask.Token]float64 {
	sampler := s.init(1)
	defer s.free(sampler)
	keep := uintptr(max(a.MinKeep, 1))
	p, d := a.Penalties, a.DRY
	if p.LastTokens != 0 {
		s.add(sampler, s.penalties(int32(len(row)), int32(p.LastTokens), p.Repeat, p.Frequency, p.Presence))
	}
	if d.Multiplier != 0 {
		s.add(sampler, s.dry(0, 4096, d.Multiplier, d.Base, int32(d.AllowedLength), int32(d.LastTokens), 0, 0))
	}
	if a.TopNSigma > 0 {
		s.add(sampler, s.topNSigma(a.TopNSigma))
	}
	if a.TopK > 0 {
		s.add(sampler, s.topK(int32(a.TopK)))
	}
	if a.TypicalP > 0 {
		s.add(sampler, s.typical(a.TypicalP, keep))
	}
	if a.TopP > 0 {
		s.add(sampler, s.topP(a.TopP, keep))
	}
	if a.MinP > 0 {
		s.add(sampler, s.minP(a.MinP, keep))
	}
	if a.XTCProbability > 0 {
		s.add(sampler, s.xtc(a.XTCProbability, a.XTCThreshold, keep, 1))
	}
	s.add(sampler, s.temperature(a.Temperature, a.DynatempRange, a.DynatempExponent))
	switch a.Mirostat {
	case 1:
		s.add(sampler, s.mirostat(int32(len(row)), 1, a.MirostatTau, a.MirostatEta, 100))
	case 2:
		s.add(sampler, s.mirostat2(1, a.MirostatTau, a.MirostatEta))
	}
	for _, t := range history {
		s.accept(sampler, int32(t))
	}
	kept, weights, sum := s.left(sampler, row)
	out := make(map[ask.Token]float64)
	for i, w := range weights {
		if w > 0 {
			out[kept[i].token] = w / sum
		}
	}
	return out
}

// TestStepsAreTheLibrarys compares the other steps, after a sequence that
// repeats itself.
func TestStepsAreTheLibrarys(t *testing.T) {
	library := openSteps(t)
	random := rand.New(rand.NewPCG(3, 4))
	penalties := ask.Penalties{LastTokens: 20, Repeat: 1.3, Presence: 0.2, Frequency: 0.1}
	var memory sampling.Row
	for _, n := range []int{30, 300, 5000} {
		row := make([]float32, n)
		for i := range row {
			row[i] = float32(random.NormFloat64() * 2)
		}
		if err := memory.Read(row); err != nil {
			t.Fatal(err)
		}
		var history []ask.Token
		for i := range 60 {
			history = append(history, ask.Token((i*i+i%7)%23))
		}
		for _, a := range []ask.Sampling{
			{Temperature: 1, Penalties: penalties},
			{Temperature: 1, Penalties: ask.Penalties{LastTokens: 1000, Repeat: 1, Frequency: 0.4}},
			{Temperature: 1, DRY: ask.DRY{Multiplier: 0.8, Base: 1.75, AllowedLength: 2, LastTokens: -1}},
			{Temperature: 1, DRY: ask.DRY{Multiplier: 0.5, Base: 1.2, AllowedLength: 1, LastTokens: 30}},
			{Temperature: 1, TopNSigma: 1, MinP: 0.001},
			{Temperature: 0.7, TypicalP: 0.6},
			{Temperature: 0.9, TypicalP: 0.3, TopK: 25, TopP: 0.8, MinP: 0.05, MinKeep: 2},
			{Temperature: 1, XTCProbability: 1, XTCThreshold: 0.02},
			{Temperature: 1, XTCProbability: 1, XTCThreshold: 0.05, TopP: 0.9},
			{Temperature: 1, DynatempRange: 0.5, DynatempExponent: 1},
			{Temperature: 0.8, DynatempRange: 0.9, DynatempExponent: 1.5, TopK: 30},
			{Temperature: 1, TopP: 0.2, MinP: 0.8, MinKeep: 6},
			{
				Temperature: 0.8, Penalties: penalties, DRY: ask.DRY{Multiplier: 0.8, Base: 1.75, AllowedLength: 2, LastTokens: 50},
				TopK: 40, TypicalP: 0.9, TopP: 0.95, MinP: 0.02, DynatempRange: 0.2, DynatempExponent: 1,
			},
			{Penalties: penalties},
			{Temperature: 0.8, Mirostat: 1, MirostatTau: 3, MirostatEta: 0.1, Penalties: penalties},
			{Temperature: 1.2, Mirostat: 1, MirostatTau: 1, MirostatEta: 0.1},
			{Temperature: 0.8, Mirostat: 2, MirostatTau: 2, MirostatEta: 0.1},
			{Temperature: 1, Mirostat: 2, MirostatTau: 1.2, MirostatEta: 0.1, Penalties: penalties},
		} {
			s := sampling.New(a)
			s.Begin(sampling.Sequence{Prompt: history})
			want, off := library.keep(a, history, row), 0.0
			size := len(want)
			for _, c := range s.Chances(nil, &memory) {
				off += math.Abs(want[c.Token] - c.Probability)
				delete(want, c.Token)
			}
			rest := 0.0
			for _, p := range want {
				rest += p
			}
			if off+rest > 2e-3 {
				t.Errorf("%d logits, %+v: off by %v, %v of it not there; the library has %d tokens", n, a, off+rest, rest, size)
			}
		}
	}
}
