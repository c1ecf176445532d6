package schema

import (
	"encoding/binary"
	"errors"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"

	grammar "github.com/weirgo/weir/server/grammar/syntax"
)

const (
	// maxStates is how many rules the patterns of one string may need, and
	// maxSteps how much work it may be to find them.
	maxStates = 1 << 13
	maxSteps  = 1 << 22
)

// automaton reads a string by several patterns at once, and counts its
// characters. State 0 is the begin. It is made as far as it is asked for.
type automaton struct {
	patterns    []*matcher
	least, most int
	cuts        []rune // where characters begin that a pattern may tell apart
	states      []reading
	index       map[string]int
	steps       int
}

// reading is where the patterns are after some text.
type reading struct {
	sets   [][]uint32 // for each pattern, its places; nil when it has matched
	length int
}

// edge is the characters that lead to a state.
type edge struct {
	ranges []grammar.Range
	to     int
}

// matcher is one pattern.
type matcher struct {
	program *syntax.Prog
	// again is where a match may begin later, nil if it must begin with the text.
	again []uint32
}

func newAutomaton(t textSpec) (*automaton, error) {
	a := &automaton{least: t.least, most: t.most, index: map[string]int{}, cuts: []rune{0}}
	start := reading{}
	for _, p := range slices.Concat(t.patterns, t.formats) {
		tree, err := syntax.Parse(p, syntax.Perl)
		if err != nil {
			return nil, err
		}
		endLines(tree)
		program, err := syntax.Compile(tree.Simplify())
		if err != nil {
			return nil, err
		}
		if err := a.prepare(program); err != nil {
			return nil, err
		}
		m := &matcher{program: program}
		first, matched := a.closure(m, nil, uint32(program.Start), syntax.EmptyBeginText|syntax.EmptyBeginLine)
		m.again, _ = a.closure(m, nil, uint32(program.Start), 0)
		if m.again == nil {
			m.again = []uint32{}
		}
		a.patterns = append(a.patterns, m)
		slices.Sort(first)
		start.sets = append(start.sets, whole(first, matched))
	}
	slices.Sort(a.cuts)
	a.cuts = slices.Compact(a.cuts)
	a.state(start)
	return a, nil
}

// endLines has each dot of a pattern match what it does in a schema: no character
// that ends a line. ECMA-262, 12.3, knows three that package regexp does not.
func endLines(tree *syntax.Regexp) {
	if tree.Op == syntax.OpAnyCharNotNL {
		tree.Op = syntax.OpCharClass
		tree.Rune = []rune{0, '\n' - 1, '\n' + 1, '\r' - 1, '\r' + 1, '\u2028' - 1, '\u2029' + 1, unicode.MaxRune}
	}
	for _, sub := range tree.Sub {
		endLines(sub)
	}
}

// whole is the places of a pattern, nil when it has matched.
func whole(places []uint32, matched bool) []uint32 {
	switch {
	case matched:
		return nil
	case places == nil:
		return []uint32{}
	}
	return places
}

// prepare notes which characters a program tells apart, and refuses what an
// automaton cannot do.
func (a *automaton) prepare(p *syntax.Prog) error {
	for _, in := range p.Inst {
		switch in.Op {
		case syntax.InstEmptyWidth:
			if op := syntax.EmptyOp(in.Arg); op&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
				return errors.New("\\b, \\B and (?m) are not supported in patterns: use ^ and $")
			}
		case syntax.InstRune, syntax.InstRune1:
			if len(in.Rune) == 1 {
				for r := in.Rune[0]; ; {
					a.cuts = append(a.cuts, r, r+1)
					if r = unicode.SimpleFold(r); r == in.Rune[0] {
						break
					}
				}
			}
			for i := 0; i+1 < len(in.Rune); i += 2 {
				a.cuts = append(a.cuts, in.Rune[i], in.Rune[i+1]+1)
			}
		}
		if len(a.cuts) > 1<<14 {
			return errors.New("the pattern tells too many characters apart: use simpler classes")
		}
	}
	return nil
}

