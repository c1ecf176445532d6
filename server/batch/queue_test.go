package batch

import (
	"runtime"
	"sync"
	"testing"
)

func TestQueueBounds(t *testing.T) {
	for _, capacity := range []int{1, 2, 3, 8} {
		q := newQueue(capacity)
		size := len(q.slots)
		if size < capacity {
			t.Fatalf("%d slots for %d", size, capacity)
		}
		for round := range 5 { // rounds wrap at every offset
			var in []*Generation
			for range size {
				g := new(Generation)
				if in = append(in, g); !q.push(g) {
					t.Fatalf("capacity %d round %d: refused number %d", capacity, round, len(in))
				}
			}
			if q.push(new(Generation)) {
				t.Fatalf("capacity %d: took more than %d", capacity, size)
			}
			for i, want := range in {
				if q.empty() || q.pop() != want {
					t.Fatalf("capacity %d round %d: out of order at %d", capacity, round, i)
				}
			}
			if !q.empty() || q.pop() != nil {
				t.Fatalf("capacity %d: not empty", capacity)
			}
		}
	}
}

// TestQueueProducers checks that each producer's generations come out once and
// in its order.
func TestQueueProducers(t *testing.T) {
	const producers, each = 4, 5000
	q := newQueue(16)
	var group sync.WaitGroup
	for p := range producers {
		group.Go(func() {
			for i := range each {
				g := &Generation{topN: p*each + i}
				for !q.push(g) {
					runtime.Gosched()
				}
			}
		})
	}
	var next [producers]int
	for got := 0; got < producers*each; {
		g := q.pop()
		if g == nil {
			runtime.Gosched()
			continue
		}
		p, i := g.topN/each, g.topN%each
		if i != next[p] {
			t.Fatalf("producer %d: got %d, want %d", p, i, next[p])
		}
		next[p]++
		got++
	}
	group.Wait()
	if !q.empty() {
		t.Error("not empty")
	}
}

// TestQueueAllocates checks that a round trip through the ring is free.
func TestQueueAllocates(t *testing.T) {
	q, g := newQueue(8), new(Generation)
	if n := testing.AllocsPerRun(100, func() { q.push(g); q.pop() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
