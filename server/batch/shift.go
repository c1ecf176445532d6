package batch

import (
	"errors"
	"slices"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// With Config.ContextShift a sequence whose context is full goes on without some of its
// tokens, as llama-server has it: its first tokens stay, half of the others are dropped,
// and the rest moves down. The engine does not compute what stays again, so it still
// knows of what was dropped.
//
// From then on the sequence's cache is not what its tokens give. Nobody begins with it,
// it is not left in its place, and not saved when the sequence is preempted. A shifted
// sequence that was evicted or preempted is computed again from the tokens that were
// left to it, as if they had been its prompt.

// shiftSpare is how many tokens of a full sequence are not kept at least, whatever is
// asked for; llama-server's.
const shiftSpare = 4

// checkShifts refuses a context that cannot be shifted.
func checkShifts(c engine.Context) error {
	if s, ok := c.(engine.ShiftingContext); ok && s.CanShift() {
		return nil
	}
	return errors.New("batch: check config: the cache of this model cannot be shifted: leave --context-shift out, and give a larger context with -c")
}

// mostTokens bounds how many tokens a request may come to, of prompt and answer.
func (l *Loop) mostTokens(r *ask.Request) int {
	most := l.limits.SequenceTokens
	switch {
	case !l.config.ContextShift:
		return most
	case r.MaxTokens > 0:
		return max(most, len(r.Prompt.Tokens)+r.MaxTokens+1) // its own bound comes first
	}
	return max(most, l.model.Info().TrainedContext)
}

// shiftFull makes room in the sequences whose next token would be the last that fits.
func (l *Loop) shiftFull() {
	if !l.config.ContextShift {
		return
	}
	for _, g := range l.live {
		if s := &g.seq; len(s.tokens) >= l.limits.SequenceTokens && !s.complete() && s.runnable(g) {
			l.shift(g)
		}
	}
	l.sweepLive()
}

// shift drops tokens of a sequence, which ends if that cannot be done.
func (l *Loop) shift(g *Generation) {
	s := &g.seq
	keep, discard := s.shifting(l.limits.SequenceTokens, l.model.Info().BOS)
	if discard < 1 || !l.shiftCache(s, keep, keep+discard) {
		s.full = true
		l.finish(g, ask.FinishLength, nil)
		return
	}
	l.prefixes.Remove(int(s.id))
	s.stays, s.keep, s.scores = false, false, false
	g.slot.Store(0)
	g.shifted.Store(true)
	s.tokens = slices.Delete(s.tokens, keep, keep+discard)
	s.dropped += discard
	s.guesses.moved()
	l.counters.shifts.Add(1)
}

// shiftCache drops what the cache has of tokens [from, to) of a sequence. Of one that
// was evicted that may be less.
func (l *Loop) shiftCache(s *sequence, from, to int) bool {
	switch {
	case s.cached <= from:
		return true
	case s.cached <= to:
		if !l.context.RemoveSequence(s.id, from, -1) {
			return false
		}
		s.cached = from
		return true
	}
	if !l.context.(engine.ShiftingContext).ShiftSequence(s.id, from, to) {
		return false
	}
	s.cached -= to - from
	l.copied = true
	return true
}

// shifting is how many tokens of a full sequence stay, and how many of those after them
// are dropped. The last token is not in the cache, and not counted.
func (s *sequence) shifting(contextTokens int, begin engine.Token) (keep, discard int) {
	if keep = s.shift.Keep; keep < 0 {
		keep = s.prompt
	}
	if s.tokens[0] == begin {
		keep++
	}
	keep = max(0, min(keep, contextTokens-shiftSpare))
	left := len(s.tokens) - 1 - keep
	if discard = s.shift.Discard; discard == 0 {
		discard = left / 2
	}
	return keep, min(discard, left-1)
}
