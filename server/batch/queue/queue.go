package queue

import (
	"iter"
	"slices"

	"github.com/weirgo/weir/server/ask"
)

const (
	// firstMean is how long an answer is taken to be before one is known.
	firstMean = 64
	// memory is how many answers count for the mean.
	memory = 16
)

// Queue is what waits, and the accounts of what runs. The zero value is none: see New.
type Queue[V any] struct {
	tiers   [ask.Tiers]tier[V]
	waiting int
	mean    float64 // tokens of an answer, of whoever
}

// New makes an empty queue.
func New[V any]() *Queue[V] { return &Queue[V]{mean: firstMean} }

// Len is how many tickets wait.
func (q *Queue[V]) Len() int { return q.waiting }

// Push has a new ticket wait, in its flow before those that are due later.
func (q *Queue[V]) Push(t *Ticket[V]) {
	if t.state != stateNew {
		panic("queue: push a ticket twice")
	}
	tier := &q.tiers[at(t.Source.Tier)]
	t.key = tier.keys.get(t.Source.Key, t.Source.Weight)
	t.flow = t.key.flows.get(t.Source.Flow, 1)
	before := t.flow.last
	for before != nil && before.Due > t.Due {
		before = before.prev
	}
	t.link(before)
	q.waits(t, 1)
}

// Return has a running ticket wait again, as the first of its flow.
func (q *Queue[V]) Return(t *Ticket[V]) {
	q.stops(t)
	t.link(nil)
	q.waits(t, 1)
}

// link puts a ticket behind another of its flow, nil: as the first.
func (t *Ticket[V]) link(behind *Ticket[V]) {
	t.prev = behind
	if behind != nil {
		t.next, behind.next = behind.next, t
	} else {
		t.next, t.flow.first = t.flow.first, t
	}
	if t.next != nil {
		t.next.prev = t
	} else {
		t.flow.last = t
	}
}

// waits counts a ticket that waits, or does so no more.
func (q *Queue[V]) waits(t *Ticket[V], n int) {
	t.state = stateWaiting
	q.waiting += n
	tier := &q.tiers[at(t.Source.Tier)]
	tier.waiting += n
	tier.ahead += n * t.Ahead
	t.key.waiting += n
	t.flow.waiting += n
}

// unlink takes a waiting ticket out of its flow.
func (q *Queue[V]) unlink(t *Ticket[V]) {
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		t.flow.first = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	} else {
		t.flow.last = t.prev
	}
	t.prev, t.next = nil, nil
	q.waits(t, -1)
}

// Take has a waiting ticket run, of whose tokens found need not be computed.
func (q *Queue[V]) Take(t *Ticket[V], found int) {
	if t.state != stateWaiting {
		panic("queue: take a ticket that does not wait")
	}
	t.computed = max(t.computed, found)
	t.paid = t.estimate(q.meanOf(t.key))
	tier := &q.tiers[at(t.Source.Tier)]
	tier.keys.serve(t.key, t.paid) // while it still counts as waiting
	t.key.flows.serve(t.flow, t.paid)
	q.unlink(t)
	t.state = stateRunning
	tier.paid += t.paid
	tier.running++
	t.key.running++
	t.flow.running++
}

// Computed says how many tokens of a running ticket's prompt and answer are
// computed by now.
func (q *Queue[V]) Computed(t *Ticket[V], tokens int) {
	more := tokens - t.computed
	if t.state != stateRunning || more <= 0 {
		return
	}
	t.computed = tokens
	which := at(t.Source.Tier)
	covered := min(more, t.paid)
	t.paid -= covered
	q.tiers[which].paid -= covered
	t.key.credit -= float64(more - covered)
	t.flow.credit -= float64(more - covered)
	q.account(which, more)
}

// Leave ends a ticket, waiting or running; one that has left already is left alone.
func (q *Queue[V]) Leave(t *Ticket[V]) {
	switch t.state {
	case stateWaiting:
		q.unlink(t)
	case stateRunning:
		q.learn(t)
		q.stops(t)
	default:
		return
	}
	t.state = stateGone
	tier := &q.tiers[at(t.Source.Tier)]
	t.key.flows.left(t.flow)
	tier.keys.left(t.key)
	if tier.waiting+tier.running == 0 {
		tier.owed = min(tier.owed, 0) // who has no work is owed nothing
	}
}

// stops gives back what a running ticket has paid for nothing.
func (q *Queue[V]) stops(t *Ticket[V]) {
	if t.state != stateRunning {
		panic("queue: stop a ticket that does not run")
	}
	tier := &q.tiers[at(t.Source.Tier)]
	tier.paid -= t.paid
	tier.running--
	for _, a := range []*account[V]{t.key, t.flow} {
		a.credit += float64(t.paid)
		a.running--
	}
	t.paid = 0
}

// learn remembers how long an answer was.
func (q *Queue[V]) learn(t *Ticket[V]) {
	tokens := float64(t.answered())
	q.mean += (tokens - q.mean) / memory
	if t.key.mean == 0 {
		t.key.mean = max(1, tokens)
	} else {
		t.key.mean = max(1, t.key.mean+(tokens-t.key.mean)/memory)
	}
}

func (q *Queue[V]) meanOf(key *account[V]) float64 {
	if key.mean == 0 {
		return q.mean
	}
	return key.mean
}

// All gives the waiting tickets, flow by flow. The one that was given may leave.
func (q *Queue[V]) All() iter.Seq[*Ticket[V]] {
	return func(yield func(*Ticket[V]) bool) {
		if q.waiting == 0 {
			return
		}
		for i := range q.tiers {
			if !q.tiers[i].keys.all(yield) {
				return
			}
		}
	}
}

// all gives the tickets of all keys. Accounts may go meanwhile with their last.
func (r *ring[V]) all(yield func(*Ticket[V]) bool) bool {
	for _, key := range slices.Clone(r.accounts) {
		for _, flow := range slices.Clone(key.flows.accounts) {
			for t := flow.first; t != nil; {
				next := t.next
				if !yield(t) {
					return false
				}
				t = next
			}
		}
	}
	return true
}

// InOrder gives the waiting tickets in the order in which they are to be served. When
// one has been taken, the order is another.
func (q *Queue[V]) InOrder() iter.Seq[*Ticket[V]] {
	return func(yield func(*Ticket[V]) bool) {
		order, n := q.inOrder()
		for _, i := range order[:n] {
			for key := range q.tiers[i].keys.inOrder {
				for flow := range key.flows.inOrder {
					for t := flow.first; t != nil; t = t.next {
						if !yield(t) {
							return
						}
					}
				}
			}
		}
	}
}
