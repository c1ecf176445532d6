package queue

import (
	"cmp"
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

// ring is the accounts that are served in turns. Those that have nothing and owe
// nothing are not in it.
type ring[V any] struct {
	accounts []*account[V]
	byName   map[string]*account[V]
	turn     int // which was served last
	debtors  int // of the accounts, those that are idle
	order    []*account[V]
}

// get is the account of a name, a new one if there is none.
func (r *ring[V]) get(name string, weight int) *account[V] {
	a := r.byName[name]
	if a == nil {
		if r.byName == nil {
			r.byName = make(map[string]*account[V])
		}
		a = &account[V]{name: name}
		r.byName[name] = a
		r.accounts = append(r.accounts, a)
	} else if a.idle() {
		r.debtors--
	}
	a.weight = max(1, weight)
	return a
}

// left notes that an account may have nothing any more, and forgets who owes nothing.
func (r *ring[V]) left(a *account[V]) {
	if !a.idle() {
		return
	}
	r.debtors++
	r.forget(func(a *account[V]) bool { return a.credit >= 0 })
	if r.debtors == len(r.accounts) || r.debtors > MaxDebtors {
		r.forget(func(*account[V]) bool { return true }) // nobody whom they owe it
	}
}

// forget drops idle accounts.
func (r *ring[V]) forget(which func(*account[V]) bool) {
	if r.debtors == 0 {
		return
	}
	kept, turn := r.accounts[:0], r.turn
	for i, a := range r.accounts {
		if a.idle() && which(a) {
			delete(r.byName, a.name)
			r.debtors--
			if i < r.turn {
				turn--
			}
			continue
		}
		kept = append(kept, a)
	}
	clear(r.accounts[len(kept):])
	r.accounts, r.turn = kept, max(0, min(turn, len(kept)-1))
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
// served: those that need the fewest rounds, and of these the one whose turn it is.
// The memory is the ring's.
func (r *ring[V]) inOrder() []*account[V] {
	r.order = r.order[:0]
	for i := range r.accounts {
		if a := r.accounts[(r.turn+i)%len(r.accounts)]; a.waiting > 0 {
			r.order = append(r.order, a)
		}
	}
	if len(r.order) > 1 {
		unit := r.unit()
		slices.SortStableFunc(r.order, func(a, b *account[V]) int { return cmp.Compare(a.rounds(unit), b.rounds(unit)) })
	}
	return r.order
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
		r.forget(func(a *account[V]) bool { return a.credit >= 0 })
	}
	a.credit -= float64(tokens)
	r.turn = slices.Index(r.accounts, a)
}
