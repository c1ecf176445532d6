package split

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// Special is a token that stands for itself wherever its text occurs.
type Special struct {
	Token int32
	Text  string // not empty
	// Control tokens are found in trusted text alone.
	Control bool
	// Visible tokens are found by the library too, whatever it is told.
	Visible bool
	// StripLeft and StripRight swallow the white space at that side.
	StripLeft, StripRight bool
}

// Part is what a text consists of: a special token, or raw text.
type Part struct {
	From, To int   // of the text, in bytes
	Token    int32 // -1: raw text
	// Joined is raw text that continues the raw text before it.
	Joined bool
}

// Range is the bytes [From, To) of a text.
type Range struct{ From, To int }

// Specials finds special tokens. It does not change and may be shared.
type Specials struct {
	list   []Special      // by text
	first  [256 + 1]int32 // list[first[b]:first[b+1]] begin with byte b
	hidden bool           // some are Control and Visible
}

// NewSpecials makes the finder of a vocabulary's special tokens.
func NewSpecials(list []Special) *Specials {
	s := &Specials{list: slices.SortedFunc(slices.Values(list), func(a, b Special) int { return cmp.Compare(a.Text, b.Text) })}
	for _, special := range list {
		s.first[int(special.Text[0])+1]++
		s.hidden = s.hidden || special.Control && special.Visible
	}
	for b := range 256 {
		s.first[b+1] += s.first[b]
	}
	return s
}

// Split gives the parts of text in their order until yield returns false.
// Control tokens are found where they lie within one of the ranges, which are
// in order.
//
// As in the library, longer tokens go first, wherever they are, then those that
// begin first; what they leave free is searched for shorter ones.
func (s *Specials) Split(text string, trusted []Range, yield func(Part) bool) {
	p := splitting{s: s, text: text, trusted: trusted, yield: yield}
	p.region(0, 0, len(text))
}

type splitting struct {
	s       *Specials
	text    string
	trusted []Range
	yield   func(Part) bool
}

// region gives the parts of text[raw:to], of which nothing before at begins a
// token.
func (p *splitting) region(raw, at, to int) bool {
	for at < to {
		var found *Special
		if b := p.text[at]; p.s.first[b] < p.s.first[int(b)+1] {
			found = p.longest(at, to, false)
		}
		if found == nil {
			at++
			continue
		}
		begin := at
		for next := at + 1; next < min(begin+len(found.Text), to); next++ {
			if longer := p.longest(next, to, false); longer != nil && len(longer.Text) > len(found.Text) {
				found, begin = longer, next
			}
		}
		left := begin
		for found.StripLeft && left > raw && isSpace(p.text[left-1]) {
			left--
		}
		if !p.region(raw, min(at, left), left) || !p.yield(Part{From: begin, To: begin + len(found.Text), Token: found.Token}) {
			return false
		}
		at = begin + len(found.Text)
		for found.StripRight && at < to && isSpace(p.text[at]) {
			at++
		}
		raw = at
	}
	return raw >= to || p.raw(raw, to)
}

// raw gives raw text. Where a control token is spelt out that the library would
// find though it must not, the text is cut within it.
func (p *splitting) raw(from, to int) bool {
	joined := false
	for at := from; p.s.hidden && at < to; at++ {
		if p.longest(at, to, true) != nil {
			if !p.yield(Part{From: from, To: at + 1, Token: -1, Joined: joined}) {
				return false
			}
			from, joined = at+1, true
		}
	}
	return p.yield(Part{From: from, To: to, Token: -1, Joined: joined})
}

// longest returns the longest token at text[at:to] that may be found there: of
// those that stay hidden, or of the others.
func (p *splitting) longest(at, to int, hidden bool) (found *Special) {
	b := p.text[at]
	low, high := int(p.s.first[b]), int(p.s.first[int(b)+1])
	for depth := 1; low < high; depth++ {
		// list[low:high] begin with text[at:at+depth], the shortest first.
		if s := &p.s.list[low]; len(s.Text) == depth {
			if p.shows(s, at) != hidden && (!hidden || s.Visible) {
				found = s
			}
			low++
		}
		if at+depth == to || low == high {
			break
		}
		low, high = p.s.narrow(low, high, depth, p.text[at+depth])
	}
	return found
}

// shows reports whether a token may be found at a place.
func (p *splitting) shows(s *Special, at int) bool {
	if !s.Control {
		return true
	}
	i := sort.Search(len(p.trusted), func(i int) bool { return p.trusted[i].To > at })
	return i < len(p.trusted) && p.trusted[i].From <= at && at+len(s.Text) <= p.trusted[i].To
}

// narrow returns which of list[low:high], all longer than depth, have byte b
// there.
func (s *Specials) narrow(low, high, depth int, b byte) (int, int) {
	if s.list[low].Text[depth] == b && s.list[high-1].Text[depth] == b {
		return low, high
	}
	byteAt := func(i int) byte { return s.list[low+i].Text[depth] }
	n := high - low
	first := sort.Search(n, func(i int) bool { return byteAt(i) >= b })
	last := sort.Search(n, func(i int) bool { return byteAt(i) > b })
	return low + first, low + last
}

// isSpace is C's isspace, which the library asks.
func isSpace(b byte) bool { return strings.IndexByte(" \t\n\v\f\r", b) >= 0 }
