package schedtrace

import (
	"cmp"
	"slices"
)

// historyLength is how many stretches are kept to tell what ran instead of a
// goroutine: with a switch each 10 µs on each of 32 Ps, 20 ms.
const historyLength = 1 << 16

// A stretch is what a P did for a while.
type stretch struct {
	proc     int
	use      Use
	holder   *goroutine // nil if it had none
	at       string
	from, to int64
}

// history is the last stretches that have ended, in a ring, in the order of their ends.
type history struct {
	most int // stretches
	ring []stretch
	next int   // is overwritten next, once there are most
	lost int64 // the end of the last one that has been overwritten
}

func (h *history) add(s stretch) {
	if len(h.ring) < h.most {
		h.ring = append(h.ring, s)
		return
	}
	h.lost = h.ring[h.next].to
	h.ring[h.next] = s
	h.next = (h.next + 1) % h.most
}

// occupancy is what a P did within a time, of one kind and goroutine.
type occupancy struct {
	proc   int
	use    Use
	holder *goroutine
	at     string
}

// A share is how long, and how often.
type share struct {
	occupancy
	ns    int64
	count int
}

// mostShares is how many are kept of each of the worst latencies.
const mostShares = 12

// ranFrom returns what all Ps did from then until now: the longest shares, and one
// without a P for the rest. known is since when that is complete.
func (m *machine) ranFrom(from int64) (list []share, rest share, known int64) {
	at := map[occupancy]*share{}
	add := func(s stretch) {
		key := occupancy{s.proc, s.use, s.holder, s.at}
		one := at[key]
		if one == nil {
			one = &share{occupancy: key}
			at[key] = one
		}
		one.ns += s.to - max(s.from, from)
		one.count++
	}
	h := &m.history
	for i := range h.ring {
		s := h.ring[(h.next+len(h.ring)-1-i)%len(h.ring)]
		if s.to <= from {
			break
		}
		add(s)
	}
	for _, p := range m.procs[:m.gomaxprocs] {
		if m.now > p.since && p.use != UseUnseen {
			add(stretch{p.id, p.use, p.holder, p.at(), p.since, m.now})
		}
	}
	for _, one := range at {
		list = append(list, *one)
	}
	slices.SortFunc(list, compareShares)
	if len(list) > mostShares {
		for _, one := range list[mostShares:] {
			rest.ns += one.ns
			rest.count += one.count
		}
		list = slices.Clone(list[:mostShares])
	}
	return list, rest, max(from, h.lost)
}

// compareShares puts the longest first, and has an order for all.
func compareShares(a, b share) int {
	id := func(g *goroutine) int64 {
		if g == nil {
			return -1
		}
		return int64(g.id)
	}
	return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.proc, b.proc), cmp.Compare(a.use, b.use),
		cmp.Compare(id(a.holder), id(b.holder)), cmp.Compare(a.at, b.at))
}
