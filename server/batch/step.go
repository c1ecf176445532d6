package batch

import (
	"errors"
	"fmt"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/sampling"
)

// step does one round of the engine goroutine; it reports false if there was
// nothing to decode.
//
// What it does before and after the decode are critical stretches of its group. The
// decode is the time for a collection to begin: the goroutine is in C then, and the
// world stops without it.
func (l *Loop) step() bool {
	var did Step
	l.pacing.began = sinceStart()
	l.accounting.busyBegan = l.counters.busyNs.Load()
	ggroup.Critical(func() { did = l.prepare() })
	if l.batch.Len() == 0 {
		return false
	}
	l.guess(&did)
	l.share.ahead(l.live)
	ggroup.QuietPoint()
	did.Duration, did.Err = l.decode(l.context, l.batch)
	l.copied = false
	ggroup.Critical(func() { l.settle(&did) })
	return true
}

// decode has a batch computed, and returns how long it took. What the loop has
// belongs to who takes it meanwhile.
func (l *Loop) decode(c engine.Context, b *engine.Batch) (time.Duration, error) {
	l.decodes = b.Len()
	begin := sinceStart()
	l.counters.decodingSince.Store(begin)
	l.own.Unlock()
	err := c.Decode(b)
	l.own.Lock()
	l.counters.decodingSince.Store(0)
	took := time.Duration(sinceStart() - begin)
	l.counters.busyNs.Add(int64(took))
	return took, err
}

// prepare takes in what has come, and fills the batch.
func (l *Loop) prepare() (next Step) {
	l.receive()
	l.dropCancelled()
	l.expire()
	l.admit()
	l.shiftFull()
	l.wakeFeeds() // who has ended by now does not wait for the decode
	next.DecodeRows, next.PromptRows = l.plan()
	l.planDrafts(&next)
	if l.batch.Len() == 0 {
		l.publish()
	}
	return next
}

// settle does what follows from a decode.
func (l *Loop) settle(did *Step) {
	switch {
	case l.overtaken:
		l.goOn(did.Err)
	case did.Err == nil:
		l.promptLimit = min(2*l.promptLimit, l.limits.BatchTokens)
		l.counters.steps.Add(1)
		l.counters.prompt.Add(uint64(did.PromptRows))
		l.deliver(did)
		l.observe(did)
		l.measure(did)
	case errors.Is(did.Err, engine.ErrNoCacheSpace):
		l.counters.noSpace.Add(1)
		if !l.dropDrafts(did) {
			l.makeSpace(did.PromptRows)
		}
	case l.closing.Load():
		// Close interrupted the decode and drain ends what was in it.
	default:
		l.counters.errors.Add(1)
		l.failBatch(did.Err)
	}
	l.wakeFeeds()
	l.publish()
	if l.config.Observe != nil {
		l.config.Observe(*did)
	}
}

// plan fills the batch: a row for each decoding sequence, then pieces of
// prompts. It returns the rows of each kind.
func (l *Loop) plan() (decodes, prompts int) {
	l.batch.Reset()
	l.scoreLeft = l.scoreLimit()
	l.pacing.plan(l.config.TPOT)
	prefilling, lower := 0, false
	top := l.top()
	short := l.yields(top)
	for _, g := range l.live {
		s := &g.seq
		s.piece, s.row, s.scoreRows = 0, -1, 0
		if !s.runnable(g) {
			continue
		}
		if s.pending() > 1 {
			l.pacing.furthest = max(l.pacing.furthest, s.cached)
		}
		if g.ticket.Source.Tier < top {
			lower = true
			continue
		}
		if s.pending() > 1 {
			prefilling++
			continue
		}
		if short > 0 {
			// Also for those who do not get a row in this step.
			l.pacing.tpot = tighter(l.pacing.tpot, s.tpot)
			continue
		}
		l.pacing.row(l.config.TPOT, s)
		s.piece = 1
		s.row = l.batch.Add(s.tokens[s.cached], s.cached, s.id, true)
	}
	if short > 0 {
		return l.planLower(top+1, 0, 0, short)
	}
	decodes = l.batch.Len()
	if prefilling > 0 {
		l.planPieces(top, l.promptBudget(top, decodes))
	}
	prompts = l.batch.Len() - decodes
	if lower && l.tiers.besides(decodes, prompts) {
		return l.planLower(top, decodes, prompts, l.lowerRows(decodes, prompts))
	}
	return decodes, prompts
}

