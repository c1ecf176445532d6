package pace

import (
	"testing"
	"time"
)

// TestHostileObjectiveCostsAFactor: one client of eight wants a token each ns. What that
// costs the prompts of others is bounded by the share of a step that is theirs: they
// keep that much of the throughput beside steps that take in as much as they can.
func TestHostileObjectiveCostsAFactor(t *testing.T) {
	const warm, steps = 300, 5000
	for _, m := range machines {
		for _, share := range []float64{0.1, 0.25, 0.5} {
			e := m.start(4)
			e.heldUp = 0
			w := load{decodes: 8, prompt: 4000, share: share}
			all := w.run(constant(wide.MostPrompt), e, 0, steps, nil)
			// They have asked for nothing before, and so larger steps are known.
			p := new(Learned)
			w.run(p, e, 0, warm, nil)
			w.tpot = 1
			got := w.run(p, e, warm, steps, nil)
			kept := got.rate() / all.rate()
			t.Logf("%s, %.2f: %.0f of %.0f tokens/s: %.3f", m.name, share, got.rate(), all.rate(), kept)
			if kept < 0.85*share {
				t.Errorf("%s: prompts keep %.3f of their throughput with a share of %.2f", m.name, kept, share)
			}
			// And streams pay no more than what prompts are promised, and part of a token.
			decodes := m.base + 8*(m.decode+answer/2*m.decodeAt)
			prompt := m.prompt + time.Duration(w.prompt/2)*m.promptAt
			if longest := 1.15/(1-share)*float64(decodes) + float64(prompt); got.took.Seconds()/float64(got.steps)*1e9 > longest {
				t.Errorf("%s: a step takes %v", m.name, got.took/steps)
			}
		}
	}
}
