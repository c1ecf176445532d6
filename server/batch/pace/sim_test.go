package pace

import (
	"fmt"
	"testing"
	"time"
)

const (
	us = time.Microsecond
	ms = time.Millisecond
)

// machines are engines with an objective that leaves room for prompts.
var machines = []struct {
	name string
	engine
	tpot time.Duration
}{
	{"small, on two cores", engine{base: 900 * us, decode: 220 * us, prompt: 190 * us, noise: 0.05, heldUp: 0.003}, 12 * ms},
	{"large, on many cores", engine{base: 60 * ms, decode: 2 * ms, prompt: 1500 * us, noise: 0.03, heldUp: 0.003}, 150 * ms},
	{"an accelerator", engine{base: 7 * ms, decode: 50 * us, prompt: 25 * us, noise: 0.02, heldUp: 0.002}, 20 * ms},
	{"prompts next to nothing", engine{base: 9 * ms, decode: 30 * us, prompt: 8 * us, noise: 0.01, heldUp: 0.001}, 25 * ms},
	{"a restless neighbour", engine{base: 3 * ms, decode: 400 * us, prompt: 300 * us, noise: 0.12, heldUp: 0.004}, 30 * ms},
	{"little room", engine{base: 5 * ms, decode: 500 * us, prompt: 400 * us, noise: 0.03, heldUp: 0.003}, 14 * ms},
	{"attention that costs more than all else", engine{base: 300 * us, decode: 100 * us, prompt: 60 * us, decodeAt: 600, promptAt: 100, noise: 0.05, heldUp: 0.003}, 15 * ms},
	{"attention of a large one", engine{base: 60 * ms, decode: 2 * ms, prompt: 1500 * us, decodeAt: 2 * us, promptAt: us, noise: 0.03, heldUp: 0.003}, 150 * ms},
	{"no noise", engine{base: 5 * ms, decode: 500 * us, prompt: 400 * us}, 25 * ms},
}

// TestLearnedKeepsTheObjective: eight streams and prompts of 4000 tokens without end.
// The gaps are kept, and prompts get nearly what the best constant budget gives, which
// nobody knows beforehand.
func TestLearnedKeepsTheObjective(t *testing.T) {
	const warm, steps = 1000, 20_000
	for _, m := range machines {
		for seed := range uint64(2) {
			w := load{decodes: 8, prompt: 4000, tpot: m.tpot}
			best, budget := w.best(&m.engine, seed, steps)
			got := w.run(new(Learned), m.start(seed), warm, steps, nil)
			t.Logf("%s, seed %d: %.2f %% within, %.0f tokens/s; a constant %d: %.2f %%, %.0f tokens/s: %.3f",
				m.name, seed, 100*got.share(), got.rate(), budget, 100*best.share(), best.rate(), got.rate()/best.rate())
			if got.share() < bar {
				t.Errorf("%s, seed %d: %.2f %% of the gaps are within the objective", m.name, seed, 100*got.share())
			}
			if best.share() < bar || got.rate() < 0.85*best.rate() {
				t.Errorf("%s, seed %d: %.0f tokens/s, with a constant %d %.0f", m.name, seed, got.rate(), budget, best.rate())
			}
		}
	}
}

// TestLearnedFollows: a machine that becomes three times slower and fast again is
// followed within a few steps.
func TestLearnedFollows(t *testing.T) {
	const warm, phase = 500, 2000
	for _, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			e, p := m.start(1), new(Learned)
			w := load{decodes: 8, prompt: 4000, tpot: 4 * m.tpot} // it can be kept in either state
			var phases [3]outcome
			for i, slow := range []float64{1, 3, 1} {
				e.slow = slow
				phases[i] = w.run(p, e, 0, phase, nil)
			}
			late := 0
			for _, step := range phases[1].missed {
				if step < 30 {
					late++
				}
			}
			t.Logf("%d late of the first 30, %d in all; tokens/s %.0f, %.0f, %.0f", late, len(phases[1].missed), phases[0].rate(), phases[1].rate(), phases[2].rate())
			if late > 8 {
				t.Errorf("%d of the first 30 steps are late", late)
			}
			if phases[1].share() < bar || phases[2].share() < bar {
				t.Errorf("%.2f %% within while it is slow, then %.2f %%", 100*phases[1].share(), 100*phases[2].share())
			}
			after := w.run(p, e, 0, phase, nil)
			if ratio := phases[2].rate() / after.rate(); ratio < 0.9 {
				t.Errorf("%.2f of the throughput while it becomes fast again", ratio)
			}
			e.slow = 3
			again := w.run(p, e, 100, phase, nil)
			if ratio := again.rate() / phases[1].rate(); ratio < 0.9 {
				t.Errorf("slow again: %.2f of the throughput", ratio)
			}
		})
	}
}

