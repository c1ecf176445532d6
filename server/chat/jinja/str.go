package jinja

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Piece is a run of rendered text with one origin.
type Piece struct {
	Text string
	// Trusted is set if the template wrote the text itself, or the model's
	// file did: it may name control tokens. Other text came from the client:
	// it must never become one, whatever it looks like.
	Trusted bool
}

// Str is Python's str: valid UTF-8, and which bytes of it are trusted.
type Str struct {
	text    string
	trusted bool  // whether the first byte is, or would be
	cuts    []int // offsets at which that changes, ascending, none at the ends
}

// String returns a string with one origin.
func String(text string, trusted bool) *Str { return &Str{text: text, trusted: trusted} }

// Text returns the text without its origin.
func (s *Str) Text() string { return s.text }

func own(text string) *Str { return &Str{text: text, trusted: true} }

// trustedAt reports the origin of the byte at an offset, of the last byte for
// the length.
func (s *Str) trustedAt(at int) bool {
	if s.cuts == nil {
		return s.trusted
	}
	at = min(at, max(0, len(s.text)-1))
	n := sort.SearchInts(s.cuts, at+1) // the cuts up to at
	return s.trusted == (n%2 == 0)
}

// cut returns the bytes from one offset to another.
func (s *Str) cut(from, to int) *Str {
	if from == 0 && to == len(s.text) {
		return s
	}
	part := &Str{text: s.text[from:to], trusted: s.trustedAt(from)}
	if s.cuts != nil {
		low, high := sort.SearchInts(s.cuts, from+1), sort.SearchInts(s.cuts, to)
		if low < high {
			part.cuts = slices.Clone(s.cuts[low:high])
			for i := range part.cuts {
				part.cuts[i] -= from
			}
		}
	}
	return part
}

// runs calls f for each run of one origin.
func (s *Str) runs(f func(text string, trusted bool)) {
	from, trusted := 0, s.trusted
	for _, cut := range s.cuts {
		f(s.text[from:cut], trusted)
		from, trusted = cut, !trusted
	}
	if from < len(s.text) {
		f(s.text[from:], trusted)
	}
}

// runes returns how many characters there are.
func (s *Str) runes(r *run) int {
	r.spend(len(s.text) >> 4)
	return utf8.RuneCountInString(s.text)
}

// offset returns where character n begins; n is at most the length.
func (s *Str) offset(r *run, n, length int) int {
	if length == len(s.text) {
		return n // all ASCII
	}
	at := 0
	for range n {
		at += s.sizeAt(at)
	}
	r.walk(at)
	return at
}

// sizeAt returns the size of the character at an offset.
func (s *Str) sizeAt(at int) int {
	_, size := utf8.DecodeRuneInString(s.text[at:])
	return size
}

// builder puts strings together.
type builder struct {
	r     *run
	buf   strings.Builder
	limit int // of bytes
	first bool
	now   bool
	cuts  []int
}

func (r *run) builder() builder { return builder{r: r, limit: r.limits.Bytes} }

// put appends text of one origin.
func (b *builder) put(text string, trusted bool) {
	if text == "" {
		return
	}
	b.r.take(len(text))
	b.mark(trusted)
	if b.buf.Len()+len(text) > b.limit {
		fail("it makes more than %d bytes of text; send fewer or shorter messages", b.limit)
	}
	b.buf.WriteString(text)
}

// own appends text of the template's.
func (b *builder) own(text string) { b.put(text, true) }

func (b *builder) mark(trusted bool) {
	switch {
	case b.buf.Len() == 0:
		b.first, b.now = trusted, trusted
	case b.now != trusted:
		if b.cuts == nil {
			b.cuts = make([]int, 0, 4)
		}
		b.cuts = append(b.cuts, b.buf.Len())
		b.now = trusted
	}
}

// add appends a string.
func (b *builder) add(s *Str) {
	if s.cuts == nil {
		b.put(s.text, s.trusted)
		return
	}
	from, trusted := 0, s.trusted
	for _, cut := range s.cuts {
		b.put(s.text[from:cut], trusted)
		from, trusted = cut, !trusted
	}
	b.put(s.text[from:], trusted)
}

// str returns what was built. The builder is done with.
func (b *builder) str() *Str {
	return &Str{text: b.buf.String(), trusted: b.buf.Len() == 0 || b.first, cuts: b.cuts}
}

// pieces returns what was built.
func (b *builder) pieces() []Piece {
	whole := b.str()
	if whole.text == "" {
		return nil
	}
	pieces := make([]Piece, 0, len(whole.cuts)+1)
	whole.runs(func(text string, trusted bool) { pieces = append(pieces, Piece{text, trusted}) })
	return pieces
}

// mapped returns a string whose characters are each replaced by a text.
func (r *run) mapped(s *Str, change func(at int, c rune) string) *Str {
	r.walk(len(s.text))
	b := r.builder()
	b.buf.Grow(len(s.text))
	trusted, cuts := s.trusted, s.cuts
	for at, c := range s.text {
		if len(cuts) > 0 && at == cuts[0] {
			trusted, cuts = !trusted, cuts[1:]
		}
		b.put(change(at, c), trusted)
	}
	if b.buf.Len() == 0 {
		return &Str{trusted: s.trusted}
	}
	return b.str()
}

// repeated returns n copies.
func (r *run) repeated(s *Str, n int) *Str {
	if n <= 0 || s.text == "" {
		return &Str{trusted: s.trusted}
	}
	r.takeTimes(n, len(s.text))
	if s.cuts == nil {
		return &Str{text: strings.Repeat(s.text, n), trusted: s.trusted}
	}
	r.takeTimes(n, 8*(len(s.cuts)+1))
	b := r.builder()
	for range n {
		b.add(s)
	}
	return b.str()
}

// concat returns two strings as one.
func (r *run) concat(a, c *Str) *Str {
	switch {
	case a.text == "":
		return c
	case c.text == "":
		return a
	case a.cuts == nil && c.cuts == nil && a.trusted == c.trusted:
		r.take(len(a.text) + len(c.text))
		return &Str{text: a.text + c.text, trusted: a.trusted}
	}
	b := r.builder()
	b.buf.Grow(len(a.text) + len(c.text))
	b.add(a)
	b.add(c)
	return b.str()
}
