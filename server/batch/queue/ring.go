package queue

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

const (
	// quantum is the tokens that a round gives to the account of the largest weight,
	// and others in proportion: less than a request takes, so that requests of
	// different accounts alternate.
	quantum = 64
	// MaxDebtors is how many accounts of a ring are remembered for their debt alone.
	MaxDebtors = 4096
)

// account is a key, or a flow of one: what it may take, and what it has.
type account[V any] struct {
	name   string
	weight int
	// credit is tokens. Above 0 it is served before others get another round; below,
	// it owes.
	credit           float64
	waiting, running int     // tickets
	mean             float64 // tokens of an answer, 0 if nothing is known; a key's
	flows            ring[V] // a key's
	first, last      *Ticket[V]

	// Of one that has no tickets and owes.
	paidAt float64 // what ring.given is when it owes nothing any more
	place  int     // in ring.debtors
}

// idle reports whether an account has no tickets.
func (a *account[V]) idle() bool { return a.waiting == 0 && a.running == 0 }

// rounds is how many rounds it takes until it is served, where one gives each unit of
// weight so many tokens.
func (a *account[V]) rounds(unit float64) float64 {
	if a.credit > 0 {
		return 0
	}
	return 1 + math.Floor(-a.credit/(unit*float64(a.weight)))
}

// ring is the accounts that are served in turns. Those that have no tickets are debtors,
// or, if they owe nothing, forgotten. What is done for each ticket goes through those
// that have some, and takes no more steps than the logarithm of how many debtors there are.
type ring[V any] struct {
	accounts []*account[V] // that have tickets, or are to get one
	byName   map[string]*account[V]
	turn     int     // which was served last
	given    float64 // tokens for each unit of weight, by all rounds so far
	debtors  debtors[V]
	order    []*account[V]
}

// debtors are a heap: who will have paid first is the first.
type debtors[V any] []*account[V]

func (d debtors[V]) Len() int           { return len(d) }
func (d debtors[V]) Less(i, j int) bool { return d[i].paidAt < d[j].paidAt }

func (d debtors[V]) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

func (d *debtors[V]) Push(x any) {
	a := x.(*account[V])
	a.place = len(*d)
	*d = append(*d, a)
}

func (d *debtors[V]) Pop() any {
	last := len(*d) - 1
	a := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	return a
}

// get is the account of a name, a new one if there is none.
func (r *ring[V]) get(name string, weight int) *account[V] {
	a := r.byName[name]
	switch {
	case a == nil:
		if r.byName == nil {
			r.byName = make(map[string]*account[V])
		}
		a = &account[V]{name: name}
		r.byName[name] = a
		r.accounts = append(r.accounts, a)
	case a.idle():
		heap.Remove(&r.debtors, a.place)
		a.credit = min(0, (r.given-a.paidAt)*float64(a.weight))
		r.accounts = append(r.accounts, a)
	}
	a.weight = max(1, weight)
	return a
}

// left notes that an account may have nothing any more.
func (r *ring[V]) left(a *account[V]) {
	if !a.idle() {
		return
	}
	i := slices.Index(r.accounts, a)
	r.accounts = slices.Delete(r.accounts, i, i+1)
	if i < r.turn || r.turn == len(r.accounts) {
		r.turn = max(0, r.turn-1)
	}
	switch {
	case len(r.accounts) == 0: // nobody whom they owe it
		delete(r.byName, a.name)
		for _, d := range r.debtors {
			delete(r.byName, d.name)
		}
		r.debtors = nil
	case a.credit >= 0:
		delete(r.byName, a.name)
	default:
		a.paidAt = r.given - a.credit/float64(a.weight)
		heap.Push(&r.debtors, a)
		r.forget(MaxDebtors)
	}
}

// forget drops debtors that have paid, and of those above a number the ones that will
// have paid first.
func (r *ring[V]) forget(above int) {
	for len(r.debtors) > 0 && (r.debtors[0].paidAt <= r.given || len(r.debtors) > above) {
		delete(r.byName, heap.Pop(&r.debtors).(*account[V]).name)
	}
}

// unit is what a round gives to each unit of weight.
func (r *ring[V]) unit() float64 {
	most := 1
	for _, a := range r.accounts {
		most = max(most, a.weight)
	}
	return quantum / float64(most)
}

// inOrder gives the accounts with something waiting in the order in which they are
// served: those that need the fewest rounds, and of these the one whose turn it is. As
// a rule the first is all that is wanted: it is looked for, and the others are sorted
// when they are asked for. The memory is the ring's.
func (r *ring[V]) inOrder(yield func(*account[V]) bool) {
	order := r.order[:0]
	for i := range r.accounts {
		if a := r.accounts[(r.turn+i)%len(r.accounts)]; a.waiting > 0 {
			order = append(order, a)
		}
	}
	r.order = order
	if len(order) == 0 {
		return
	}
	unit := r.unit()
	sooner := func(a, b *account[V]) int { return cmp.Compare(a.rounds(unit), b.rounds(unit)) }
	first := slices.MinFunc(order, sooner)
	if !yield(first) {
		return
	}
	slices.SortStableFunc(order, sooner)
	for _, a := range order[1:] { // the first of several that are alike is the same by both
		if !yield(a) {
			return
		}
	}
}

// serve lets an account take tokens: all get the rounds that it needs. Who has
// nothing waiting gets no more than what it owes.
func (r *ring[V]) serve(a *account[V], tokens int) {
	unit := r.unit()
	if n := a.rounds(unit); n > 0 {
		for _, other := range r.accounts {
			credit := other.credit + n*unit*float64(other.weight)
			if other.waiting == 0 && other != a {
				credit = max(other.credit, min(credit, 0))
			}
			other.credit = credit
		}
		r.given += n * unit
		r.forget(MaxDebtors)
	}
	a.credit -= float64(tokens)
	r.turn = slices.Index(r.accounts, a)
}
