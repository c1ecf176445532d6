package mailbox

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestQueueBounds(t *testing.T) {
	for _, capacity := range []int{1, 2, 3, 8} {
		q := NewQueue[int](capacity)
		size := q.Cap()
		if size < capacity {
			t.Fatalf("%d slots for %d", size, capacity)
		}
		for round := range 5 { // rounds wrap at every offset
			for i := range size {
				if !q.Push(i) {
					t.Fatalf("capacity %d round %d: refused number %d", capacity, round, i)
				}
			}
			if q.Push(-1) {
				t.Fatalf("capacity %d: took more than %d", capacity, size)
			}
			for want := range size {
				if got, ok := q.Pop(); !ok || got != want {
					t.Fatalf("capacity %d round %d: got %d, %v at %d", capacity, round, got, ok, want)
				}
			}
			if _, ok := q.Pop(); ok || !q.Empty() {
				t.Fatalf("capacity %d: not empty", capacity)
			}
		}
	}
}

// TestQueueProducers checks that each producer's values come out once and in
// its order.
func TestQueueProducers(t *testing.T) {
	const producers, each = 4, 5000
	q := NewQueue[int](16)
	var group sync.WaitGroup
	for p := range producers {
		group.Go(func() {
			for i := range each {
				for !q.Push(p*each + i) {
					runtime.Gosched()
				}
			}
		})
	}
	var next [producers]int
	for got := 0; got < producers*each; {
		v, ok := q.Pop()
		if !ok {
			runtime.Gosched()
			continue
		}
		p, i := v/each, v%each
		if i != next[p] {
			t.Fatalf("producer %d: got %d, want %d", p, i, next[p])
		}
		next[p]++
		got++
	}
	group.Wait()
	if !q.Empty() {
		t.Error("not empty")
	}
}

// TestQueueKeepsNothing checks that what was taken is not held.
func TestQueueKeepsNothing(t *testing.T) {
	q := NewQueue[*int](2)
	q.Push(new(int))
	q.Pop()
	if q.slots[0].value != nil {
		t.Error("the slot still points at what was taken")
	}
}

func TestAllocations(t *testing.T) {
	q, f := NewQueue[int](8), NewFeed()
	var e Entry
	e.Init(f, t)
	dst := make([]*Entry, 0, 1)
	if n := testing.AllocsPerRun(100, func() { q.Push(1); q.Pop() }); n != 0 {
		t.Errorf("queue: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { e.Post(); f.Wake(); f.Wait(); f.Take(dst) }); n != 0 {
		t.Errorf("feed: %v allocations", n)
	}
}

// TestCellHandshake races a sleeper that stops or waits against
// wakers: a lost wake-up deadlocks, a stray one shows as a full token.
func TestCellHandshake(t *testing.T) {
	const rounds = 20_000
	c := NewCell()
	var work, done atomic.Int64
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for range rounds {
				work.Add(1)
				c.Wake()
			}
		})
	}
	for done.Load() < 2*rounds {
		if n := work.Swap(0); n > 0 {
			done.Add(n)
			continue
		}
		c.Prepare()
		switch {
		case work.Load() > 0:
			c.Stop()
		default:
			c.Wait()
		}
	}
	group.Wait()
	if c.Asleep() || len(c.token) != 0 {
		t.Errorf("asleep %v, %d wake-ups left", c.Asleep(), len(c.token))
	}
}

// TestFeedNamesOnce checks order, and that posts before a Take count once.
func TestFeedNamesOnce(t *testing.T) {
	f := NewFeed()
	entries := make([]Entry, 3)
	for i := range entries {
		entries[i].Init(f, i)
	}
	for _, i := range []int{2, 0, 2, 1, 0} {
		entries[i].Post()
	}
	for round := range 2 {
		var got []int
		for _, e := range f.Take(nil) {
			got = append(got, e.Owner().(int))
		}
		if len(got) != 3 || got[0] != 2 || got[1] != 0 || got[2] != 1 {
			t.Fatalf("round %d: %v", round, got)
		}
		for _, i := range []int{2, 0, 1} {
			entries[i].Post()
		}
	}
}

// TestFeedLosesNothing has producers count up things of their own and post
// them; the reader must see every last count.
func TestFeedLosesNothing(t *testing.T) {
	const things, each = 8, 4000
	type thing struct {
		Entry
		count atomic.Int64
	}
	f := NewFeed()
	all := make([]thing, things)
	for i := range all {
		all[i].Init(f, &all[i])
		go func() {
			for range each {
				all[i].count.Add(1)
				all[i].Post()
				f.Wake()
			}
		}()
	}
	seen := map[*thing]int64{}
	for finished := 0; finished < things; {
		f.Wait()
		for _, e := range f.Take(nil) {
			at := e.Owner().(*thing)
			before := seen[at]
			if seen[at] = at.count.Load(); seen[at] == each && before < each {
				finished++
			}
		}
	}
}
