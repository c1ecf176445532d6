package draft

import (
	"math/rand/v2"
	"testing"
)

// machine is what rows cost, in milliseconds.
type machine struct {
	name             string
	base, row, draft float64
}

var machines = []machine{
	{"an accelerator", 8, 0.05, 0.03},
	{"a large model on many cores", 60, 2, 2.5},
	{"a small model on two cores", 0.9, 0.22, 0.3},
	{"rows as dear as steps", 1, 1, 2},
}

// speech is how often something matches, by how many tokens, and how often a token of a
// draft is right then.
type speech struct {
	name    string
	matches float64
	chance  map[int]float64 // by how many match
}

var speeches = []speech{
	{"nothing repeats", 0, map[int]float64{3: 0}},
	{"names repeat", 0.2, map[int]float64{3: 0.3, 6: 0.6}},
	{"matches mislead", 0.9, map[int]float64{3: 0, 5: 0.02, 9: 0.05}},
	{"code is changed", 0.9, map[int]float64{4: 0.5, 20: 0.9, 40: 0.97}},
	{"a text is copied", 1, map[int]float64{40: 0.99}},
}

// run generates tokens for so many sequences, and returns how many a second. With a
// constant length each draft has it; with 0 nothing is drafted, below 0 Share decides.
func run(m machine, s speech, sequences, constant int, seed uint64) float64 {
	random := rand.New(rand.NewPCG(seed, 3))
	var kinds []int
	for _, n := range []int{3, 4, 5, 6, 9, 20, 40} {
		if _, ok := s.chance[n]; ok {
			kinds = append(kinds, n)
		}
	}
	var all Rates
	own := make([]Rates, sequences)
	tokens, seconds := 0, 0.0
	for range 6000 / (1 + sequences/4) {
		step := m.base + m.row*float64(sequences)
		var wants []Want
		var who, matched []int
		for i := range sequences {
			if random.Float64() < s.matches {
				n := kinds[random.IntN(len(kinds))]
				who, matched = append(who, i), append(matched, n)
				wants = append(wants, Want{Chance: own[i].Chance(n, all.Chance(n, Prior)), Most: 16})
			}
		}
		if constant < 0 {
			Share(Budget{Tokens: sequences, StepSeconds: step, RowSeconds: m.draft, Rows: 1000}, wants)
		}
		tokens += sequences
		seconds += step / 1e3
		for k, i := range who {
			n := wants[k].Rows
			if constant >= 0 {
				n = constant
			}
			if n == 0 {
				own[i].Pass(matched[k])
				all.Pass(matched[k])
				continue
			}
			right := 0
			for right < n && random.Float64() < s.chance[matched[k]] {
				right++
			}
			own[i].Learn(matched[k], n, right, Memory)
			all.Learn(matched[k], n, right, LoopMemory)
			tokens += right
			seconds += m.draft * float64(n) / 1e3
		}
	}
	return float64(tokens) / seconds
}

// TestAdapts: on each machine, with few sequences and with many, whatever is said: what
// is decided costs next to nothing where drafts are of no use, and is nearly as good as
// the best constant length, which nobody knows beforehand.
func TestAdapts(t *testing.T) {
	for _, m := range machines {
		for _, s := range speeches {
			for _, sequences := range []int{1, 4, 32} {
				without := run(m, s, sequences, 0, 1)
				most, length := without, 0
				for _, n := range []int{1, 2, 4, 8, 16} {
					if rate := run(m, s, sequences, n, 1); rate > most {
						most, length = rate, n
					}
				}
				got := run(m, s, sequences, -1, 1)
				t.Logf("%s, %s, %d sequences: %.0f tokens/s, without %.0f; always %d: %.0f", m.name, s.name, sequences, got, without, length, most)
				if got < 0.97*without {
					t.Errorf("%s, %s, %d sequences: %.0f tokens/s, without %.0f", m.name, s.name, sequences, got, without)
				}
				if got < 0.95*most {
					t.Errorf("%s, %s, %d sequences: %.0f tokens/s, always %d gives %.0f", m.name, s.name, sequences, got, length, most)
				}
			}
		}
	}
}

// TestRatesChange: what was wrong for long is tried again when it has not been for a
// while, and what was right is given up.
func TestRatesChange(t *testing.T) {
	var r Rates
	for range 100 {
		r.Learn(5, 4, 0, Memory)
	}
	if c := r.Chance(5, Prior); c > 0.1 {
		t.Errorf("never right: %v", c)
	}
	if c := r.Chance(20, Prior); c != Prior {
		t.Errorf("longer matches: %v", c)
	}
	for range 500 {
		r.Pass(5)
	}
	if c := r.Chance(5, Prior); c < 0.7 {
		t.Errorf("forgotten: %v", c)
	}
	for range 100 {
		r.Learn(5, 4, 4, Memory)
	}
	if c := r.Chance(5, 0); c < 0.9 {
		t.Errorf("always right: %v", c)
	}
	for range 20 {
		r.Learn(5, 4, 0, Memory)
	}
	if c := r.Chance(5, Prior); c > 0.6 {
		t.Errorf("wrong by now: %v", c)
	}
}
