package grammar

import (
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// mask is the tokens that a state allows: plain ones of so many characters at
// most, and others, by name if they are few.
type mask struct {
	every bool // all tokens
	cut   bool // tokens are missing that would have been too much work
	plain int  // characters, 0 for none
	few   []ask.Token
	many  []uint64 // instead of few
}

// fewTokens is how many tokens are named, as a share of a mask's words: from
// there on, the bits take less room.
const fewTokens = 2

// write makes dst the mask.
func (m *mask) write(dst []uint64, v *Vocabulary) {
	switch {
	case m.many != nil:
		copy(dst, m.many)
		return
	case m.plain > 0:
		copy(dst, v.plain[m.plain])
	default:
		clear(dst)
	}
	for _, t := range m.few {
		set(dst, t)
	}
}

// maskOf returns a state's mask, and the state itself as one of the home in use.
func (g *Grammar) maskOf(s *state) (*state, *mask) {
	if m := s.mask.Load(); m != nil {
		return s, m
	}
	g.own.Lock()
	defer g.own.Unlock()
	if g.home.Load().full() {
		g.begin()
	}
	s = g.moved(s)
	m := s.mask.Load()
	if m != nil {
		return s, m
	}
	if s.free >= 0 {
		m = g.freeMask(s)
	} else {
		m = g.walk(s)
	}
	if !m.cut {
		s.home.bytes += 64 + 4*cap(m.few) + 8*cap(m.many)
		s.mask.Store(m)
	}
	return s, m
}

// walk finds the tokens that a state allows.
func (g *Grammar) walk(s *state) *mask {
	found := g.vocabulary.found.Get().(*[]ask.Token)
	defer g.vocabulary.found.Put(found)
	g.limit = g.closure.spent + walkPlaces
	m := &mask{plain: g.plainCharacters(s), few: (*found)[:0]}
	tokens := &g.vocabulary.all
	if m.plain > 0 {
		tokens = &g.vocabulary.rest
	}
	g.path[0] = s
	// First what a single byte leads to, so that a grammar that needs more than
	// a walk may take goes on nevertheless.
	for class := range g.bytes {
		g.walkStep(s, uint8(class))
	}
	g.limit = g.closure.spent + walkPlaces
	nodes := tokens.nodes
	plainUntil := 0 // all plain tokens below the nodes before it have been added
	for i := 0; i < len(nodes); {
		n := &nodes[i]
		if i < plainUntil && n.allPlain {
			i = int(n.skip)
			continue
		}
		next := g.walkStep(g.path[n.depth], g.program.ClassOf[n.label])
		if next == nil || next.dead() {
			m.cut = m.cut || next == nil
			i = int(n.skip)
			continue
		}
		if i >= plainUntil && g.takesPlain(next, n) {
			plainUntil = int(n.skip)
			m.few = append(m.few, tokens.plain[n.plainFirst:n.plainLast]...)
		}
		for _, t := range tokens.tokens[n.first : n.first+uint32(n.count)] {
			if i >= plainUntil || !g.vocabulary.isPlain(t) {
				m.few = append(m.few, t)
			}
		}
		g.path[n.depth+1] = next
		i++
	}
	*found = m.few // with the room that it has got
	g.end(s, m)
	return m
}

// walkStep returns where a byte leads, nil if that is not known and must not be
// learnt any more.
func (g *Grammar) walkStep(s *state, class uint8) *state {
	next := s.next[class].Load()
	if next == nil && g.closure.spent < g.limit && !s.home.over() {
		next = g.learn(s, class)
	}
	return next
}

// worthTokens is how many plain tokens below a node make it worth to find out whether
// all plain ones are allowed.
const worthTokens = 64

// takesPlain reports whether all plain tokens below a node, which leads to s, are
// allowed.
func (g *Grammar) takesPlain(s *state, n *node) bool {
	return n.whole && n.plainLast-n.plainFirst >= worthTokens && g.plainCharacters(s) == maxPlain
}

// end adds the tokens that end a generation, and chooses how to keep the mask. A
// place where nothing follows, for which only a vocabulary that lacks bytes or a
// bound can be the reason, allows the end as well: it is better than no token.
func (g *Grammar) end(s *state, m *mask) {
	if s.accepts || (len(m.few) == 0 && m.plain == 0) {
		m.few = slices.Concat(m.few, g.vocabulary.ends)
	}
	if len(m.few) <= fewTokens*g.vocabulary.words() {
		m.few = slices.Clone(m.few)
		return
	}
	many := make([]uint64, g.vocabulary.words())
	m.write(many, g.vocabulary)
	m.few, m.many = nil, many
}

// plainCharacters returns how many plain characters may follow, whichever they
// are, if no more than that may follow at all: maxPlain also stands for more, and
// 0 for a place where it depends on the character.
func (g *Grammar) plainCharacters(s *state) int {
	for n := range maxPlain {
		switch s = g.plainNext(s); {
		case s == nil:
			return 0
		case s.dead():
			return n
		}
	}
	return maxPlain
}

// manyStates is how many states the first bytes of a character may lead to before
// it counts as known that they are not all the same.
const manyStates = 8

// plainNext returns the state that every plain character leads to, nil if there
// is more than one, or if it is too much work to find out.
func (g *Grammar) plainNext(s *state) *state {
	if s.known {
		return s.plain
	}
	var one *state
	for _, sequence := range g.plain {
		at, after := []*state{s}, []*state(nil)
		for _, classes := range sequence {
			after = after[:0:0]
			for _, from := range at {
				for _, class := range classes {
					next := g.walkStep(from, class)
					if next == nil {
						return nil
					}
					if !slices.Contains(after, next) {
						after = append(after, next)
					}
				}
			}
			if s.known = len(after) > manyStates; s.known {
				return nil
			}
			at = after
		}
		for _, next := range at {
			if one == nil {
				one = next
			}
			if next != one {
				s.known = true
				return nil
			}
		}
	}
	s.plain, s.known = one, true
	return one
}
