package pace

import (
	"math"
	"time"
)

// Learned is the default policy. It learns what steps cost and gives prompts as many
// tokens as a step within the objective has room for:
//
//   - What a step takes is foreseen as so much for itself, for each row that decodes,
//     for each row of a prompt, for each token that rows of either kind attend to, and
//     for each row of a draft.
//   - Steps differ. The objective is divided by a margin, the quotient of what a step
//     took and what was foreseen that 99.8 % of the steps with prompts stay below. That
//     leaves most of the one percent to steps that something held up for long, which are
//     not steered against: fewer tokens would not have made them shorter.
//   - Where the last steps have taken longer than foreseen, by more than the margin is for,
//     their spread is the margin: the first prompt of all attends to more than any row before
//     it, and a machine that somebody else begins to use is slower for many steps.
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
	// A gap is to be within the objective for 99 of 100 tokens. Of the rest, a fifth is
	// the margin's: what others do on the machine takes more than half where it is shared.
	marginQuantile = 0.998
	// marginStep is by how much one step above the margin moves it; one below it
	// moves it by a 500th of that, so that it settles where one in 500 is above.
	marginStep  = 0.02
	marginFirst = 1.1
	marginMost  = 1.5
	// marginSpread times the spread of the last steps is room for 99.8 % of the next ones,
	// where they differ as what is normally distributed does.
	marginSpread = 3
	// heldUp times what was foreseen is no matter of margins.
	heldUp = 2

	lately = 50 // steps that an average is over

	reachFirst  = 8 // prompt tokens
	reachGrowth = 2

	promptPart = 4 // of the server's objective is for prompts: a quarter

	leastTook = time.Microsecond // what is shorter is no step
	mostTook  = time.Hour
)

// learning is what a Learned remembers.
type learning struct {
	cost   cost    // of rows as learning.rows makes them
	long   cost    // of rows and contexts, for what the one is to the other
	margin float64 // 0: none yet
	spread float64 // variance of what steps took lately, over what was foreseen, by those that took longer
	reach  float64 // prompt tokens of the largest step, lately

	// Tokens that a row of each kind attends to, on average, lately.
	decodeContext, promptContext float64
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
	decodes, prompts, drafts := float64(o.DecodeRows), float64(o.PromptRows), float64(o.DraftRows)
	decodeContext, promptContext := float64(o.DecodeContext), float64(o.PromptContext)
	if o.DecodeRows > 0 {
		s.decodeContext += (decodeContext/decodes - s.decodeContext) / lately
	}
	if o.PromptRows > 0 {
		s.promptContext += (promptContext/prompts - s.promptContext) / lately
		s.reach = max(prompts, s.reach*(1-1.0/lately))
	}
	s.long = s.long.next(rows{1, decodes, prompts, decodeContext, promptContext, drafts}, seconds, contextMemory)
	x := s.rows(decodes, prompts, decodeContext, promptContext)
	x[perDraft] = drafts
	if s.cost.known() && o.DecodeRows > 0 {
		off := seconds / s.cost.of(x)
		if o.PromptRows > 0 {
			s.margin = nextMargin(s.margin, off)
		}
		s.spread = nextSpread(s.spread, off)
	}
	s.cost = s.cost.next(x, seconds, memory)
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

// nextSpread is the spread after a step that took so much of what was foreseen. Half the
// steps take less: of how much, nothing follows for those that take more.
func nextSpread(spread, took float64) float64 {
	if took > heldUp {
		return spread
	}
	over := max(0, took-1)
	return spread + (2*over*over-spread)/lately
}

// room is what an objective is divided by: the margin, or the spread where it is more.
func (s *learning) room() float64 {
	return max(s.margin, min(1+marginSpread*math.Sqrt(s.spread), heldUp))
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
	prompts := s.fit(d.Objectives.TPOT, d)
	if server := d.Objectives.Server; server <= 0 || d.Objectives.TPOT < server {
		prompts = max(prompts, s.floor(d))
	}
	return int(max(0, min(prompts, most)))
}

// fit is how many prompt tokens end within a time beside the rows that decode.
func (s *learning) fit(within time.Duration, d *Demand) float64 {
	return s.tokens(within.Seconds()/s.room()-s.withoutPrompts(d), d.PromptContext)
}

// withoutPrompts is how many seconds a step takes that has none.
func (s *learning) withoutPrompts(d *Demand) float64 {
	return s.cost.of(s.rows(float64(d.DecodeRows), 0, float64(d.DecodeContext), 0))
}

// tokens is how many tokens of a prompt that has so many before are computed in a time.
// Each attends to one more than the one before it: n of them take n×first + n²×more/2.
func (s *learning) tokens(seconds float64, context int) float64 {
	if seconds <= 0 {
		return 0
	}
	more := s.cost.each[perPrompt] * s.long.context(perPrompt)
	first := s.cost.each[perPrompt] + more*float64(context)
	return 2 * seconds / (first + math.Sqrt(first*first+2*more*seconds))
}

// floor is how many no client takes away. Part of a token is one: where a step has room
// for one and a half, one would be less than what is promised.
func (s *learning) floor(d *Demand) float64 {
	share := max(0, min(d.Objectives.PromptShare, MostPromptShare))
	floor := math.Ceil(s.tokens(s.withoutPrompts(d)*share/(1-share), d.PromptContext))
	if server := d.Objectives.Server; server > 0 {
		floor = min(floor, s.fit(server, d))
	}
	return floor
}

// Foresee implements Foreseer.
func (p *Learned) Foresee(decodes, prompts int) time.Duration {
	if !p.state.cost.known() {
		return 0
	}
	return time.Duration(min(p.state.cost.of(p.state.usual(decodes, prompts)), mostTook.Seconds()) * float64(time.Second))
}

// rows makes a step's rows of so many of each kind, which attend to so many tokens
// together: these count as so many rows more as they cost.
func (s *learning) rows(decodes, prompts, decodeContext, promptContext float64) rows {
	return rows{1, decodes + decodeContext*s.long.context(perDecode), prompts + promptContext*s.long.context(perPrompt)}
}

// usual makes rows whose contexts are as they were lately.
func (s *learning) usual(decodes, prompts int) rows {
	d, p := float64(decodes), float64(prompts)
	return s.rows(d, p, d*s.decodeContext, p*s.promptContext)
}

// sequences is for how many there is time.
func (s *learning) sequences(d *Demand) int {
	if d.Objectives.Server <= 0 || !s.cost.known() {
		return d.Limits.Sequences
	}
	forDecodes := d.Objectives.Server.Seconds() / s.room() * (promptPart - 1) / promptPart
	left := forDecodes - s.cost.each[perStep]
	one := s.usual(1, 0)[perDecode] * s.cost.each[perDecode]
	return int(max(0, min(left/one, float64(d.Limits.Sequences))))
}
