package batch

import "github.com/weirgo/weir/server/engine"

// saved is the state of a sequence, of so many tokens.
type saved struct {
	state  []byte
	tokens int
}

// save keeps the state of a sequence that is about to lose its place, if there is
// room for it, and if it is what its tokens give: not after a shift.
func (l *Loop) save(s *sequence) {
	c, ok := l.context.(engine.StateContext)
	if !ok || l.stateIdentity == "" || s.cached == 0 || s.dropped > 0 {
		return
	}
	room := c.StateBytes(s.id)
	if l.savedBytes+room > l.config.SavedBytes {
		return
	}
	state, err := c.SaveSequence(s.id, s.cached, make([]byte, room))
	if err != nil {
		l.config.Log.Warn("a sequence that is preempted cannot be saved: it will be computed again", "err", err)
		return
	}
	s.saved = &saved{state, s.cached}
	l.savedBytes += cap(state)
}

// resume gives a sequence what was saved of it, in the empty place that it has now. What
// is left in others goes for it where the cache has no room. Where it fails all the same
// the sequence is computed again.
func (l *Loop) resume(s *sequence, id engine.SequenceID) {
	if s.saved == nil {
		return
	}
	if err := l.refill(id, s.saved.tokens, s.saved.state); err == nil {
		s.cached = s.saved.tokens
		l.counters.restored.Add(1)
	}
	l.dropSaved(s)
}

// dropSaved forgets what was saved of a sequence.
func (l *Loop) dropSaved(s *sequence) {
	if s.saved != nil {
		l.savedBytes -= cap(s.saved.state)
		s.saved = nil
	}
}
