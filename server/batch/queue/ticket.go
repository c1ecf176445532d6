package queue

import "github.com/weirgo/weir/server/ask"

// Source is whose request it is.
type Source struct {
	Tier   ask.Tier
	Key    string // the name of the client's key, "" for none
	Weight int    // of the key among those of its tier; what is less than 1 is 1
	Flow   string // of the key's flows, "" for the one without a name
}

// Ticket is a request in a queue. Who makes it fills the exported fields and leaves
// them alone from then on, but for Ahead.
//
//	new      → waiting  Push
//	waiting  → running  Take
//	running  → waiting  Return
//	waiting  → gone     Leave
//	running  → gone     Leave
type Ticket[V any] struct {
	Value  V
	Source Source
	Prompt int   // tokens
	Answer int   // tokens at most
	Due    int64 // when it is to begin, since any moment that is always the same
	// Ahead is the tokens that are to be computed until its next one. Who makes it may
	// set it anew while it does not wait.
	Ahead int

	state      state
	key, flow  *account[V]
	prev, next *Ticket[V] // of its flow, while it waits
	computed   int        // of its tokens, those that were computed or found
	paid       int        // charged beyond that
}

type state uint8

const (
	stateNew state = iota
	stateWaiting
	stateRunning
	stateGone
)

// Waiting reports whether the ticket waits.
func (t *Ticket[V]) Waiting() bool { return t.state == stateWaiting }

// OneOfSeveral reports whether a running ticket is not the only one of its key.
func (t *Ticket[V]) OneOfSeveral() bool { return t.key.running > 1 }

// Unserved reports whether nothing of a ticket's key runs, or nothing of its flow.
func (t *Ticket[V]) Unserved() bool { return t.key.running == 0 || t.flow.running == 0 }

// YieldsTo reports whether a running ticket is one of several of its key, or flow, and
// another of the same tier waits of whose key, or flow, none runs.
func (t *Ticket[V]) YieldsTo(other *Ticket[V]) bool {
	switch {
	case t.Source.Tier != other.Source.Tier:
		return false
	case t.key != other.key:
		return other.key.running == 0 && t.key.running > 1
	}
	return t.flow != other.flow && other.flow.running == 0 && t.flow.running > 1
}

// answered is how many tokens of the answer are computed.
func (t *Ticket[V]) answered() int { return max(0, t.computed-t.Prompt) }

// estimate is how many tokens are yet to be computed, about, where answers of this
// key have mean tokens. One that is longer than the mean goes on for a quarter of it.
func (t *Ticket[V]) estimate(mean float64) int {
	left := max(int(mean)-t.answered(), int(mean/4), 1)
	return max(0, t.Prompt-t.computed) + min(left, max(0, t.Answer-t.answered()))
}
