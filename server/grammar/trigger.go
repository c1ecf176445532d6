package grammar

import (
	"slices"

	"github.com/weirgo/weir/server/ask"
)

// Trigger is what a grammar waits for. Before it all is allowed, and the
// generation may end; the grammar holds from right after it. The first of any
// kind counts. Behind it, JSON may have two blanks before it. The zero value waits
// for nothing: the grammar holds at once.
type Trigger struct {
	// Words are texts. A token that goes beyond one must go on as the grammar
	// says.
	Words []string
	// Tokens are themselves a trigger, such as control tokens without a text.
	Tokens []ask.Token
}

// Bounds of a trigger.
const (
	maxTriggerWords = 64
	maxTriggerBytes = 4096 // all words
	triggerParam    = "trigger"
)

// None reports whether there is nothing to wait for.
func (t Trigger) None() bool { return len(t.Words) == 0 && len(t.Tokens) == 0 }

// trigger is one that is ready: its words are a trie, in which each text has the
// longest suffix that begins a word (Aho and Corasick 1975).
type trigger struct {
	nodes  []wordNode
	tokens []ask.Token
}

// wordNode is the beginning of some words.
type wordNode struct {
	next  [256]int32 // over all bytes, once ready
	whole bool       // a word ends here
}

func (t Trigger) ready() (*trigger, error) {
	if t.None() {
		return nil, nil
	}
	total := 0
	for _, w := range t.Words {
		if total += len(w); w == "" {
			return nil, ask.Invalid(triggerParam, "a word is empty: leave it out")
		}
	}
	if len(t.Words) > maxTriggerWords || total > maxTriggerBytes {
		return nil, ask.Invalid(triggerParam, "too many words, or too long ones: at most 64 with 4096 bytes together")
	}
	r := &trigger{nodes: make([]wordNode, 1), tokens: slices.Clone(t.Tokens)}
	for _, w := range t.Words {
		at := int32(0)
		for i := range len(w) {
			if r.nodes[at].next[w[i]] == 0 {
				r.nodes[at].next[w[i]] = int32(len(r.nodes))
				r.nodes = append(r.nodes, wordNode{})
			}
			at = r.nodes[at].next[w[i]]
		}
		r.nodes[at].whole = true
	}
	r.link()
	return r, nil
}

// link fills in, level by level, where bytes lead that go on with no word.
func (t *trigger) link() {
	suffix := make([]int32, len(t.nodes))
	level := []int32{0}
	for len(level) > 0 {
		at := level[0]
		level = level[1:]
		n := &t.nodes[at]
		n.whole = n.whole || t.nodes[suffix[at]].whole
		for b, to := range n.next {
			other := int32(0)
			if at != 0 {
				other = t.nodes[suffix[at]].next[b]
			}
			if to != 0 {
				suffix[to] = other
				level = append(level, to)
			} else {
				n.next[b] = other
			}
		}
	}
}

// after reports whether a token is a trigger.
func (t *trigger) after(token ask.Token) bool { return slices.Contains(t.tokens, token) }

// freeState returns the state before the trigger, at a node of its words. Who
// calls it holds own.
func (g *Grammar) freeState(h *home, node int32) *state {
	g.closure.begin(h)
	return g.closure.state(node)
}

// held returns where the grammar begins to hold.
func (g *Grammar) held() *state {
	g.own.Lock()
	defer g.own.Unlock()
	return g.home.Load().start
}

// freeStep is step before the trigger.
func (g *Grammar) freeStep(s *state, b byte) *state {
	g.own.Lock()
	defer g.own.Unlock()
	return g.freeLearn(s, b)
}

// freeLearn is freeStep for who holds own.
func (g *Grammar) freeLearn(s *state, b byte) *state {
	to := g.trigger.nodes[s.free].next[b]
	switch {
	case to == s.free:
		return s
	case g.trigger.nodes[to].whole:
		return s.home.start
	}
	return g.freeState(s.home, to)
}

// freeMask finds the tokens that are allowed before the trigger: all but those
// that go beyond it in another way than the grammar says.
func (g *Grammar) freeMask(s *state) *mask {
	if len(g.trigger.nodes) == 1 {
		return &mask{every: true} // no words
	}
	m := &mask{many: make([]uint64, g.vocabulary.words()), every: true}
	for _, t := range g.vocabulary.ends {
		set(m.many, t)
	}
	g.limit = g.closure.spent + walkPlaces
	g.path[0] = s
	nodes, tokens := g.vocabulary.all.nodes, g.vocabulary.all.tokens
	for i := 0; i < len(nodes); {
		n := &nodes[i]
		at := g.path[n.depth]
		var next *state
		if at.free >= 0 {
			next = g.freeLearn(at, n.label)
		} else {
			next = g.walkStep(at, g.program.ClassOf[n.label])
		}
		if next == nil || next.dead() {
			m.every, m.cut = false, m.cut || next == nil
			i = int(n.skip)
			continue
		}
		for _, t := range tokens[n.first : n.first+uint32(n.count)] {
			set(m.many, t)
		}
		g.path[n.depth+1] = next
		i++
	}
	if m.every {
		m.many = nil
	}
	return m
}
