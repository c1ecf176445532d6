package pace

import (
	"testing"
	"time"
)

// measured is what steps of a model of a million parameters take on one processor: a token of a
// prompt takes seven times as long behind 4000 others as at the beginning.
var measured = engine{base: 500 * us, decode: 55 * us, prompt: 50 * us, decodeAt: 350, promptAt: 75, noise: 0.05}

// knowing is a policy that knows what an engine takes, and leaves room for its noise.
type knowing struct{ *engine }

func (knowing) Observe(Observation) {}
func (k knowing) Decide(d Demand) Decision {
	left := float64(d.Objectives.TPOT)/(1+marginSpread*k.noise) - float64(k.base) -
		float64(d.DecodeRows)*float64(k.decode) - float64(d.DecodeContext)*float64(k.decodeAt)
	n := 1
	for cost := 0.0; n < d.Limits.MostPrompt; n++ {
		if cost += float64(k.prompt) + float64(d.PromptContext+n)*float64(k.promptAt); cost > left {
			break
		}
	}
	return Decision{PromptTokens: n, Sequences: d.Limits.Sequences}
}

// begin has eight streams run for a while, and then prompts beside them for so many steps,
// with an objective of so many times what a step of the streams takes at that moment. It
// returns those.
func (e *engine) begin(p Policy, times float64, steps int) outcome {
	const decodes, alone = 8, 400
	for i := range alone {
		context := decodes * i
		took := e.attend(decodes, 0, context, 0)
		p.Observe(Observation{At: e.now, Took: took, DecodeRows: decodes, DecodeContext: context, Active: decodes})
	}
	step := float64(e.base) + decodes*(float64(e.decode)+alone*float64(e.decodeAt))
	w := load{decodes: decodes, prompt: 4000, tpot: time.Duration(times * step), began: alone}
	return w.run(p, e, 0, steps, nil)
}

// TestLearnedMeetsPrompts: the first prompts that a server ever has come beside streams with an
// objective, and what they cost is learned of steps that have to keep it. A fifth of the
// tokens is lost to that at most.
func TestLearnedMeetsPrompts(t *testing.T) {
	const seeds, steps = 20, 450
	all := machines[:len(machines):len(machines)]
	all = append(all, all[0])
	all[len(all)-1].name, all[len(all)-1].engine = "measured", measured
	for _, m := range all {
		for _, times := range []float64{3, 10} {
			var got, known outcome
			for seed := range uint64(seeds) {
				m.heldUp = 0
				got.add(m.start(seed).begin(new(Learned), times, steps))
				e := m.start(seed)
				known.add(e.begin(knowing{e}, times, steps))
			}
			kept := got.rate() / known.rate()
			t.Logf("%s, %.0f times: %.2f %% within, %.0f tokens/s, %.2f of those of who knows, %.2f %%", m.name, times, 100*got.share(), got.rate(), kept, 100*known.share())
			if got.share() < bar || kept < 0.8 {
				t.Errorf("%s, %.0f times: %.2f %% within, %.2f of the tokens", m.name, times, 100*got.share(), kept)
			}
		}
	}
}
