package grammar

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weirgo/weir/server/ask"
)

// Place is a part of an answer in which some words mean something. An answer is
// in one place at a time, and goes from one to another by words.
type Place struct {
	Words []Word
	// First says that the words count only where the place begins, behind any of the
	// bytes in Blanks: what begins otherwise is in the place Else, which is none of
	// this kind.
	First  bool
	Blanks string
	Else   int
}

// Word is a text and where it leads. Where two begin in the same way, the shorter
// one counts.
type Word struct {
	Text string
	To   int // a place, or Held
	// Feed is what a grammar is given before what follows the word.
	Feed string
}

// Held is where a grammar holds.
const Held = -1

// Watch looks in what a model says for the places where a grammar begins to hold.
// The grammar then holds until its text may end, at the end of a token, and the
// answer goes on in the place Again. It is immutable, and shared by generations.
type Watch struct {
	grammar *Grammar
	plan    Plan
	nodes   []watchNode
	roots   []int32 // of the places
}

// Plan says what a [Watch] looks for.
type Plan struct {
	Places []Place
	Again  int
	// Lasts lets a grammar hold until nothing can follow, instead of until its text
	// may end.
	Lasts bool
	// Marks are tokens without a text, as the words spell them.
	Marks map[ask.Token]string
}

// watchNode is the beginning of some words of a place; the first of a place is that
// of none.
type watchNode struct {
	edges  []watchEdge
	fail   int32  // the longest other beginning that what leads here ends in, -1: none
	other  int32  // if that does not go on either: the place Else, -1: here
	blanks string // do not count
	word   *Word  // that ends here
	base   int32  // a node that what is no word leads to as well
	// never are the tokens that must not come, nil if that is not known yet.
	never atomic.Pointer[[]ask.Token]
}

type watchEdge struct {
	label byte
	to    int32
}

// watches are those of a grammar: one, since a plan follows from the grammar.
type watches struct {
	once sync.Once
	made *Watch
}

// Watch returns what begins a grammar that was compiled without a trigger, by the
// plan that the first who asks for it makes.
func (g *Grammar) Watch(plan func() Plan) *Watch {
	g.watches.once.Do(func() { g.watches.made = newWatch(g, plan()) })
	return g.watches.made
}

func newWatch(g *Grammar, plan Plan) *Watch {
	w := &Watch{grammar: g, plan: plan, roots: make([]int32, len(plan.Places))}
	for _, first := range []bool{false, true} {
		for i := range plan.Places {
			if plan.Places[i].First == first {
				w.grow(i)
			}
		}
	}
	for i := range plan.Places {
		if !plan.Places[i].First {
			w.never(w.roots[i]) // others follow from these
		}
	}
	return w
}

// grow makes the nodes of a place.
func (w *Watch) grow(place int) {
	p := &w.plan.Places[place]
	root := int32(len(w.nodes))
	w.roots[place] = root
	base, other := root, int32(-1)
	if p.First {
		other = w.roots[p.Else]
		base = other
	}
	add := func() int32 {
		w.nodes = append(w.nodes, watchNode{fail: -1, other: -1, base: base})
		return int32(len(w.nodes) - 1)
	}
	add()
	w.nodes[root].blanks, w.nodes[root].other = p.Blanks, other
	for i := range p.Words {
		word := &p.Words[i]
		at := root
		for _, b := range []byte(word.Text) {
			to := w.nodes[at].next(b)
			if to < 0 {
				to = add()
				w.nodes[at].edges = append(w.nodes[at].edges, watchEdge{b, to})
			}
			at = to
		}
		w.nodes[at].word = word
	}
	w.link(root, other)
}

// link says, shorter beginnings first, how what goes on with no word may end in
// another's beginning (Aho and Corasick 1975): in the same place, or in the place
// other.
func (w *Watch) link(root, other int32) {
	for level := []int32{root}; len(level) > 0; level = level[1:] {
		at := level[0]
		for _, e := range w.nodes[at].edges {
			level = append(level, e.to)
			switch {
			case other >= 0 && at == root:
				w.nodes[e.to].fail, _ = w.step(other, e.label)
			case at == root:
				w.nodes[e.to].fail = root
			default:
				w.nodes[e.to].fail, _ = w.step(w.nodes[at].fail, e.label)
			}
		}
	}
}

func (n *watchNode) next(b byte) int32 {
	for i := range n.edges {
		if n.edges[i].label == b {
			return n.edges[i].to
		}
	}
	return -1
}

// step returns where a byte leads, and the word that it ends if a grammar holds
// from there.
func (w *Watch) step(at int32, b byte) (next int32, held *Word) {
	for {
		n := &w.nodes[at]
		switch to := n.next(b); {
		case to >= 0:
			word := w.nodes[to].word
			if word != nil && word.To != Held {
				return w.roots[word.To], nil
			}
			return to, word
		case n.fail >= 0:
			at = n.fail
		case n.other < 0 || strings.IndexByte(n.blanks, b) >= 0:
			return at, nil
		default:
			at = n.other
		}
	}
}

// begun returns where the grammar is behind a word.
func (w *Watch) begun(word *Word) *state {
	s := w.grammar.start()
	for i := range len(word.Feed) {
		s = w.grammar.step(s, word.Feed[i])
	}
	return s
}

// spot is where a text has led: to a node, or into the grammar.
type spot struct {
	node int32
	held *state
}

func (w *Watch) move(at spot, b byte) spot {
	if at.held != nil {
		return spot{held: w.grammar.step(at.held, b)}
	}
	next, word := w.step(at.node, b)
	if word != nil {
		return spot{held: w.begun(word)}
	}
	return spot{node: next}
}

// never returns the tokens that must not come at a node: those that begin a call
// and go on otherwise than the grammar says.
func (w *Watch) never(at int32) []ask.Token {
	n := &w.nodes[at]
	if known := n.never.Load(); known != nil {
		return *known
	}
	var found []ask.Token
	if n.base == at {
		found = w.crossing(at, nil)
	} else {
		// Most tokens lead where they would without the beginning of a word.
		found = w.crossing(at, &spot{node: n.base})
		for _, t := range w.never(n.base) {
			if !slices.Contains(found, t) && w.crosses(at, t) {
				found = append(found, t)
			}
		}
	}
	n.never.Store(&found)
	return found
}

// crossing walks through the tokens by their bytes. What leads from both nodes to
// the same one is left out.
func (w *Watch) crossing(at int32, base *spot) (found []ask.Token) {
	all := &w.grammar.vocabulary.all
	path := make([]spot, maxPieceBytes+1)
	basePath := make([]spot, maxPieceBytes+1)
	path[0] = spot{node: at}
	if base != nil {
		basePath[0] = *base
	}
	for i := 0; i < len(all.nodes); {
		n := &all.nodes[i]
		next := w.move(path[n.depth], n.label)
		if next.held != nil && next.held.dead() {
			last := len(all.tokens)
			if int(n.skip) < len(all.nodes) {
				last = int(all.nodes[n.skip].first)
			}
			found = append(found, all.tokens[n.first:last]...)
			i = int(n.skip)
			continue
		}
		path[n.depth+1] = next
		if base != nil {
			basePath[n.depth+1] = w.move(basePath[n.depth], n.label)
			if next == basePath[n.depth+1] {
				i = int(n.skip)
				continue
			}
		}
		i++
	}
	return found
}

// crosses reports whether a token must not come at a node.
func (w *Watch) crosses(at int32, t ask.Token) bool {
	s := spot{node: at}
	for _, b := range w.grammar.vocabulary.text(t) {
		s = w.move(s, b)
	}
	return s.held != nil && s.held.dead()
}
