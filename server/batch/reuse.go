package batch

import (
	"slices"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/prefix"
	"github.com/weirgo/weir/server/engine"
)

// What is reused of what was computed is decided in this file and nowhere else.
//
// A request that goes on from what is left in a free place is computed there. One that
// begins like another sequence, live or not, and goes on otherwise gets a copy of what
// both share, so that the other one stays. All else begins in an empty place, or in
// the one that was used longest ago.

const (
	// suffix is how many tokens a chat template may end a prompt with that are not
	// there when the conversation is sent again: an empty thought, for one.
	suffix = 8
	// copyLeast is how many tokens a copy saves at least, and copyShare how many as a
	// share of a sequence's context, all of which the engine copies. A token's keys
	// and values are a hundredth of the work of computing them, or less.
	copyLeast = 32
	copyShare = 64
)

// reuse is what a request means for what is computed: whether it begins with that of
// others, whether it leaves its own, and for whom.
func (l *Loop) reuse(r *ask.Request) (begins, leaves bool, key string) {
	leaves = r.Keep || r.Reuse == ask.ReuseAlways || !l.config.NoPrefixCache
	begins = leaves && r.Reuse != ask.ReuseNever
	key = r.CacheSalt
	if l.config.PrefixPerTenant {
		// The length keeps a name and a salt from being another name's and salt's.
		key = strconv.Itoa(len(r.Tenant.Name)) + ":" + r.Tenant.Name + key
	}
	return begins, leaves, key
}

// choose gives a sequence a free place, as an index in l.free, or -1: the one that
// it names, or that where something is left that it goes on from, or an empty one, or
// the one that was used longest ago.
func (l *Loop) choose(s *sequence) int {
	if s.slot >= 0 && !l.places[s.slot].lost {
		return slices.Index(l.free, s.slot)
	}
	if len(l.free) == 0 {
		return -1
	}
	if s.reuses && !s.scores && s.saved == nil {
		id, shared := l.prefixes.Match(s.key, s.tokens, func(id int) bool {
			return l.isKept(id) && (s.keep || !l.places[id].fixed)
		})
		if id >= 0 && l.places[id].goesOn(shared, len(s.tokens)) {
			return slices.Index(l.free, engine.SequenceID(id))
		}
	}
	if empty := l.empty(); empty >= 0 {
		return empty
	}
	if l.stateIdentity == "" { // nothing can be moved beside those who run
		if near := slices.IndexFunc(l.free, func(id engine.SequenceID) bool { return l.beside(id) > 0 }); near >= 0 {
			return near
		}
	}
	return slices.Index(l.free, engine.SequenceID(l.prefixes.Oldest(l.isKept)))
}

// goesOn reports whether a prompt of so many tokens that begins with shared tokens of
// what is left goes on from it: they part in the answer, if at all. A conversation
// that parts before is another one.
func (p *place) goesOn(shared, tokens int) bool {
	return shared == tokens || shared == len(p.tokens) || shared >= p.prompt-min(suffix, p.prompt/4)
}

// empty is the free place with nothing in it, as an index in l.free, or -1: of several
// the one beside most who run, then the lowest.
func (l *Loop) empty() int {
	best, most := -1, -1
	for i, id := range slices.Backward(l.free) {
		if n := l.beside(id); l.places[id].tokens == nil && n > most {
			best, most = i, n
		}
	}
	return best
}

// occupy takes a place for a sequence, and as much of what is left there, or is
// computed elsewhere, as the sequence begins with, but for its last token: its logits
// are wanted. It reports false if the place is lost.
func (l *Loop) occupy(g *Generation, free int) bool {
	s := &g.seq
	id := l.free[free]
	if s.slot < 0 {
		id = l.gather(s, id)
	}
	l.free = slices.DeleteFunc(l.free, func(other engine.SequenceID) bool { return other == id })
	if !l.begin(g, id) {
		return false
	}
	l.resume(s, id)
	l.endFetch(s)
	p := &l.places[id]
	s.id, p.live = id, true
	if s.stays {
		l.prefixes.Set(int(id), s.key, s.tokens[:min(s.cached, s.prompt)])
	}
	return true
}

// begin leaves in a place what a sequence begins with, and reports false if the place
// is lost.
func (l *Loop) begin(g *Generation, id engine.SequenceID) bool {
	s, p := &g.seq, &l.places[id]
	hit := hitLive
	own, from, there := l.beginning(g, id)
	found, shared, kept := l.match(s, max(own, there))
	switch {
	case kept && found.InRAM && !l.copied:
		lease := l.stored.Lease(found.ID) // what is kept now might have it go
		defer lease.End()
		if l.keep(id, 0); !l.clear(id) {
			return false
		}
		if s.cached, hit = l.restoreStored(id, found, shared, lease); p.lost {
			return false
		}
	case from >= 0:
		l.keepAhead()
		if l.keep(id, 0); !l.clear(id) {
			return false
		}
		if l.context.CopySequence(id, engine.SequenceID(from), there) {
			s.cached = there
			l.copied = true
			l.counters.copies.Add(1)
		}
	case own > 0:
		l.keep(id, own)
		if own == len(p.tokens) || l.context.RemoveSequence(id, own, -1) {
			l.forget(id)
			s.cached = own
			break
		}
		fallthrough
	default:
		if l.keep(id, 0); !l.clear(id) {
			return false
		}
	}
	if s.cached > 0 && s.admitted == 0 {
		l.counters.hits[hit].Add(1)
	}
	return true
}

// beginning is with how many tokens of a sequence its place begins, and which other
// place has so many more that a copy is worth it, -1 for none, and how many.
func (l *Loop) beginning(g *Generation, id engine.SequenceID) (own, from, there int) {
	s := &g.seq
	if !s.reuses || s.scores || s.saved != nil {
		return 0, -1, 0
	}
	tokens := s.tokens[:len(s.tokens)-1]
	if p := &l.places[id]; p.key == s.key {
		own = prefix.Common(p.tokens, tokens)
	}
	// A copy is made at the next decode, and nothing else may be done with it before:
	// who comes back to a ring that is full might not be in it.
	if !l.context.CanCopy() || !s.runnable(g) {
		return own, -1, 0
	}
	from, there = l.prefixes.Match(s.key, tokens, func(other int) bool { return other != int(id) })
	if there-own < l.leastCopy() {
		return own, -1, 0
	}
	return own, from, there
}

// leastCopy is how many tokens a copy saves at least.
func (l *Loop) leastCopy() int { return max(copyLeast, l.limits.SequenceTokens/copyShare) }

// clear empties a place that is not in l.free any more, and reports false if it cannot
// be.
func (l *Loop) clear(id engine.SequenceID) bool {
	if l.places[id].tokens == nil {
		return true
	}
	l.forget(id)
	return l.remove(id)
}

// computed notes what a step has added to a sequence's prompt: others may begin with
// it.
func (l *Loop) computed(s *sequence) {
	if !s.stays || s.cached-s.piece >= s.prompt {
		return
	}
	if n := l.prefixes.Len(int(s.id)); n < min(s.cached, s.prompt) {
		l.prefixes.Extend(int(s.id), s.tokens[n:min(s.cached, s.prompt)])
	}
}
