package pace

import (
	"math"
	"time"
)

// Learned is the default policy. It learns what steps cost and gives prompts as many
// tokens as a step within the objective has room for:
//
//   - What a step takes is foreseen as so much for itself, for each row that decodes
//     and for each row of a prompt.
//   - Steps differ. The objective is divided by a margin, the quotient of what a step
//     took and what was foreseen that 99.5 % of the steps with prompts stay below. That
//     leaves half of the one percent to steps that something held up for long, which are
//     not steered against: fewer tokens would not have made them shorter.
//   - The foreseen is not trusted far beyond the seen: a step has at most twice the
//     prompt tokens of the largest one lately. From one token to 128 it takes seven steps.
//   - A client's objective leaves prompts a share of the step: a client that wants what
//     nobody can keep would else slow down the prompts of all others to a token a step.
//   - As many sequences are admitted as leave a quarter of the server's objective to
//     prompts: else a prompt would come at a token a step, and its client wait.
//
// Without an objective it gives Limits.Prompt and Limits.Sequences, and learns, for
// the request that brings one. The zero value is ready.
type Learned struct{ state learning }

const (
	// A gap is to be within the objective for 99 of 100 tokens. Of the rest, half is
	// the margin's.
	marginQuantile = 0.995
	// marginStep is by how much one step above the margin moves it; one below it
	// moves it by a 200th of that, so that it settles where one in 200 is above.
	marginStep  = 0.02
	marginFirst = 1.1
	marginMost  = 1.5
	// heldUp times what was foreseen is no matter of margins.
	heldUp = 2

	reachFirst  = 8 // prompt tokens
	reachGrowth = 2

	promptPart = 4 // of the server's objective is for prompts: a quarter

	leastTook = time.Microsecond // what is shorter is no step
	mostTook  = time.Hour
)

// learning is what a Learned remembers.
type learning struct {
	cost   cost
	margin float64 // 0: none yet
	reach  float64 // prompt tokens of the largest step, lately
}

// Observe implements Policy.
func (p *Learned) Observe(o Observation) { p.state = p.state.next(o) }

// next is what is remembered after a step, a function of its arguments.
func (s learning) next(o Observation) learning {
	if o.Took <= 0 || o.DecodeRows+o.PromptRows == 0 {
		return s
	}
	if s.margin == 0 {
		s.margin, s.reach = marginFirst, reachFirst
	}
	seconds := max(leastTook, min(o.Took, mostTook)).Seconds()
	x := newRows(o.DecodeRows, o.PromptRows)
	if o.PromptRows > 0 {
		s.reach = max(x[perPrompt], s.reach*(1-1.0/memory))
	}
	if s.cost.known() && o.DecodeRows > 0 && o.PromptRows > 0 {
		s.margin = nextMargin(s.margin, seconds/s.cost.of(x))
	}
	s.cost = s.cost.next(x, seconds)
	return s
}

// nextMargin is the margin after a step that took so much of what was foreseen.
func nextMargin(margin, took float64) float64 {
	switch {
	case took > heldUp:
		return margin
	case took > margin:
		margin += marginStep * marginQuantile
	default:
		margin -= marginStep * (1 - marginQuantile)
	}
	return max(1, min(margin, marginMost))
}

// Decide implements Policy.
func (p *Learned) Decide(d Demand) Decision {
	return Decision{PromptTokens: d.Limits.prompts(p.state.prompts(&d)), Sequences: d.Limits.sequences(p.state.sequences(&d))}
}

// prompts is how many prompt tokens there is time for.
func (s *learning) prompts(d *Demand) int {
	if d.Objectives.TPOT <= 0 {
		return d.Limits.Prompt
	}
	most := reachGrowth * s.reach
	if s.reach == 0 {
		most = reachGrowth * reachFirst
	}
	if !s.cost.known() {
		return int(min(most, float64(d.Limits.Prompt)))
	}
	prompts := s.fit(d.Objectives.TPOT, d.DecodeRows)
	if server := d.Objectives.Server; server <= 0 || d.Objectives.TPOT < server {
		prompts = max(prompts, s.floor(d))
	}
	return int(max(0, min(prompts, most)))
}

// fit is how many prompt tokens end within a time beside so many rows.
func (s *learning) fit(within time.Duration, decodes int) float64 {
	return (within.Seconds()/s.margin - s.cost.of(newRows(decodes, 0))) / s.cost.each[perPrompt]
}

// floor is how many no client takes away. Part of a token is one: where a step has room
// for one and a half, one would be less than what is promised.
func (s *learning) floor(d *Demand) float64 {
	share := max(0, min(d.Objectives.PromptShare, MostPromptShare))
	floor := math.Ceil(s.cost.of(newRows(d.DecodeRows, 0)) * share / (1 - share) / s.cost.each[perPrompt])
	if server := d.Objectives.Server; server > 0 {
		floor = min(floor, s.fit(server, d.DecodeRows))
	}
	return floor
}

// Foresee implements Foreseer.
func (p *Learned) Foresee(decodes, prompts int) time.Duration {
	if !p.state.cost.known() {
		return 0
	}
	return time.Duration(min(p.state.cost.of(newRows(decodes, prompts)), mostTook.Seconds()) * float64(time.Second))
}

// sequences is for how many there is time.
func (s *learning) sequences(d *Demand) int {
	if d.Objectives.Server <= 0 || !s.cost.known() {
		return d.Limits.Sequences
	}
	forDecodes := d.Objectives.Server.Seconds() / s.margin * (promptPart - 1) / promptPart
	left := forDecodes - s.cost.each[perStep]
	return int(max(0, min(left/s.cost.each[perDecode], float64(d.Limits.Sequences))))
}
