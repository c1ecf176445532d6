package pace

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// taught has seen an engine do steps of all kinds.
func taught(e *engine) *Learned {
	p := new(Learned)
	for i := range 400 {
		decodes, prompts := 1+i%8, i*7%60
		if i%5 == 0 {
			prompts = 0
		}
		p.Observe(Observation{At: e.now, Took: e.step(decodes, prompts), DecodeRows: decodes, PromptRows: prompts})
	}
	p.state.margin = 1
	return p
}

func TestLearnedDecides(t *testing.T) {
	exact := engine{base: 5 * ms, decode: 500 * us, prompt: 100 * us}
	p := taught(exact.start(1))
	limits := Limits{LeastPrompt: 2, MostPrompt: 200, Prompt: 128, Sequences: 16}
	for _, c := range []struct {
		name       string
		decodes    int
		objectives Objectives
		want       Decision
	}{
		{"no objective", 8, Objectives{}, Decision{128, 16}},
		{"a client's", 8, Objectives{TPOT: 14*ms + 50*us}, Decision{50, 16}},
		{"fewer rows", 4, Objectives{TPOT: 14*ms + 50*us}, Decision{70, 16}},
		{"no further than twice the largest", 8, Objectives{TPOT: 30 * ms}, Decision{106, 16}},
		{"just what it takes", 8, Objectives{TPOT: 9 * ms}, Decision{2, 16}},
		{"less", 8, Objectives{TPOT: 1}, Decision{2, 16}},
		{"the server's", 8, Objectives{TPOT: 14*ms + 50*us, Server: 14*ms + 50*us}, Decision{50, 11}},
		{"that none can keep", 8, Objectives{TPOT: ms, Server: ms}, Decision{2, 1}},
		{"with room for all", 8, Objectives{TPOT: time.Second, Server: time.Second}, Decision{106, 16}},
	} {
		got := p.Decide(Demand{DecodeRows: c.decodes, Objectives: c.objectives, Limits: limits})
		if got.Sequences != c.want.Sequences || math.Abs(float64(got.PromptTokens-c.want.PromptTokens)) > 2 {
			t.Errorf("%s: %+v, want %+v or nearly so", c.name, got, c.want)
		}
	}
}

// A client's objective leaves prompts their share of a step, the server's does not.
func TestLearnedKeepsAShareForPrompts(t *testing.T) {
	exact := engine{base: 5 * ms, decode: 500 * us, prompt: 100 * us}
	p := taught(exact.start(1))
	for _, c := range []struct {
		name       string
		objectives Objectives
		want       int // beside eight rows, which take 9 ms
	}{
		{"a quarter of the step", Objectives{TPOT: 1, PromptShare: 0.25}, 30},
		{"a half", Objectives{TPOT: 9 * ms, PromptShare: 0.5}, 90},
		{"it wants less than there is", Objectives{TPOT: 14*ms + 50*us, PromptShare: 0.25}, 50},
		{"the server's objective is longer", Objectives{TPOT: 1, Server: 14*ms + 50*us, PromptShare: 0.5}, 50},
		{"and as long as the share", Objectives{TPOT: 1, Server: 30 * ms, PromptShare: 0.25}, 30},
		{"the server's alone", Objectives{TPOT: 9 * ms, Server: 9 * ms, PromptShare: 0.5}, 1},
		{"both the same", Objectives{TPOT: ms, Server: ms, PromptShare: 0.5}, 1},
		{"none", Objectives{TPOT: 1}, 1},
		{"more than there is", Objectives{TPOT: 1, PromptShare: 7}, 106}, // twice the largest
	} {
		got := p.Decide(Demand{DecodeRows: 8, Objectives: c.objectives, Limits: wide}).PromptTokens
		if math.Abs(float64(got-c.want)) > 3 {
			t.Errorf("%s: %d, want %d or nearly so", c.name, got, c.want)
		}
	}
	if got := p.Foresee(8, 50); math.Abs(got.Seconds()/0.014-1) > 0.03 {
		t.Errorf("50 tokens beside eight rows are foreseen to take %v", got)
	}
	if got := new(Learned).Foresee(8, 50); got != 0 {
		t.Errorf("nothing is known, and %v foreseen", got)
	}
}