// TestLearnedNeverStarves: with an objective that cannot be kept prompts get on all the
// same, and as soon as it can be kept they get what there is.
func TestLearnedNeverStarves(t *testing.T) {
	for _, m := range machines {
		for _, tpot := range []time.Duration{1, us, m.base, m.base + 8*m.decode} {
			t.Run(fmt.Sprint(m.name, tpot), func(t *testing.T) {
				e, p := m.start(2), new(Learned)
				tight := load{decodes: 8, prompt: 4000, tpot: tpot}
				got := tight.run(p, e, 100, 3000, nil)
				if got.prompts < got.steps {
					t.Errorf("%d prompt tokens in %d steps", got.prompts, got.steps)
				}
				if got.largest > 3 {
					t.Errorf("up to %d prompt tokens in a step that is late without any", got.largest)
				}
				room := load{decodes: 8, prompt: 4000, tpot: m.tpot}
				grown := room.run(p, e, 300, 3000, nil)
				fresh := room.run(new(Learned), m.start(2), 1000, 3000, nil)
				if grown.share() < bar-0.005 || grown.rate() < 0.85*fresh.rate() {
					t.Errorf("then %.2f %% within and %.0f tokens/s, from the beginning %.2f %% and %.0f",
						100*grown.share(), grown.rate(), 100*fresh.share(), fresh.rate())
				}
			})
		}
	}
}

// TestLearnedForgives: a step that was held up changes nothing, and three do so for a
// few steps.
func TestLearnedForgives(t *testing.T) {
	m := machines[1]
	m.heldUp = 0
	for held := 1; held <= 3; held++ {
		e, p := m.start(3), new(Learned)
		w := load{decodes: 8, prompt: 4000, tpot: m.tpot}
		w.run(p, e, 0, 2000, nil)
		least, low := wide.MostPrompt, 0
		before := p.Decide(w.demand()).PromptTokens
		for i := range 200 {
			e.slow = 1
			if i < held {
				e.slow = heldUpTimes
			}
			w.run(p, e, 0, 1, nil)
			now := p.Decide(w.demand()).PromptTokens
			least = min(least, now)
			if 10*now < 8*before {
				low++
			}
		}
		if held < 3 && low > 0 || low > 40 {
			t.Errorf("%d steps held up: of the next 200, %d have less than 0.8 of %d tokens, the least has %d", held, low, before, least)
		}
	}
}

func (w load) demand() Demand {
	return Demand{DecodeRows: w.decodes, Objectives: Objectives{TPOT: w.tpot}, Limits: wide}
}

// TestLearnedWithComingAndGoing: streams begin and end, prompts come now and then, and
// what a token of a prompt takes grows by half from its beginning to its end. Steps
// that cannot be kept without prompts do not count.
func TestLearnedWithComingAndGoing(t *testing.T) {
	for _, m := range machines {
		for seed := range uint64(3) {
			e, p := m.start(seed), new(Learned)
			e.heldUp = 0
			decodes, left, prompts, steps, within := 4, 0, 0, 0, 0
			room := 0.0 // tokens that there would have been time for
			for i := range 30_000 {
				switch e.random.IntN(40) {
				case 0:
					decodes = min(decodes+1, 8)
				case 1:
					decodes = max(decodes-1, 1)
				case 2:
					if left == 0 {
						left = 1 + e.random.IntN(4000)
					}
				}
				may := p.Decide(Demand{DecodeRows: decodes, Objectives: Objectives{TPOT: m.tpot}, Limits: wide})
				piece := min(may.PromptTokens, left)
				e.prompt = time.Duration(float64(m.prompt) * (1 + 0.5*float64(4000-left)/4000))
				took := e.step(decodes, piece)
				p.Observe(Observation{At: e.now, Took: took, DecodeRows: decodes, PromptRows: piece})
				if i < 2000 {
					left -= piece
					continue
				}
				if steps++; took <= m.tpot {
					within++
				}
				if left > piece { // it was bounded
					prompts += piece
					room += float64(m.tpot-m.base-time.Duration(decodes)*m.decode) / float64(e.prompt)
				}
				left -= piece
			}
			share, used := float64(within)/float64(steps), float64(prompts)/min(room, 1e12)
			t.Logf("%s, seed %d: %.2f %% within, %.2f of the room", m.name, seed, 100*share, used)
			if share < bar || used < 0.5 {
				t.Errorf("%s, seed %d: %.2f %% within, %.2f of the room", m.name, seed, 100*share, used)
			}
		}
	}
}
