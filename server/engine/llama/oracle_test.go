package llama_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/sampling"
)

// chain is the library's own sampling, without the draw.
type chain struct {
	init        func(noPerf uintptr) uintptr
	add         func(chain, sampler uintptr)
	apply       func(chain uintptr, candidates *candidates)
	free        func(sampler uintptr)
	topK        func(k int32) uintptr
	topP, minP  func(p float32, minKeep uintptr) uintptr
	temperature func(t float32) uintptr
}

// candidate is llama_token_data.
type candidate struct {
	token       engine.Token
	logit       float32
	probability float32
}

// candidates is llama_token_data_array.
type candidates struct {
	data     *candidate
	size     uintptr
	selected int64
	sorted   bool
}

func openChain(t *testing.T) (c chain) {
	t.Helper()
	llamatest.Open(t)
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
			continue // libllama-common
		}
		for name, function := range map[string]any{
			"chain_init": &c.init, "chain_add": &c.add, "apply": &c.apply, "free": &c.free,
			"init_top_k": &c.topK, "init_top_p": &c.topP, "init_min_p": &c.minP, "init_temp": &c.temperature,
		} {
			purego.RegisterLibFunc(function, library, "llama_sampler_"+name)
		}
		return c
	}
	t.Fatalf("no libllama among %v", paths)
	return c
}

// keep returns what the steps leave of a row, with its probabilities.
func (c *chain) keep(steps ask.Sampling, row []float32) []candidate {
	sampler := c.init(1)
	defer c.free(sampler)
	if steps.TopK > 0 {
		c.add(sampler, c.topK(int32(steps.TopK)))
	}
	if steps.TopP > 0 {
		c.add(sampler, c.topP(steps.TopP, 1))
	}
	if steps.MinP > 0 {
		c.add(sampler, c.minP(steps.MinP, 1))
	}
	c.add(sampler, c.temperature(steps.Temperature))
	kept, weights, sum := c.left(sampler, row)
	for i, w := range weights {
		kept[i].probability = float32(w / sum)
	}
	return kept
}

// left applies a chain to a row, and returns what it keeps, with weights in
// proportion to the probabilities, and their sum.
func (c *chain) left(sampler uintptr, row []float32) (kept []candidate, weights []float64, sum float64) {
	all := make([]candidate, len(row))
	for t, v := range row {
		all[t] = candidate{token: engine.Token(t), logit: v}
	}
	array := candidates{data: &all[0], size: uintptr(len(all)), selected: -1}
	c.apply(sampler, &array)
	kept = unsafe.Slice(array.data, array.size)
	highest := math.Inf(-1)
	for _, k := range kept {
		highest = max(highest, float64(k.logit))
	}
	weights = make([]float64, len(kept))
	for i, k := range kept {
		weights[i] = math.Exp(float64(k.logit) - highest)
		sum += weights[i]
	}
	return kept, weights, sum
}

// TestChancesAreTheLibrarys compares what may be drawn, and how likely, with the
// library's chain.
func TestChancesAreTheLibrarys(t *testing.T) {
	library := openChain(t)
	random := rand.New(rand.NewPCG(1, 2))
	var memory sampling.Row
	for _, n := range []int{1, 2, 300, 2048, 30000} {
		for _, spread := range []float64{0.1, 1, 4} {
			row := make([]float32, n)
			for i := range row {
				row[i] = float32(random.NormFloat64() * spread)
			}
			if err := memory.Read(row); err != nil {
				t.Fatal(err)
			}
			for _, steps := range []ask.Sampling{
				{Temperature: 1},
				{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05},
				{Temperature: 0.8, TopP: 0.95, MinP: 0.05},
				{Temperature: 1.5, TopP: 0.95},
				{Temperature: 1.5, TopP: 0.2},
				{Temperature: 1, TopP: 1e-6},
				{Temperature: 0.3, MinP: 0.3},
				{Temperature: 2, MinP: 1},
				{Temperature: 1, TopK: 1},
				{Temperature: 1, TopK: 1000},
				{Temperature: 1, TopK: 1000, TopP: 0.5, MinP: 0.1},
				{Temperature: 1e-3},
			} {
				want := library.keep(steps, row)
				got := sampling.New(steps).Chances(nil, &memory)
				slices.SortFunc(want, func(a, b candidate) int { return int(a.token - b.token) })
				slices.SortFunc(got, func(a, b sampling.Chance) int { return int(a.Token - b.Token) })
				// Tokens that only one of them has, and the differences of the
				// others, make up less than the library's sums in float32 are off.
				off, i := 0.0, 0
				for _, w := range want {
					for ; i < len(got) && got[i].Token < w.token; i++ {
						off += got[i].Probability
					}
					if p := float64(w.probability); i < len(got) && got[i].Token == w.token {
						off += math.Abs(p - got[i].Probability)
						i++
					} else {
						off += p
					}
				}
				for ; i < len(got); i++ {
					off += got[i].Probability
				}
				if off > 2e-3 {
					t.Errorf("%d logits, spread %v, %+v: %d tokens of the library's %d, off by %v together",
						n, spread, steps, len(got), len(want), off)
				}
			}
		}
	}
}