// Before anything is known it begins with little.
func TestLearnedBegins(t *testing.T) {
	d := Demand{DecodeRows: 8, Objectives: Objectives{TPOT: 10 * ms, Server: 10 * ms}, Limits: wide}
	if got := new(Learned).Decide(d); got != (Decision{2 * reachFirst, wide.Sequences}) {
		t.Errorf("%+v", got)
	}
	d.Limits.Prompt = 4
	if got := new(Learned).Decide(d); got.PromptTokens != 4 {
		t.Errorf("%+v", got)
	}
	d.Objectives = Objectives{}
	if got := new(Learned).Decide(d); got != (Decision{4, wide.Sequences}) {
		t.Errorf("%+v", got)
	}
}

func TestCostIsLearned(t *testing.T) {
	for _, m := range machines {
		e := m.start(7)
		p := taught(e)
		for i, want := range []time.Duration{m.base, m.decode, m.prompt} {
			got := p.state.cost.each[i]
			share := want.Seconds() / p.state.cost.of(rows{1, 8, 60}) * []float64{1, 8, 60}[i]
			if off := math.Abs(got/want.Seconds() - 1); off > 0.1+m.noise/share {
				t.Errorf("%s: part %d is %.3g s, want %.3g s: off by %.3f", m.name, i, got, want.Seconds(), off)
			}
		}
	}
}

// Where all steps are alike their parts cannot be told apart, but the step is right.
func TestCostOfStepsThatAreAlike(t *testing.T) {
	e := (&engine{base: 5 * ms, decode: 500 * us, prompt: 100 * us}).start(1)
	var c cost
	for range 5000 {
		c = c.next(rows{1, 8, 20}, e.step(8, 20).Seconds(), memory)
	}
	if got := c.of(rows{1, 8, 20}); math.Abs(got/0.011-1) > 0.01 {
		t.Errorf("%.4g s, want 0.011", got)
	}
	for range 100_000 {
		c = c.next(rows{1, 8, 0}, e.step(8, 0).Seconds(), memory)
	}
	if got := c.of(rows{1, 8, 0}); math.Abs(got/0.009-1) > 0.01 || !c.sound() {
		t.Errorf("%.4g s, want 0.009: %+v", got, c)
	}
}

func TestMargin(t *testing.T) {
	for _, noise := range []float64{0.01, 0.05, 0.1} {
		random := rand.New(rand.NewPCG(1, 1))
		margin, above := marginFirst, 0
		const steps = 50_000
		for i := range steps + 5000 {
			took := 1 + noise*random.NormFloat64()
			if i >= 5000 && took > margin {
				above++
			}
			margin = nextMargin(margin, took)
			if next := nextMargin(margin, 20); next != margin {
				t.Fatalf("a step that was held up moves the margin from %v to %v", margin, next)
			}
		}
		if share := float64(above) / steps; share < 0.001 || share > 0.003 {
			t.Errorf("noise %v: %.4f of the steps are above the margin", noise, share)
		}
	}
}

// TestSpread: it is the variance of steps that differ as what is normally distributed does,
// and comes of the first ones that take longer.
func TestSpread(t *testing.T) {
	for _, noise := range []float64{0.01, 0.05, 0.1} {
		random := rand.New(rand.NewPCG(2, 1))
		spread, mean := 0.0, 0.0
		const steps = 20_000
		for range steps {
			spread = nextSpread(spread, 1+noise*random.NormFloat64())
			mean += spread / steps
			if next := nextSpread(spread, 20); next != spread {
				t.Fatalf("a step that was held up moves the spread from %v to %v", spread, next)
			}
		}
		if off := math.Sqrt(mean)/noise - 1; math.Abs(off) > 0.05 {
			t.Errorf("noise %v: a spread of %v", noise, math.Sqrt(mean))
		}
	}
	s := learning{margin: marginFirst}
	for range 5 {
		s.spread = nextSpread(s.spread, 1.2)
	}
	if got := s.room(); got < 1.2 || got > 1.3 {
		t.Errorf("five steps took a fifth longer, and there is room for %v", got)
	}
}

