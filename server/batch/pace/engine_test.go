package pace

import (
	"math/rand/v2"
	"slices"
	"time"
)

// An engine is made up: what its steps take is linear in their rows, but for noise,
// and for steps that somebody holds up.
type engine struct {
	base, decode, prompt time.Duration // of a step, a row that decodes, a token of a prompt
	decodeAt, promptAt   time.Duration // of each token that such a row attends to
	noise                float64       // standard deviation, of what a step takes
	heldUp               float64       // share of the steps that take twenty times as long
	slow                 float64       // times; 0 is 1

	random *rand.Rand
	now    time.Duration
}

const heldUpTimes = 20

func (e *engine) start(seed uint64) *engine {
	started := *e
	started.random = rand.New(rand.NewPCG(seed, seed))
	return &started
}

// step computes a step of rows that attend to nothing and returns what it took.
func (e *engine) step(decodes, prompts int) time.Duration { return e.attend(decodes, prompts, 0, 0) }

// attend is step with rows that attend to so many tokens, together.
func (e *engine) attend(decodes, prompts, decodeContext, promptContext int) time.Duration {
	took := float64(e.base) + float64(decodes)*float64(e.decode) + float64(prompts)*float64(e.prompt) +
		float64(decodeContext)*float64(e.decodeAt) + float64(promptContext)*float64(e.promptAt)
	took *= max(0.5, 1+e.noise*e.random.NormFloat64())
	if e.slow > 0 {
		took *= e.slow
	}
	if e.random.Float64() < e.heldUp {
		took *= heldUpTimes
	}
	e.now += time.Duration(took)
	return time.Duration(took)
}

// A load is what is asked of an engine: streams that never end, and prompts one after
// the other.
type load struct {
	decodes, prompt int // sequences; tokens of each prompt
	tpot            time.Duration
	share           float64 // Objectives.PromptShare
	began           int     // tokens that the streams have had before
}

// answer is how many tokens a stream has before it begins anew.
const answer = 700

// outcome is what became of a load's steps.
type outcome struct {
	steps, within int // within the objective
	prompts       int // tokens
	took          time.Duration
	largest       int   // prompt tokens of a step
	missed        []int // steps that were late, from the first measured on
}

func (o *outcome) share() float64 { return float64(o.within) / float64(o.steps) }
func (o *outcome) rate() float64  { return float64(o.prompts) / o.took.Seconds() }

// add takes in what became of other steps, but for when they were missed.
func (o *outcome) add(other outcome) {
	o.steps, o.within, o.prompts, o.took = o.steps+other.steps, o.within+other.within, o.prompts+other.prompts, o.took+other.took
}

var wide = Limits{LeastPrompt: 1, MostPrompt: 2048, Prompt: 128, Sequences: 64}

// run has a policy serve a load; the first steps are not measured. before, if not nil,
// is called before each step.
func (w load) run(p Policy, e *engine, warm, steps int, before func(step int)) (o outcome) {
	left := w.prompt
	for i := range warm + steps {
		if before != nil {
			before(i)
		}
		at, context := w.prompt-left, w.decodes*((w.began+i)%answer)
		may := p.Decide(Demand{
			DecodeRows: w.decodes, DecodeContext: context, PromptContext: at,
			Objectives: Objectives{TPOT: w.tpot, PromptShare: w.share}, Limits: wide,
		})
		piece := min(may.PromptTokens, left)
		if left -= piece; left == 0 {
			left = w.prompt
		}
		attended := piece*at + piece*(piece+1)/2
		took := e.attend(w.decodes, piece, context, attended)
		p.Observe(Observation{
			At: e.now, Took: took, DecodeRows: w.decodes, PromptRows: piece,
			DecodeContext: context, PromptContext: attended, Active: w.decodes + 1,
		})
		if i < warm {
			continue
		}
		o.steps++
		o.prompts += piece
		o.took += took
		o.largest = max(o.largest, piece)
		if took <= w.tpot {
			o.within++
		} else {
			o.missed = append(o.missed, i-warm)
		}
	}
	return o
}

// constant is a policy that always says the same.
type constant int

func (constant) Observe(Observation) {}
func (c constant) Decide(d Demand) Decision {
	return Decision{PromptTokens: int(c), Sequences: d.Limits.Sequences}
}

// bar is the share of gaps that are to be within the objective.
const bar = 0.99

// best is what the best constant budget achieves that keeps the objective for the bar,
// and that budget; 0 if none does.
func (w load) best(e *engine, seed uint64, steps int) (o outcome, budget int) {
	// The more prompt tokens, the fewer steps are within the objective.
	budgets := make([]int, wide.MostPrompt)
	for i := range budgets {
		budgets[i] = i + 1
	}
	first, _ := slices.BinarySearchFunc(budgets, bar, func(n int, bar float64) int {
		if o := w.run(constant(n), e.start(seed), 0, steps, nil); o.share() >= bar {
			return -1
		}
		return 1
	})
	for n := max(1, first-2); n <= min(first+2, wide.MostPrompt); n++ {
		if tried := w.run(constant(n), e.start(seed), 0, steps, nil); tried.share() >= bar && tried.rate() > o.rate() || o.steps == 0 {
			o, budget = tried, n
		}
	}
	return o, budget
}
