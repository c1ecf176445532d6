package grammar

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// Bounds of what a grammar keeps and does.
const (
	// homeBytes is what a grammar remembers, about; a walk may double it.
	homeBytes = 4 << 20
	// statePlaces is how many places may be on the way to a state. An ambiguous
	// grammar has ways beyond them; they are not followed.
	statePlaces = 1 << 14
	// recursionDepth is how deep rules may be within themselves.
	recursionDepth = 256
	// walkPlaces is how many places may be looked at for one mask. Tokens that
	// would need more are not allowed this time; what was learnt is kept, so the
	// next walk gets farther.
	walkPlaces = 1 << 15
	// placeItems is how many of a state's items are looked at in the time that one
	// place takes.
	placeItems = 16
)

// Grammar is a form over one vocabulary, and what has been learnt of it. Any
// goroutine may use it: what is known is read without waiting, what is not is
// learnt by one at a time.
type Grammar struct {
	program    *syntax.Program
	vocabulary *Vocabulary
	trigger    *trigger     // nil if the grammar holds from the start
	bytes      []byte       // one of each class
	plain      [][]classSet // the sequences of classes that are a plain character
	home       atomic.Pointer[home]
	own        sync.Mutex // to learn
	closure    closure
	path       []*state // of a walk, by depth
	limit      int      // of a walk: what closure.spent may come to
	ended      *mask    // the tokens that end a generation
	watches    watches
}

// classSet is classes of bytes.
type classSet []uint8

// newGrammar makes the grammar of a program.
func newGrammar(p *syntax.Program, v *Vocabulary, t *trigger) *Grammar {
	g := &Grammar{program: p, vocabulary: v, trigger: t}
	g.closure = closure{program: p}
	g.path = make([]*state, maxPieceBytes+1)
	g.bytes = make([]byte, p.Classes)
	for b := 255; b >= 0; b-- {
		g.bytes[p.ClassOf[b]] = byte(b)
	}
	for _, sequence := range plainSequences {
		var classes []classSet
		for _, s := range sequence {
			classes = append(classes, g.classes(s))
		}
		g.plain = append(g.plain, classes)
	}
	g.ended = &mask{few: v.ends}
	g.begin()
	return g
}

// plainSequences are the bytes of the characters of plain text.
var plainSequences = [][][][2]byte{
	{{{' ', '!'}, {'#', '['}, {']', 0x7E}}},
	{{{0xC2, 0xDF}}, {{0x80, 0xBF}}},
	{{{0xE0, 0xE0}}, {{0xA0, 0xBF}}, {{0x80, 0xBF}}},
	{{{0xE1, 0xEC}, {0xEE, 0xEF}}, {{0x80, 0xBF}}, {{0x80, 0xBF}}},
	{{{0xED, 0xED}}, {{0x80, 0x9F}}, {{0x80, 0xBF}}},
	{{{0xF0, 0xF0}}, {{0x90, 0xBF}}, {{0x80, 0xBF}}, {{0x80, 0xBF}}},
	{{{0xF1, 0xF3}}, {{0x80, 0xBF}}, {{0x80, 0xBF}}, {{0x80, 0xBF}}},
	{{{0xF4, 0xF4}}, {{0x80, 0x8F}}, {{0x80, 0xBF}}, {{0x80, 0xBF}}},
}

// classes returns the classes of some ranges of bytes.
func (g *Grammar) classes(ranges [][2]byte) classSet {
	var has [256]bool
	var out classSet
	for _, r := range ranges {
		for b := int(r[0]); b <= int(r[1]); b++ {
			if class := g.program.ClassOf[b]; !has[class] {
				has[class] = true
				out = append(out, class)
			}
		}
	}
	return out
}

// begin makes a new home and its first state. Who calls it holds own, or is
// alone.
func (g *Grammar) begin() *home {
	h := newHome()
	g.closure.begin(h)
	g.closure.follow(place{g.program.Start, 0, empty})
	h.start = g.closure.state(-1)
	g.home.Store(h)
	return h
}

// start returns where a generation begins.
func (g *Grammar) start() *state {
	g.own.Lock()
	defer g.own.Unlock()
	if g.trigger == nil {
		return g.home.Load().start
	}
	return g.freeState(g.home.Load(), 0)
}

// step returns where a byte leads from s.
func (g *Grammar) step(s *state, b byte) *state {
	if s.free >= 0 {
		return g.freeStep(s, b)
	}
	class := g.program.ClassOf[b]
	if next := s.next[class].Load(); next != nil {
		return next
	}
	g.own.Lock()
	defer g.own.Unlock()
	return g.learn(s, class)
}

// learn is step for who holds own.
func (g *Grammar) learn(s *state, class uint8) *state {
	if next := s.next[class].Load(); next != nil {
		return next
	}
	c, b := &g.closure, g.bytes[class]
	c.begin(s.home)
	c.spent += len(s.items) / placeItems
	for _, i := range s.items {
		if in := &g.program.Code[i.at()]; g.program.Sets[in.A].Has(b) {
			c.follow(place{in.B, 0, i.stack()})
		}
	}
	next := c.state(-1)
	s.next[class].Store(next)
	return next
}

// current returns s as a state of the home in use, after a look whether that is
// full.
func (g *Grammar) current(s *state) *state {
	if s.home == g.home.Load() {
		return s
	}
	g.own.Lock()
	defer g.own.Unlock()
	return g.moved(s)
}

// moved is current for who holds own.
func (g *Grammar) moved(s *state) *state {
	h := g.home.Load()
	if s.home == h {
		return s
	}
	if s.free >= 0 {
		return g.freeState(h, s.free)
	}
	c := &g.closure
	c.begin(h)
	c.accepts = s.accepts
	moved := map[int32]int32{empty: empty} // stacks: many items have parts in common
	var above []int32
	for _, i := range s.items {
		at := i.stack()
		stack, known := moved[at]
		for above = above[:0]; !known; stack, known = moved[at] {
			above = append(above, at)
			at = s.home.frames[at].below
		}
		for _, at := range slices.Backward(above) {
			f := s.home.frames[at]
			f.below = stack
			stack = h.push(f)
			moved[at] = stack
		}
		c.items = append(c.items, itemOf(i.at(), stack))
	}
	return c.state(-1)
}