// Whatever is observed, decisions are within the limits, and asking changes nothing.
func TestDecisionsAreWithinTheLimits(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, seed))
		policies := []Policy{new(Learned), new(Article), &Article{Target: random.Float64() * 1e4}, &Article{Target: math.NaN()}}
		at := time.Duration(0)
		for range 500 {
			o := wild(random)
			at += time.Duration(random.Int64N(int64(time.Second)))
			o.At = at
			limits := Limits{LeastPrompt: 1 + random.IntN(4), Prompt: 1 + random.IntN(300), Sequences: 1 + random.IntN(64)}
			limits.MostPrompt = limits.LeastPrompt + random.IntN(3000)
			limits.Prompt = min(limits.Prompt, limits.MostPrompt)
			d := Demand{DecodeRows: random.IntN(64), Limits: limits}
			if random.IntN(4) > 0 {
				d.Objectives.TPOT = time.Duration(random.ExpFloat64() * float64(20*ms))
			}
			if random.IntN(2) > 0 {
				d.Objectives.Server = d.Objectives.TPOT
			}
			for _, p := range policies {
				p.Observe(o)
				got := p.Decide(d)
				if got.PromptTokens < limits.LeastPrompt || got.PromptTokens > limits.MostPrompt || got.Sequences < 1 || got.Sequences > limits.Sequences {
					t.Fatalf("seed %d, %T: %+v of %+v", seed, p, got, d)
				}
				if again := p.Decide(d); again != got {
					t.Fatalf("seed %d, %T: %+v, asked again %+v", seed, p, got, again)
				}
			}
		}
		s := policies[0].(*Learned).state
		if c := s.cost; c.seen > 0 && !c.sound() || math.IsNaN(s.margin+s.reach+s.spread) || s.margin < 1 || s.margin > marginMost || s.room() > heldUp {
			t.Fatalf("seed %d: %+v", seed, s)
		}
	}
}

// wild is an observation that has nothing to do with the others.
func wild(random *rand.Rand) Observation {
	o := Observation{DecodeRows: random.IntN(64), PromptRows: random.IntN(2048)}
	switch random.IntN(6) {
	case 0:
		o.Took = time.Duration(random.Int64())
	case 1:
		o.Took = -time.Duration(random.Int64N(1e9))
	case 2:
		o.Took = time.Duration(random.IntN(3))
	default:
		o.Took = time.Duration(math.Exp(25 * random.Float64()))
	}
	if random.IntN(3) == 0 {
		o.PromptRows = 0
	}
	if random.IntN(3) == 0 {
		o.DecodeRows = 0
	}
	return o
}

// An hour of steps of a nanosecond and of a year leaves a policy that still learns.
func TestLearnedRecoversFromNonsense(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	m := machines[0]
	p := new(Learned)
	for range 20_000 {
		p.Observe(wild(random))
	}
	w := load{decodes: 8, prompt: 4000, tpot: m.tpot}
	e := m.start(3)
	w.run(p, e, 2000, 1, nil)
	got := w.run(p, e, 0, 5000, nil)
	fresh := w.run(new(Learned), m.start(3), 1000, 5000, nil)
	if got.share() < bar || got.rate() < 0.85*fresh.rate() {
		t.Errorf("%.2f %% within, %.0f tokens/s, from the beginning %.0f", 100*got.share(), got.rate(), fresh.rate())
	}
}

func TestPoliciesDoNotAllocate(t *testing.T) {
	for _, p := range []Policy{new(Learned), new(Article)} {
		e := machines[0].start(1)
		d := Demand{DecodeRows: 8, Objectives: Objectives{TPOT: 10 * ms, Server: 10 * ms}, Limits: wide}
		if n := testing.AllocsPerRun(100, func() {
			may := p.Decide(d)
			took := e.step(8, may.PromptTokens)
			p.Observe(Observation{At: e.now, Took: took, DecodeRows: 8, PromptRows: may.PromptTokens})
		}); n != 0 {
			t.Errorf("%T: %v allocations a step", p, n)
		}
	}
}

func BenchmarkLearned(b *testing.B) {
	p, e := new(Learned), machines[0].start(1)
	d := Demand{DecodeRows: 8, Objectives: Objectives{TPOT: 10 * ms}, Limits: wide}
	took := e.step(8, 20)
	for b.Loop() {
		p.Observe(Observation{Took: took, DecodeRows: 8, PromptRows: p.Decide(d).PromptTokens})
	}
}
