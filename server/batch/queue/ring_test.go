package queue

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// inDebt has a key compute more than was guessed, and leave.
func inDebt(q *Queue[int], key string, weight, tokens int) {
	t := &Ticket[int]{Source: Source{Key: key, Weight: weight}, Prompt: 1, Answer: tokens}
	q.Push(t)
	q.Take(t, 0)
	q.Computed(t, tokens)
	q.Leave(t)
}

// busy is a key that always has something: others owe it.
func busy(q *Queue[int]) {
	for range 2 {
		q.Push(&Ticket[int]{Source: Source{Key: "busy"}, Prompt: 100, Answer: 100})
	}
	for t := range q.InOrder() {
		q.Take(t, 0)
		break
	}
}

// keysOf are those of the standard tier.
func keysOf(q *Queue[int]) *ring[int] { return &q.tiers[at(ask.TierStandard)].keys }

// checkDebtors compares what a ring keeps of debtors with what it counts.
func checkDebtors(t *testing.T, r *ring[int]) {
	t.Helper()
	if len(r.byName) != len(r.accounts)+len(r.debtors) {
		t.Fatalf("%d names, of %d accounts and %d debtors", len(r.byName), len(r.accounts), len(r.debtors))
	}
	for i, d := range r.debtors {
		if !d.idle() || d.place != i || r.byName[d.name] != d || i > 0 && r.debtors[(i-1)/2].paidAt > d.paidAt {
			t.Fatalf("debtor %d of %d: %+v", i, len(r.debtors), d)
		}
	}
}

// Ten thousand keys that have nothing are in no loop of those that have: what is gone
// through for a ticket are the accounts with tickets, whose number does not grow.
func TestIdleKeysAreNotGoneThrough(t *testing.T) {
	q := New[int]()
	busy(q)
	r := keysOf(q)
	for i := range 10_000 {
		inDebt(q, fmt.Sprint("key ", i), 1, 1<<30+i*7919%1000)
		if len(r.accounts) != 1 || cap(r.order) > 4 {
			t.Fatalf("after %d keys %d are gone through, %d ordered", i+1, len(r.accounts), cap(r.order))
		}
		if i%100 == 0 {
			checkDebtors(t, r)
		}
	}
	if len(r.debtors) != MaxDebtors {
		t.Errorf("%d debtors are remembered, want %d", len(r.debtors), MaxDebtors)
	}
	checkDebtors(t, r)
}

// A debt is paid by the rounds that others are given, by weight, and is then forgotten.
func TestDebtsArePaid(t *testing.T) {
	for _, weight := range []int{1, 3} {
		q := New[int]()
		busy(q)
		r := keysOf(q)
		inDebt(q, "a", weight, 1000)
		a := r.byName["a"]
		owed, since := a.credit, r.given
		inDebt(q, "b", weight, 5000)
		b, begun := r.byName["b"], r.given
		if owed >= 0 || r.debtors[0] != a || len(r.debtors) != 2 {
			t.Fatalf("a owes %v, the first of %d is %s", -owed, len(r.debtors), r.debtors[0].name)
		}
		round := func() {
			c := &Ticket[int]{Source: Source{Key: "busy"}, Prompt: 64, Answer: 1}
			q.Push(c)
			q.Take(c, 0)
			q.Computed(c, 64)
			q.Leave(c)
		}
		for r.given == begun {
			round()
		}
		again := &Ticket[int]{Source: Source{Key: "a", Weight: weight}}
		q.Push(again)
		if want := owed + (r.given-since)*float64(weight); again.key != a || math.Abs(a.credit-want) > 1e-6 || slices.Contains(r.debtors, a) {
			t.Errorf("weight %d: credit %v, want %v", weight, a.credit, want)
		}
		q.Leave(again)
		for r.byName["a"] != nil {
			round()
			checkDebtors(t, r)
		}
		if a.paidAt > r.given || r.byName["b"] != b {
			t.Errorf("weight %d: forgotten at %v, paid at %v; b: %v", weight, r.given, a.paidAt, r.byName["b"])
		}
		for q.Len() > 0 {
			for ticket := range q.All() {
				q.Leave(ticket)
			}
		}
	}
}

// Whoever needs the fewest rounds comes first, and of several whose turn it is.
func TestOrderOfAccounts(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		var r ring[int]
		for i := range random.IntN(12) {
			a := r.get(fmt.Sprint(i), 1+random.IntN(3))
			a.credit, a.waiting, a.running = float64(random.IntN(7)*64-320), random.IntN(3), 1
		}
		r.turn = random.IntN(max(1, len(r.accounts)))
		var want []*account[int]
		for rounds := range 100 {
			for i := range r.accounts {
				if a := r.accounts[(r.turn+i)%len(r.accounts)]; a.waiting > 0 && a.rounds(r.unit()) == float64(rounds) {
					want = append(want, a)
				}
			}
		}
		if got := slices.Collect(r.inOrder); !slices.Equal(got, want) {
			t.Fatalf("%d accounts, the turn is %d's: %v, want %v", len(r.accounts), r.turn, got, want)
		}
	}
}

// BenchmarkWaitingKeys is the same where each of many keys has somebody waiting.
func BenchmarkWaitingKeys(b *testing.B) {
	for _, keys := range []int{10, 250, 10_000} {
		b.Run(fmt.Sprint("keys=", keys), func(b *testing.B) {
			q := New[int]()
			for i := range keys {
				q.Push(&Ticket[int]{Source: Source{Key: fmt.Sprint(i)}, Prompt: 10, Answer: 10})
			}
			for b.Loop() {
				for first := range q.InOrder() {
					q.Take(first, 0)
					q.Return(first)
					break
				}
			}
		})
	}
}

// BenchmarkAdmission is a ticket's way through a queue beside keys that have nothing.
func BenchmarkAdmission(b *testing.B) {
	for _, idle := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprint("idle=", idle), func(b *testing.B) {
			q := New[int]()
			busy(q)
			for i := range idle {
				inDebt(q, fmt.Sprint("key ", i), 1, 1<<30)
			}
			for b.Loop() {
				t := &Ticket[int]{Source: Source{Key: "busy"}, Prompt: 10, Answer: 10}
				q.Push(t)
				for first := range q.InOrder() {
					q.Take(first, 0)
					q.Leave(first)
					break
				}
			}
			b.ReportMetric(float64(len(keysOf(q).accounts)), "accounts/op")
		})
	}
}
