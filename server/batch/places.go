package batch

import (
	"cmp"
	"slices"

	"github.com/weirgo/weir/server/engine"
)

// place is a sequence of the context, live or not, and what is left in it.
type place struct {
	tokens []engine.Token // in the cache at positions 0 and on, of a generation that has ended; nil for none
	used   uint64         // when, by Loop.uses
	lost   bool           // the engine cannot remove what is in it: nobody gets it any more
}

// next finds a waiting generation that can be admitted and the index of its place
// in l.free, -1 if there is none: the first one, unless it waits for a place of its
// own.
func (l *Loop) next() (waiting, free int) {
	for i, g := range l.waiting {
		if free := l.choose(&g.seq); free >= 0 {
			return i, free
		}
	}
	return 0, -1
}

// similar is which part of a prompt has to be in a place, at least, for that place
// to be preferred: many prompts begin alike, and what is behind would be lost.
const similar = 10

// choose gives a sequence a free place, as an index in l.free, or -1: the one that
// it names; if it keeps its tokens, the one with the longest beginning of them;
// else one with nothing, or the one that was used longest ago. What is reused of
// prompts is decided here and in occupy, and nowhere else.
func (l *Loop) choose(s *sequence) int {
	if s.slot >= 0 && !l.places[s.slot].lost {
		return slices.Index(l.free, s.slot)
	}
	oldest := len(l.free) - 1
	if l.kept == 0 {
		return oldest // the lowest
	}
	if s.keep {
		best, most := -1, len(s.tokens)/similar
		for i, id := range l.free {
			if n := common(l.places[id].tokens, s.tokens); n > most {
				best, most = i, n
			}
		}
		if best >= 0 {
			return best
		}
	}
	for i, id := range slices.Backward(l.free) {
		switch p := &l.places[id]; {
		case p.tokens == nil:
			return i
		case p.used < l.places[l.free[oldest]].used:
			oldest = i
		}
	}
	return oldest
}

// occupy takes a place for a sequence, and as much of what is left there as the
// sequence begins with, but for its last token: its logits are wanted. It reports
// false if the place is lost.
func (l *Loop) occupy(s *sequence, free int) bool {
	id := l.free[free]
	l.free = slices.Delete(l.free, free, free+1)
	s.id = id
	p := &l.places[id]
	if p.tokens == nil {
		return true
	}
	n := 0
	if s.keep && !s.scores {
		n = min(common(p.tokens, s.tokens), len(s.tokens)-1)
	}
	l.forget(p)
	if n > 0 && l.context.RemoveSequence(id, n, -1) {
		s.cached = n
		return true
	}
	if l.remove(id) {
		return true
	}
	s.id = -1
	return false
}

// common is with how many tokens both begin.
func common(a, b []engine.Token) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// release gives a live sequence's place back, with its tokens in it if they are
// to stay.
func (l *Loop) release(s *sequence, stay bool) {
	switch {
	case stay && s.keep && s.cached > 0:
		l.leave(s.id, slices.Clone(s.tokens[:s.cached]))
		l.giveBack(s.id)
	case l.remove(s.id):
		l.giveBack(s.id)
	}
	s.cached, s.id = 0, -1
}

// giveBack makes a place free. The lowest id stays last, where admission takes it:
// engines compute a run of ids without gaps at once.
func (l *Loop) giveBack(id engine.SequenceID) {
	at, _ := slices.BinarySearchFunc(l.free, id, func(id, target engine.SequenceID) int {
		return cmp.Compare(target, id)
	})
	l.free = slices.Insert(l.free, at, id)
}

// leave notes what is in a place.
func (l *Loop) leave(id engine.SequenceID, tokens []engine.Token) {
	l.uses++
	l.places[id] = place{tokens: tokens, used: l.uses}
	l.kept++
}

// forget notes that nothing is left in a place, which is somebody else's affair.
func (l *Loop) forget(p *place) {
	if p.tokens != nil {
		p.tokens = nil
		l.kept--
	}
}

// remove empties a place in the cache. If the engine cannot, its tokens would be
// taken for the next sequence's: the place is lost.
func (l *Loop) remove(id engine.SequenceID) bool {
	if l.context.RemoveSequence(id, 0, -1) {
		return true
	}
	l.places[id].lost = true
	l.config.Log.Error("engine cannot remove a sequence: one sequence fewer from now on; restart the server", "sequence", id)
	return false
}

// erase empties a free place, and returns how many tokens it had.
func (l *Loop) erase(id engine.SequenceID) (tokens int) {
	p := &l.places[id]
	if p.tokens == nil {
		return 0
	}
	tokens = len(p.tokens)
	l.forget(p)
	if !l.remove(id) {
		l.free = slices.DeleteFunc(l.free, func(free engine.SequenceID) bool { return free == id })
	}
	return tokens
}

// eraseOldest empties the place that was used longest ago. It reports false if all
// are empty.
func (l *Loop) eraseOldest() bool {
	oldest := engine.SequenceID(-1)
	for _, id := range l.free {
		if p := &l.places[id]; p.tokens != nil && (oldest < 0 || p.used < l.places[oldest].used) {
			oldest = id
		}
	}
	return oldest >= 0 && l.erase(oldest) > 0
}
