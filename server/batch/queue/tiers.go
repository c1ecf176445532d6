package queue

import "github.com/weirgo/weir/server/ask"

const (
	// Part is which part of the tokens a tier with work keeps, at least, while
	// higher ones have some: a 16th.
	Part = 16
	// mostOwed and mostAhead bound what a tier is short of, and has had too much,
	// in tokens: what was long ago does not count.
	mostOwed  = 4096
	mostAhead = 64
	// slice is the tokens that a tier is short of when it comes before higher ones:
	// what it then has is worth the change.
	slice = 64
)

// tier is the requests of one tier.
type tier[V any] struct {
	keys             ring[V]
	waiting, running int
	ahead            int // Ticket.Ahead of those that wait
	paid             int // by the running ones, for what is not computed yet
	// owed is what it is short of in tokens, times Part; negative for what it has
	// had beyond its part.
	owed int
}

// at is a tier's place in Queue.tiers.
func at(t ask.Tier) int {
	return min(max(t, ask.TierBackground), ask.TierPriority).Index()
}

// account counts tokens that were computed for a tier: against its own part, and
// towards that of the others. The highest has none: it comes first as it is.
func (q *Queue[V]) account(which, tokens int) {
	for i := range q.tiers[:ask.Tiers-1] {
		switch t := &q.tiers[i]; {
		case i == which:
			t.owed = max(t.owed-(Part-1)*tokens, -mostAhead*Part)
		case t.waiting+t.running > 0:
			t.owed = min(t.owed+tokens, mostOwed*Part)
		}
	}
}

// Owed reports whether a tier has had less than its part.
func (q *Queue[V]) Owed(t ask.Tier) bool { return q.tiers[at(t)].owed > 0 }

// Owes is how many tokens a tier is short of.
func (q *Queue[V]) Owes(t ask.Tier) int { return max(0, q.tiers[at(t)].owed/Part) }

// Covers reports whether what is owed to a tier is about what its running requests
// are charged for: they run on its part.
func (q *Queue[V]) Covers(t ask.Tier) bool {
	tier := &q.tiers[at(t)]
	return tier.owed > 0 && tier.owed >= (tier.paid-2*slice)*Part
}

// WaitsAbove reports whether somebody of a higher tier waits.
func (q *Queue[V]) WaitsAbove(t ask.Tier) bool {
	for i := at(t) + 1; i < ask.Tiers; i++ {
		if q.tiers[i].waiting > 0 {
			return true
		}
	}
	return false
}

// Highest is the highest tier of which somebody waits; somebody does.
func (q *Queue[V]) Highest() ask.Tier {
	tier := ask.TierPriority
	for tier > ask.TierBackground && q.tiers[at(tier)].waiting == 0 {
		tier--
	}
	return tier
}

// Ahead is the sum of Ticket.Ahead of those of a tier that wait.
func (q *Queue[V]) Ahead(t ask.Tier) int { return q.tiers[at(t)].ahead }

// first reports whether a tier comes before higher ones: a slice more is owed to it
// than those that run are charged for.
func (t *tier[V]) first() bool { return t.owed >= (t.paid+slice)*Part }

// inOrder gives the tiers with something waiting in the order in which they are
// served.
func (q *Queue[V]) inOrder() (order [ask.Tiers]int, n int) {
	for _, owed := range []bool{true, false} {
		for i := ask.Tiers - 1; i >= 0; i-- {
			if t := &q.tiers[i]; t.waiting > 0 && t.first() == owed {
				order[n] = i
				n++
			}
		}
	}
	return order, n
}
