package batch

import (
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/internal/threads"
)

// account is where the time of a sequence goes, from its admission on: each moment up
// to mark is in a part of sequence.spent, or in gap. It is kept with few
// additions for each row of a step, always. Times are by sinceStart. Who holds Loop.own.
type account struct {
	mark   int64     // the end of the last step it had a part in, or its admission
	step   uint64    // which step that was
	behind int64     // since when its reader is, 0 if it is not
	reader int64     // how long its reader was, since mark
	gap    ask.Parts // since its last token
}

// spending is what a sequence keeps of its time.
type spending struct {
	account account
	spent   ask.Spent // from the admission on
}

// span is a step, as it is charged to those who have a part in it.
type span struct {
	number     uint64
	began, end int64 // end: what was sampled is about to be delivered
	between    int64 // of decodes since the step before that were not the step's
	decode     int64 // all of its own
	sampling   int64
	delayed    int64 // that the engine's thread had no core, since the step before
	rows       int   // that were decoded
	prompts    int   // of them, those of prompts
}

// fell notes that the reader has fallen behind, caught that it reads again.
func (a *account) fell(now int64)   { a.behind = now }
func (a *account) caught(now int64) { a.reader, a.behind = a.reader+now-a.behind, 0 }

// away takes the time up to now in which the sequence had no part in a step: what of
// it its reader was behind, and the rest.
func (a *account) away(now int64) (reader, rest int64) {
	if a.behind != 0 {
		a.reader, a.behind = a.reader+now-a.behind, now
	}
	out := max(0, now-a.mark)
	reader = min(a.reader, out)
	a.mark, a.reader = a.mark+out, 0
	return reader, out - reader
}

// took charges a step, of which own rows are of the sequence's own prompt.
func (a *account) took(s *span, own int) (p ask.Parts) {
	p.Reader, p.Wait = a.away(s.began)
	if a.step+1 == s.number { // what was between the two steps is theirs, but for others' decodes
		p.Engine = max(0, p.Wait-s.between)
		p.Wait -= p.Engine
	}
	left := s.end - a.mark // less than the step if it was admitted in it
	p.Delayed = min(s.delayed, left)
	decode := min(max(0, s.decode-p.Delayed), left-p.Delayed)
	others := max(0, s.prompts-own)
	p.Prompts = decode * int64(others) / int64(s.rows)
	p.Decode = decode - p.Prompts
	p.Sampling = min(s.sampling, left-decode-p.Delayed)
	p.Engine += left - decode - p.Delayed - p.Sampling
	a.mark, a.step = s.end, s.number
	a.gap.Add(&p)
	return p
}

// token ends a gap: the number of the token that ends it is counted from 0.
func (a *account) token(spent *ask.Spent, number int, sampled time.Time) {
	if number == 0 {
		spent.First = a.gap
	} else {
		spent.After.Add(&a.gap)
		if a.gap.Sum() > spent.Worst.Sum() {
			spent.Worst = ask.Gap{Token: number, End: sampled, Parts: a.gap}
		}
	}
	a.gap = ask.Parts{}
}

// close charges the time up to an end, during step or after it. begun says that there
// was a first token.
func (a *account) close(now int64, step uint64, spent *ask.Spent, begun bool) {
	if a.mark == 0 {
		return // never admitted
	}
	reader, rest := a.away(now)
	a.gap.Reader += reader
	if a.step == step {
		a.gap.Engine += rest
	} else {
		a.gap.Wait += rest
	}
	if begun {
		spent.After.Add(&a.gap)
	} else {
		spent.First.Add(&a.gap)
	}
}

// accounting is what is kept of decodes to charge steps. Who holds Loop.own.
type accounting struct {
	busy      int64         // of all decodes, when the last step was charged
	busyBegan int64         // .. when this one began
	own       *threads.Own  // the engine goroutine's thread; nil if its delays are not to be had
	delayed   time.Duration // that it had been, when the last step was charged
}

// late is how long the engine's thread had no core since it was asked last.
func (a *accounting) late() int64 {
	if a.own == nil {
		return 0
	}
	before := a.delayed
	now, err := a.own.Delayed()
	if err != nil {
		return 0
	}
	a.delayed = now
	return int64(now - before)
}

// charge is for a step whose tokens are sampled, since sampling, and not delivered yet:
// its time is charged to the sequences that had a part in it.
func (l *Loop) charge(did *Step, sampling int64) {
	now := sinceStart()
	a, busy := &l.accounting, l.counters.busyNs.Load()
	s := span{
		number: l.counters.steps.Load(), began: l.pacing.began, end: now,
		between: a.busyBegan - a.busy, decode: busy - a.busyBegan, sampling: now - sampling,
		rows: l.batch.Len(), prompts: did.PromptRows, delayed: a.late(),
	}
	a.busy = busy
	sampled := started.Add(time.Duration(s.end - 1))
	var all ask.Parts
	for _, g := range l.live {
		q := &g.seq
		if q.piece == 0 {
			continue
		}
		own := q.piece
		if own == 1 && q.first != 0 {
			own = 0
		}
		parts := q.account.took(&s, own)
		all.Add(&parts)
		if q.row < 0 {
			continue
		}
		if q.first == 0 {
			q.first = s.end
			q.account.token(&q.spent, 0, sampled)
		} else {
			q.account.token(&q.spent, q.generated(), sampled)
		}
	}
	l.counters.spent.add(&all)
}

// spentNs is the parts of all.
type spentNs [7]atomic.Int64

// add adds parts. One goroutine at a time.
func (s *spentNs) add(p *ask.Parts) {
	i := 0
	p.Named(func(_ string, ns int64) {
		s[i].Add(ns)
		i++
	})
}

func (s *spentNs) parts() ask.Parts {
	return ask.Parts{
		Wait: s[0].Load(), Reader: s[1].Load(), Prompts: s[2].Load(), Decode: s[3].Load(), Sampling: s[4].Load(), Engine: s[5].Load(),
		Delayed: s[6].Load(),
	}
}
