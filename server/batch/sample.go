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

	forms []*Generation // that are prepared during the decode
	early *work         // of that, nil if there is none
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
	s.finishAhead()
	costNs := 0
	for _, g := range rows {
		costNs += g.stepNs()
	}
	if costNs < s.worthNs || len(rows) < 2 {
		for _, g := range rows {
			g.sample(&s.row)
		}
		return
	}
	w := s.call(rows, len(rows)-1, (*Generation).sample)
	w.do(&s.row)
	w.left.Wait()
}

// call has helpers do something for generations, as many as there are, at most
// limit. Who waits for it helps.
func (s *share) call(rows []*Generation, limit int, job func(*Generation, *sampling.Row)) *work {
	w := &work{rows: rows, job: job}
	w.left.Add(len(rows))
	help := func() {
		defer s.running.Done()
		row := s.rows.Get().(*sampling.Row)
		w.do(row)
		s.rows.Put(row)
	}
	for range min(s.helpers, limit) {
		s.running.Add(1)
		if start(s.group, help) != nil {
			s.running.Done() // the group is closed: the engine's goroutine does it alone
			break
		}
	}
	return w
}

// work is the generations of one step that something is done for, to be taken by
// whoever is there.
type work struct {
	rows  []*Generation
	job   func(*Generation, *sampling.Row)
	taken atomic.Int32
	left  sync.WaitGroup
}

// do works until all are taken.
func (w *work) do(row *sampling.Row) {
	for n := int(w.taken.Add(1)); n <= len(w.rows); n = int(w.taken.Add(1)) {
		w.job(w.rows[n-1], row)
		w.left.Done()
	}
}

// ahead has helpers do for the sequences whose rows are about to be decoded what
// needs no logits: ask constraints what may come next, and look through prompts
// for the first token. The generations may end meanwhile; their samplers are the
// helpers' until finishAhead.
func (s *share) ahead(live []*Generation) {
	s.finishAhead() // of a step that came to nothing
	s.forms = s.forms[:0]
	for _, g := range live {
		if g.seq.row >= 0 && (g.seq.past != nil || !g.seq.sampler.Free()) {
			s.forms = append(s.forms, g)
		}
	}
	if len(s.forms) > 0 {
		s.early = s.call(s.forms, len(s.forms), (*Generation).prepare)
	}
}

// finishAhead does what is left of ahead, and waits for who is at it.
func (s *share) finishAhead() {
	if s.early != nil {
		s.early.do(&s.row)
		s.early.left.Wait()
		s.early = nil
		clear(s.forms)
	}
}

// prepare does what needs no logits.
func (g *Generation) prepare(*sampling.Row) {
	g.seq.begin()
	g.seq.sampler.Prepare()
}

// sample draws the generation's next token, if its row is there, and leaves it in
// the sequence and in a free slot of the ring, after the scores; so it does with those
// behind, as long as they are the draft's.
func (g *Generation) sample(row *sampling.Row) {
	s := &g.seq
	s.next, s.over = s.next[:0], false
	if s.err != nil {
		return
	}
	if s.scoreRows, s.err = g.score(row); s.err != nil || s.row < 0 || s.length() >= s.limit {
		return
	}
	s.begin()
	for goesOn := true; goesOn; {
		n := len(s.next)
		token, err := g.choose(row, g.next(s.scoreRows+n), s.rowLogits(n))
		if err != nil {
			s.err = err
			return
		}
		s.sampler.Accept(token)
		s.next = append(s.next, token)
		s.over = g.loop.endsWith(token) && (!s.ignoreEOS || !s.sampler.Free())
		goesOn = !s.over && s.drafts(n, token)
	}
}

// choose samples a token from logits, and puts it into a slot.
func (g *Generation) choose(row *sampling.Row, at int, logits []float32) (token engine.Token, err error) {
	if g.seq.drawn {
		return g.draw(row, at, logits)
	}
	if token, err = g.seq.sampler.Next(row, logits); err == nil {
		g.fill(at, token, row, logits)
	}
	return token, err
}

// draw samples a token from logits, and puts it into a slot with the probabilities that
// it was drawn with.
func (g *Generation) draw(row *sampling.Row, at int, logits []float32) (token engine.Token, err error) {
	if err := row.Read(logits); err != nil {
		return -1, err
	}
	token, g.of[at], err = g.seq.sampler.SampleOdds(row, g.likeliestAt(at))
	g.results.set(at, token)
	return token, err
}

// stepNs estimates what sample takes in this step.
func (g *Generation) stepNs() int {
	if g.seq.row < 0 {
		return g.seq.scoreRows * g.scoreNs
	}
	drawn := 1 + g.seq.guesses.len()
	return drawn*g.seq.sampler.CostNs(g.loop.vocab) + (drawn+g.seq.scoreRows)*g.scoreNs
}