// closure adds to places where at leads before a character, and reports whether
// that is a match. flags say where in the text it is.
func (a *automaton) closure(m *matcher, places []uint32, at uint32, flags syntax.EmptyOp) ([]uint32, bool) {
	todo := []uint32{at}
	seen := map[uint32]bool{}
	matched := false
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[at] {
			continue
		}
		seen[at] = true
		a.steps++
		switch in := &m.program.Inst[at]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, in.Out)
		case syntax.InstEmptyWidth:
			switch op := syntax.EmptyOp(in.Arg); {
			case op&^flags == 0:
				todo = append(todo, in.Out)
			case op&syntax.EmptyEndText != 0 && op&^flags&^syntax.EmptyEndText == 0:
				places = append(places, at) // perhaps at the end
			}
		case syntax.InstMatch:
			matched = true
		case syntax.InstFail:
		default:
			places = append(places, at)
		}
	}
	return places, matched
}

// state numbers a reading.
func (a *automaton) state(r reading) int {
	if a.most < 0 {
		r.length = min(r.length, a.least)
	}
	key := binary.LittleEndian.AppendUint32(nil, uint32(r.length))
	for _, set := range r.sets {
		key = binary.LittleEndian.AppendUint32(key, uint32(len(set)))
		if set == nil {
			key = append(key, 1)
		}
		for _, at := range set {
			key = binary.LittleEndian.AppendUint32(key, at)
		}
	}
	n, ok := a.index[string(key)]
	if !ok {
		n = len(a.states)
		a.index[string(key)] = n
		a.states = append(a.states, r)
	}
	return n
}

// accepts reports whether a text may end in a state.
func (a *automaton) accepts(n int) bool {
	r := a.states[n]
	if r.length < a.least {
		return false
	}
	for i, set := range r.sets {
		if set == nil {
			continue
		}
		ends := false
		flags := syntax.EmptyEndText | syntax.EmptyEndLine
		if n == 0 {
			flags |= syntax.EmptyBeginText | syntax.EmptyBeginLine
		}
		for _, at := range set {
			if a.patterns[i].program.Inst[at].Op == syntax.InstEmptyWidth {
				_, matched := a.closure(a.patterns[i], nil, at, flags)
				ends = ends || matched
			}
		}
		if !ends {
			return false
		}
	}
	return true
}

// edges returns where the characters lead.
func (a *automaton) edges(n int) []edge {
	from := a.states[n]
	if a.most >= 0 && from.length == a.most {
		return nil
	}
	var out []edge
	for i, low := range a.cuts {
		high := rune(utf8.MaxRune)
		if i+1 < len(a.cuts) {
			high = a.cuts[i+1] - 1
		}
		if low > high || low > utf8.MaxRune || a.steps > maxSteps {
			continue
		}
		next, ok := a.read(from, low)
		if !ok {
			continue
		}
		to := a.state(next)
		at := slices.IndexFunc(out, func(e edge) bool { return e.to == to })
		if at < 0 {
			at = len(out)
			out = append(out, edge{to: to})
		}
		out[at].ranges = append(out[at].ranges, grammar.Range{Low: low, High: high})
	}
	return out
}

// read returns where a character leads, false if no text that goes on so matches.
func (a *automaton) read(from reading, c rune) (reading, bool) {
	a.steps++
	next := reading{length: from.length + 1}
	for i, set := range from.sets {
		if set == nil {
			next.sets = append(next.sets, nil)
			continue
		}
		m := a.patterns[i]
		after := slices.Clone(m.again)
		matched := false
		for _, at := range set {
			a.steps++
			in := &m.program.Inst[at]
			if in.Op == syntax.InstEmptyWidth || !in.MatchRune(c) {
				continue
			}
			var did bool
			after, did = a.closure(m, after, in.Out, 0)
			matched = matched || did
		}
		slices.Sort(after)
		after = slices.Compact(after)
		if len(after) == 0 && !matched {
			return next, false
		}
		next.sets = append(next.sets, whole(after, matched))
	}
	return next, true
}