// promptBudget is how many prompt tokens this step takes at most. It is at
// least one: a batch has room for all sequences, and not all are decoding.
func (l *Loop) promptBudget(top ask.Tier, decodes int) int {
	budget := max(decodes+1, l.limits.BatchTokens-l.keptFree(top))
	if decodes > 0 {
		budget = min(budget-decodes, l.decide(decodes).PromptTokens)
	}
	budget = min(budget, l.promptLimit)
	l.pacing.budget.Store(int64(budget))
	return budget
}

// planPieces shares budget out among the prompts of a tier: up to half to the one with
// the least left, the rest in order of age. The oldest gets half at least, so
// it is not starved, and a short prompt does not wait for the long ones.
func (l *Loop) planPieces(tier ask.Tier, budget int) {
	var shortest *Generation
	for _, g := range l.live {
		s := &g.seq
		if l.takesPieces(g, tier) && (shortest == nil || s.pending() < shortest.seq.pending()) {
			shortest = g
		}
	}
	if shortest == nil {
		return
	}
	budget -= l.grow(shortest, budget/2)
	for _, g := range l.live {
		if l.takesPieces(g, tier) {
			budget -= l.grow(g, budget)
			l.addPiece(&g.seq)
		}
	}
}

// takesPieces reports whether a sequence of a tier prefills in this step.
func (l *Loop) takesPieces(g *Generation, tier ask.Tier) bool {
	return g.seq.pending() > 1 && !g.seq.paused && g.ticket.Source.Tier == tier
}

// grow lets a sequence take up to n more tokens in this step, and returns how
// many it does.
func (l *Loop) grow(g *Generation, n int) int {
	s := &g.seq
	n = min(n, s.pending()-s.piece)
	if s.scores {
		n = l.growScored(g, n)
	}
	s.piece += n
	return n
}

// addPiece puts the next s.piece tokens into the batch, with logits for the
// last token of the prompt, and for those whose next token is to be scored.
func (l *Loop) addPiece(s *sequence) {
	l.pacing.piece(s)
	for i := range s.piece {
		at := s.cached + i
		last := at == len(s.tokens)-1
		scores := s.scores && at+1 >= s.scored && at+1 < s.prompt
		row := l.batch.Add(s.tokens[at], at, s.id, last || scores)
		if last {
			s.row = row
		}
		if scores {
			if s.scoreRows == 0 {
				s.scoreRow = row
			}
			s.scoreRows++
		}
	}
}

// deliver samples each finished row and posts the tokens to their readers. The
// feeds are woken at the end of the step, once for all rows.
func (l *Loop) deliver(did *Step) {
	l.rows = l.rows[:0]
	for _, g := range l.live {
		s := &g.seq
		if s.piece > 0 {
			s.cached += s.piece
			l.computed(s)
			l.waiting.Computed(&g.ticket, s.cached+s.dropped)
		}
		g.mark()
		if s.row < 0 && s.scoreRows == 0 {
			continue
		}
		s.read(l.context)
		l.rows = append(l.rows, g)
	}
	begin := sinceStart()
	l.share.sample(l.rows)
	l.charge(did, begin)
	tokens := uint64(0)
	for _, g := range l.rows {
		tokens += l.advance(g, did)
	}
	clear(l.rows)
	l.counters.completion.Add(tokens)
	l.sweepLive()
}

// advance takes the tokens that were sampled for a sequence, and ends the sequence
// if that was its last. It returns the tokens delivered.
func (l *Loop) advance(g *Generation, did *Step) (delivered uint64) {
	s := &g.seq
	s.logits = nil
	clear(s.scoreLogits)
	s.scored += s.scoreRows
	next := s.next
	if s.over {
		next = next[:len(next)-1]
	}
	s.tokens = append(s.tokens, next...)
	g.put(s.scoreRows + len(next))
	did.Accepted += l.endDraft(g, next)
	switch {
	case s.err != nil:
		l.finish(g, ask.FinishError, sampleError(s))
	case s.over:
		l.finish(g, ask.FinishStop, nil)
	case s.complete():
		l.finish(g, ask.FinishLength, nil)
	default:
		g.tell()
	}
	return uint64(len(next))
}

// sampleError says why there is no next token.
func sampleError(s *sequence) error {
	switch {
	case !errors.Is(s.err, sampling.ErrNoneAllowed):
		return fmt.Errorf("batch: sample: %w", s.err)
	case s.constrained:
		return ErrFormStuck
	}
	return ErrBiasForbidsAll
}

// failBatch ends the sequences of a batch whose decode failed.
func (l *Loop) failBatch(err error) {
	err = fmt.Errorf("batch: decode: %w", err)
	failed := 0
	for _, g := range l.live {
		if g.seq.piece > 0 {
			l.finish(g, ask.FinishError, err)
			failed++
		}
	}
	l.sweepLive()
	l.config.Log.Error("decode failed", "err", err, "generations", failed)
}
