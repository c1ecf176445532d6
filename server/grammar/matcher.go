package grammar

import "github.com/weirgo/weir/server/ask"

// Matcher holds one generation to a grammar. It belongs to one goroutine at a
// time. It is a sampling.Constraint.
type Matcher struct {
	grammar *Grammar
	state   *state
	ended   bool
	bits    []uint64
	written *mask // that bits hold
}

// Matcher returns a new generation's.
func (g *Grammar) Matcher() *Matcher {
	return &Matcher{grammar: g, state: g.start()}
}

// Allowed returns a bit for each token that may come next; nil allows all. The
// bits are the matcher's, until Accept. There is always one at least: where
// nothing may follow, those that end the generation.
func (m *Matcher) Allowed() []uint64 {
	g := m.grammar
	var next *mask
	if m.ended {
		next = g.ended
	} else {
		m.state, next = g.maskOf(m.state)
	}
	if next.every {
		return nil
	}
	if next != m.written {
		if m.bits == nil {
			m.bits = make([]uint64, g.vocabulary.words())
		}
		next.write(m.bits, g.vocabulary)
		m.written = next
	}
	return m.bits
}

// Accept moves on by a token that was allowed. One that was not leaves nothing
// but the end.
func (m *Matcher) Accept(t ask.Token) {
	g := m.grammar
	if m.ended || t < 0 || int(t) >= g.vocabulary.size {
		return
	}
	if m.state.free >= 0 && g.trigger.after(t) {
		m.state = g.held()
		return
	}
	if g.vocabulary.isEnd(t) {
		m.ended = true
		return
	}
	m.state = g.current(m.state)
	for _, b := range g.vocabulary.text(t) {
		m.state = g.step(m.state, b)
	}
}

// CanEnd reports whether the text may end here.
func (m *Matcher) CanEnd() bool { return m.ended || m.state.free >= 0 || m.state.accepts }

// Holds reports whether the grammar has begun to hold: at once without a
// trigger, and after it with one.
func (m *Matcher) Holds() bool { return m.state.free < 0 }
