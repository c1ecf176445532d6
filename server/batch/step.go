package batch

import (
	"errors"
	"fmt"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// step does one round of the engine goroutine; it reports false if there was
// nothing to decode.
//
// What it does before and after the decode are critical stretches of its group. The
// decode is the time for a collection to begin: the goroutine is in C then, and the
// world stops without it.
func (l *Loop) step() bool {
	var did Step
	ggroup.Critical(func() { did = l.prepare() })
	if l.batch.Len() == 0 {
		return false
	}
	ggroup.QuietPoint()
	begin := sinceStart()
	l.counters.decodingSince.Store(begin)
	l.own.Unlock()
	did.Err = l.context.Decode(l.batch)
	l.own.Lock()
	l.counters.decodingSince.Store(0)
	did.Duration = time.Duration(sinceStart() - begin)
	l.counters.busyNs.Add(int64(did.Duration))
	ggroup.Critical(func() { l.settle(&did) })
	return true
}

// prepare takes in what has come, and fills the batch.
func (l *Loop) prepare() (next Step) {
	l.receive()
	if l.cancels.Load() {
		// Lowered before the look: who is cancelled during it raises it again.
		l.cancels.Store(false)
		l.dropCancelled()
	}
	l.admit()
	l.wakeFeeds() // who has ended by now does not wait for the decode
	next.DecodeRows, next.PromptRows = l.plan()
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
		l.deliver()
	case errors.Is(did.Err, engine.ErrNoCacheSpace):
		l.counters.noSpace.Add(1)
		l.makeSpace(did.PromptRows)
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
	prefilling := 0
	for _, g := range l.live {
		s := &g.seq
		s.piece, s.row = 0, -1
		if !s.runnable(g) {
			continue
		}
		if s.pending() > 1 {
			prefilling++
			continue
		}
		s.piece = 1
		s.row = l.batch.Add(s.tokens[s.cached], s.cached, s.id, true)
	}
	decodes = l.batch.Len()
	if prefilling > 0 {
		l.planPieces(l.promptBudget(decodes))
	}
	return decodes, l.batch.Len() - decodes
}

// promptBudget is how many prompt tokens this step takes at most. It is at
// least one: a batch has room for all sequences, and not all are decoding.
func (l *Loop) promptBudget(decodes int) int {
	budget := l.limits.BatchTokens
	if decodes > 0 {
		budget = min(budget-decodes, l.config.PrefillTokens)
	}
	return min(budget, l.promptLimit)
}

// planPieces shares budget out among the prompts: up to half to the one with
// the least left, the rest in order of age. The oldest gets half at least, so
// it is not starved, and a short prompt does not wait for the long ones.
func (l *Loop) planPieces(budget int) {
	var shortest *sequence
	for _, g := range l.live {
		s := &g.seq
		if l.takesPieces(s) && (shortest == nil || s.pending() < shortest.pending()) {
			shortest = s
		}
	}
	shortest.piece = min(shortest.pending(), budget/2)
	budget -= shortest.piece
	for _, g := range l.live {
		s := &g.seq
		if !l.takesPieces(s) {
			continue
		}
		more := min(s.pending()-s.piece, budget)
		s.piece += more
		budget -= more
		l.addPiece(s)
	}
}

// takesPieces reports whether a sequence prefills in this step.
func (l *Loop) takesPieces(s *sequence) bool { return s.pending() > 1 && !s.paused }

// addPiece puts the next s.piece tokens into the batch, with logits for the
// last token of the prompt.
func (l *Loop) addPiece(s *sequence) {
	for i := range s.piece {
		at := s.cached + i
		last := at == len(s.tokens)-1
		row := l.batch.Add(s.tokens[at], at, s.id, last)
		if last {
			s.row = row
		}
	}
}

// deliver samples each finished row and posts the token to its reader. The
// feeds are woken at the end of the step, once for all rows.
func (l *Loop) deliver() {
	now := time.Now()
	l.rows = l.rows[:0]
	for _, g := range l.live {
		s := &g.seq
		s.cached += s.piece
		if s.row < 0 {
			continue
		}
		if s.first.IsZero() {
			s.first = now
		}
		s.logits, s.err = l.context.Logits(s.row)
		l.rows = append(l.rows, g)
	}
	l.share.sample(l.rows)
	tokens := uint64(0)
	for _, g := range l.rows {
		tokens += l.advance(g)
	}
	clear(l.rows)
	l.counters.completion.Add(tokens)
	l.sweepLive()
}

// advance takes the token that was sampled for a sequence, and ends the sequence
// if that was its last. It returns the tokens delivered.
func (l *Loop) advance(g *Generation) (delivered uint64) {
	s := &g.seq
	s.logits = nil
	if s.err != nil {
		l.finish(g, ask.FinishError, fmt.Errorf("batch: sample: %w", s.err))
		return 0
	}
	if l.ends[s.next/64]&(1<<(s.next%64)) != 0 && !s.ignoreEOS {
		l.finish(g, ask.FinishStop, nil)
		return 0
	}
	s.tokens = append(s.tokens, s.next)
	g.put()
	if len(s.tokens) >= s.limit {
		l.finish(g, ask.FinishLength, nil)
	} else {
		g.tell()
	}
	return 1
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
