package grammar

import "github.com/weirgo/weir/server/ask"

// Watcher is a [Watch] of one generation. It belongs to one goroutine at a time.
// It is a sampling.Constraint.
type Watcher struct {
	watch *Watch
	at    int32 // the node, if the grammar does not hold
	holds bool
	held  Matcher
	bits  []uint64
	known int32 // the node that bits are of
}

// Watcher returns a generation's, which begins in a place.
func (w *Watch) Watcher(place int) *Watcher {
	return &Watcher{watch: w, at: w.roots[place], known: -1, held: Matcher{grammar: w.grammar}}
}

// Allowed returns a bit for each token that may come next; nil allows all. The
// bits are the watcher's, until Accept.
func (m *Watcher) Allowed() []uint64 {
	if m.holds {
		return m.held.Allowed()
	}
	never := m.watch.never(m.at)
	if len(never) == 0 {
		return nil
	}
	if m.known != m.at {
		if m.bits == nil {
			m.bits = make([]uint64, m.watch.grammar.vocabulary.words())
		}
		for i := range m.bits {
			m.bits[i] = ^uint64(0)
		}
		for _, t := range never {
			m.bits[t/64] &^= 1 << (t % 64)
		}
		m.known = m.at
	}
	return m.bits
}

// Free reports that all tokens may come next, and that this took no work to find
// out.
func (m *Watcher) Free() bool {
	if m.holds {
		return false
	}
	never := m.watch.nodes[m.at].never.Load()
	return never != nil && len(*never) == 0
}

// Holds reports whether the grammar holds.
func (m *Watcher) Holds() bool { return m.holds }

// Accept moves on by a token that was allowed.
func (m *Watcher) Accept(t ask.Token) {
	v := m.watch.grammar.vocabulary
	switch {
	case t < 0 || int(t) >= v.size:
		return
	case m.holds:
		m.held.Accept(t)
		m.release()
		return
	case v.isEnd(t):
		return
	}
	if mark, ok := m.watch.plan.Marks[t]; ok {
		m.read([]byte(mark))
	} else if !v.isSilent(t) {
		m.read(v.text(t))
	}
}

// read goes on by a text where the grammar does not hold.
func (m *Watcher) read(text []byte) {
	for i, b := range text {
		next, word := m.watch.step(m.at, b)
		if m.at = next; word == nil {
			continue
		}
		s := m.watch.begun(word)
		for _, b := range text[i+1:] {
			s = m.watch.grammar.step(s, b)
		}
		m.held = Matcher{grammar: m.held.grammar, state: s, bits: m.held.bits, written: m.held.written}
		m.holds = true
		m.release()
		return
	}
}

// release lets go where the grammar's text may end.
func (m *Watcher) release() {
	s := m.held.state
	if s.accepts && !m.held.ended && !(m.watch.plan.Lasts && len(s.items) > 0) {
		m.holds, m.at = false, m.watch.roots[m.watch.plan.Again]
	}
}
