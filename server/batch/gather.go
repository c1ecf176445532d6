package batch

import (
	"slices"

	"github.com/weirgo/weir/server/batch/prefix"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/offheap"
)

// Engines compute a run of sequences without gaps at once, and each run by itself. So
// who is admitted to a place far from all others would slow everybody down for as long
// as it runs: what is in that place is moved beside them, which takes the time of a
// few tokens.

// beside is how many neighbours of a place are live.
func (l *Loop) beside(id engine.SequenceID) (n int) {
	if id > 0 && l.places[id-1].live {
		n++
	}
	if int(id)+1 < len(l.places) && l.places[id+1].live {
		n++
	}
	return n
}

// gather returns the free place to use instead of one that would begin a run of its
// own, after both have changed what is in them, but for what nobody goes on from.
func (l *Loop) gather(s *sequence, id engine.SequenceID) engine.SequenceID {
	p := &l.places[id]
	if len(l.live) == 0 || l.beside(id) > 0 || p.fixed {
		return id
	}
	to, most := id, 0
	for _, other := range slices.Backward(l.free) {
		if n := l.beside(other); n > most && !l.places[other].fixed {
			to, most = other, n
		}
	}
	if most == 0 || l.places[to].tokens != nil && !l.movable() {
		return id
	}
	if p.tokens != nil && !p.goesOn(prefix.Common(p.tokens, s.tokens), len(s.tokens)) {
		l.keep(id, 0)
		if l.erase(id); p.lost {
			return to
		}
	}
	if l.exchange(id, to) {
		return to
	}
	return id
}

// movable reports whether the engine has states of sequences, and now: after a copy
// not before the next decode.
func (l *Loop) movable() bool { return l.stateIdentity != "" && !l.copied }

// exchange gives each of two free places what the other has. It reports false if it
// has not.
func (l *Loop) exchange(a, b engine.SequenceID) bool {
	if l.places[a].tokens == nil && l.places[b].tokens == nil {
		return true
	}
	if !l.movable() {
		return false
	}
	c := l.context.(engine.StateContext)
	var states [2][]byte
	for i, id := range [2]engine.SequenceID{a, b} {
		tokens := l.places[id].tokens
		if tokens == nil {
			continue
		}
		room, err := offheap.New(c.StateBytes(id))
		if err != nil {
			return false
		}
		defer offheap.Free(room)
		if states[i], err = c.SaveSequence(id, len(tokens), room); err != nil {
			l.config.Log.Warn("what is left in a place stays there", "err", err)
			return false
		}
	}
	for i, id := range [2]engine.SequenceID{a, b} {
		if states[i] != nil && !c.RemoveSequence(id, 0, -1) {
			if i > 0 {
				l.restore(c, a, states[0])
			}
			return false
		}
	}
	l.places[a], l.places[b] = l.places[b], l.places[a]
	l.prefixes.Swap(int(a), int(b))
	l.restore(c, b, states[0])
	l.restore(c, a, states[1])
	l.counters.moves.Add(1)
	return true
}

// restore puts a state into a place that is to have it, if there is one.
func (l *Loop) restore(c engine.StateContext, id engine.SequenceID, state []byte) {
	if state == nil {
		return
	}
	if err := c.RestoreSequence(id, len(l.places[id].tokens), state); err != nil {
		l.forget(id)
		l.config.Log.Warn("what was left in a place is lost", "err", err)
	}
}
