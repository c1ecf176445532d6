package batch

import (
	"cmp"
	"slices"

	"github.com/weirgo/weir/server/engine"
)

// place is a sequence of the context, live or not, and what is left in it. The order
// in which places were used is Loop.prefixes'.
type place struct {
	tokens []engine.Token // in the cache at positions 0 and on, of a generation that has ended; nil for none
	key    string         // who may begin with them
	prompt int            // of them, those of the prompt that was asked
	fixed  bool           // a client was told the place: what is left stays there
	live   bool           // a generation is in it
	stored bool           // it was looked whether the store is to have it
	lost   bool           // the engine cannot remove what is in it: nobody gets it any more
}

// next finds a waiting generation that can be admitted, of at most n, and the index of
// its place in l.free, -1 if there is none: the first one, unless it waits for a place
// of its own, for another's prompt or for a file. Who waits for a prompt finds a place
// afterwards.
func (l *Loop) next(n int) (g *Generation, free int) {
	n = min(n, len(l.free))
	for t := range l.waiting.InOrder() {
		if l.fetches(&t.Value.seq) {
			continue
		}
		if l.awaits(t.Value) {
			if n--; n == 0 {
				break
			}
			continue
		}
		if free := l.choose(&t.Value.seq); free >= 0 {
			return t.Value, free
		}
	}
	return nil, -1
}

// release gives a live sequence's place back, with its tokens in it if they are
// to stay.
func (l *Loop) release(s *sequence, stay bool) {
	p := &l.places[s.id]
	p.live = false
	switch {
	case stay && s.stays && s.cached > 0:
		p.key, p.prompt, p.fixed = s.key, min(s.prompt, s.cached), s.keep
		l.leave(s.id, slices.Clone(s.tokens[:s.cached]))
		l.giveBack(s.id)
	default:
		l.prefixes.Remove(int(s.id))
		if l.remove(s.id) {
			l.giveBack(s.id)
		}
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

// leave notes what is in a place, whose other fields are set. Of a generation that
// was there its first tokens may be noted already.
func (l *Loop) leave(id engine.SequenceID, tokens []engine.Token) {
	p := &l.places[id]
	p.tokens = tokens
	if n := l.prefixes.Len(int(id)); n > 0 {
		l.prefixes.Extend(int(id), tokens[n:])
	} else {
		l.prefixes.Set(int(id), p.key, tokens)
	}
	l.kept++
}

// forget notes that nothing is left in a place, which is somebody else's affair.
func (l *Loop) forget(id engine.SequenceID) {
	if p := &l.places[id]; p.tokens != nil {
		*p = place{lost: p.lost}
		l.prefixes.Remove(int(id))
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
	l.forget(id)
	if !l.remove(id) {
		l.free = slices.DeleteFunc(l.free, func(free engine.SequenceID) bool { return free == id })
	}
	return tokens
}

// eraseOldest empties the place that was used longest ago, and returns how many tokens
// it had, 0 if all are empty. The store may keep them.
func (l *Loop) eraseOldest() (tokens int) {
	oldest := engine.SequenceID(l.prefixes.Oldest(l.isKept))
	if oldest < 0 {
		return 0
	}
	l.keep(oldest, 0)
	return l.erase(oldest)
}

// isKept reports whether something is left in a place.
func (l *Loop) isKept(id int) bool { return l.places[id].tokens != nil }
