package batch

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/sampling"
)

// share is how the rows of a step are sampled: by the engine's goroutine as a
// rule, and together with helpers if that takes long. All are done before the
// next decode, so a stream never misses one, no row is copied, and what is drawn
// does not depend on who draws it.
//
// Helpers are goroutines of one step. One that comes late finds nothing left and
// nobody waiting for it.
type share struct {
	group   *ggroup.Group
	helpers int
	worthNs int          // of sampling, from which on helpers are called
	row     sampling.Row // the engine goroutine's
	rows    sync.Pool    // *sampling.Row, the helpers'
	running sync.WaitGroup
}

// worthNs is several times what it takes to wake a thread.
const worthNs = 200_000

// newShare makes a share with as many helpers as the engine leaves cores, at
// least one: its threads rest while rows are sampled, but not at once.
func newShare(group *ggroup.Group, l engine.Limits) *share {
	return &share{
		group:   group,
		helpers: max(1, runtime.GOMAXPROCS(0)-max(l.Threads, l.BatchThreads)),
		worthNs: worthNs,
		rows:    sync.Pool{New: func() any { return new(sampling.Row) }},
	}
}

// sample draws the next token of each generation whose row is decoded. Engine
// goroutine.
func (s *share) sample(rows []*Generation) {
	costNs := 0
	for _, g := range rows {
		costNs += g.costNs
	}
	if costNs < s.worthNs || len(rows) < 2 {
		for _, g := range rows {
			g.sample(&s.row)
		}
		return
	}
	w := &work{rows: rows}
	w.left.Add(len(rows))
	help := func() {
		defer s.running.Done()
		row := s.rows.Get().(*sampling.Row)
		w.do(row)
		s.rows.Put(row)
	}
	for range min(s.helpers, len(rows)-1) {
		s.running.Add(1)
		if start(s.group, help) != nil {
			s.running.Done() // the group is closed: the engine's goroutine does it alone
			break
		}
	}
	w.do(&s.row)
	w.left.Wait()
}

// work is the rows of one step, to be taken by whoever is there.
type work struct {
	rows  []*Generation
	taken atomic.Int32
	left  sync.WaitGroup
}

// do samples rows until all are taken.
func (w *work) do(row *sampling.Row) {
	for n := int(w.taken.Add(1)); n <= len(w.rows); n = int(w.taken.Add(1)) {
		w.rows[n-1].sample(row)
		w.left.Done()
	}
}

// sample draws the generation's next token, and leaves it in the sequence and in
// the ring's free slot.
func (g *Generation) sample(row *sampling.Row) {
	s := &g.seq
	if s.err != nil {
		return
	}
	if s.next, s.err = s.sampler.Next(row, s.logits); s.err != nil {
		return
	}
	at := g.place(g.tail.Load())
	g.slots[at].token = s.next
	if g.topN >= 0 {
		g.slots[at].logit = s.logits[s.next]
		g.slots[at].logSum = row.LogSum()
		row.Top(g.likeliestAt(at))
	}
}

// sampleCostNs estimates what sampling a token takes.
func sampleCostNs(s *sampling.Sampler, topLogprobs, vocabulary int) int {
	ns := s.CostNs(vocabulary)
	if topLogprobs >= 0 {
		ns += sampling.LogprobsCostNs(topLogprobs, vocabulary)
	}
	return ns
}
