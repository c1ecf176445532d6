package pace

import "time"

// A Policy decides what a step may hold. What it decides follows from what it has
// been shown. It belongs to one goroutine, and does not allocate.
type Policy interface {
	// Observe shows it a step that was computed: each once, in order.
	Observe(Observation)
	// Decide says what the next step may hold. To ask changes nothing.
	Decide(Demand) Decision
}

// A Foreseer is a Policy that knows what steps take.
type Foreseer interface {
	// Foresee is how long a step with so many rows takes, 0 if it is not known yet.
	Foresee(decodes, prompts int) time.Duration
}

// An Observation is a step that was computed.
type Observation struct {
	// At is when it ended, since some moment that is always the same; monotonic.
	At time.Duration
	// Took is how long all of it took, but for what a draft model read: between two steps
	// without a pause, what passes from one token of a stream to the next.
	Took       time.Duration
	DecodeRows int // sequences that got their next token
	PromptRows int // tokens of prompts
	DraftRows  int // tokens that were guessed, see package draft
	// DecodeContext and PromptContext are how many tokens the rows of each kind attend
	// to, together.
	DecodeContext, PromptContext int

	Active  int // sequences that were admitted
	Waiting int // requests that were not
}

// Objectives are what streams are to get. 0 is none.
type Objectives struct {
	// TPOT is the longest time between two tokens, the shortest that anybody who
	// decodes asks for. It bounds the prompt tokens of a step.
	TPOT time.Duration
	// Server is the server's own. It also bounds how many sequences there are: what
	// one client asks for its stream does not keep others out.
	Server time.Duration
	// PromptShare is the part of a step's time that prompts may take, as foreseen,
	// where only a client's objective leaves them less; from 0 to MostPromptShare.
	// Server is not held to it.
	PromptShare float64
}

// MostPromptShare bounds Objectives.PromptShare: a step then takes ten times as long as
// without prompts.
const MostPromptShare = 0.9

// Limits bound what is decided, whatever was observed.
type Limits struct {
	// LeastPrompt and MostPrompt are prompt tokens of a step, 1 at least.
	LeastPrompt, MostPrompt int
	// Prompt is how many there are without an objective, at most.
	Prompt int
	// Sequences is how many there are at most.
	Sequences int
}

// A Demand is the next step, as far as it is known.
type Demand struct {
	DecodeRows    int // sequences that get their next token in it
	DecodeContext int // tokens that these attend to, together
	PromptContext int // tokens before the next one of the prompt that is furthest on
	Objectives    Objectives
	Limits        Limits
}

// A Decision is what the next step may hold, within the limits.
type Decision struct {
	// PromptTokens is how many it takes at most while somebody decodes, 1 at least.
	PromptTokens int
	// Sequences is how many are admitted together at most, 1 at least. Who has been
	// admitted stays.
	Sequences int
}

// prompts gives n within the limits.
func (l *Limits) prompts(n int) int { return max(1, l.LeastPrompt, min(n, l.MostPrompt)) }

// sequences gives n within the limits.
func (l *Limits) sequences(n int) int { return max(1, min(n, l.Sequences)) }
