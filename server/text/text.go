package text

import "unicode/utf8"

// Text assembles the text of one generation. The zero value has no stop
// strings. It belongs to one goroutine, and is not copied after Reset.
//
// Bytes move through three places:
//
//	part[:partLen]  the first bytes of a character
//	out[free:]      text that may be the beginning of a stop string
//	out[:free]      text for the next Take
//
// What Take hands out stays where it is, out[:given], until something is added.
//
// A token is open while its last byte is in part. Then it gets a mark, the
// place in the text where it ends, and Take counts it once it has handed out
// the text up to there.
type Text struct {
	stops     []stop
	stopped   bool
	stopIndex int // of the stop string that matched

	part    [utf8.UTFMax]byte
	partLen int
	open    [utf8.UTFMax + 1]int // tokens that end after so many bytes of part

	out    []byte
	given  int // bytes of out that Take has handed out
	free   int
	broken []byte // a copy of a token that is no valid UTF-8 by itself
	taken  int    // bytes of text handed out
	marks  []mark
	one    [1]mark // what marks begin in
	closed mark    // the last one handed out
}

// mark says that so many tokens end at a place in the text.
type mark struct {
	end    int // bytes from the start of the text
	tokens int
	shared bool // the character that ends here has bytes of the next token too
}

// Reset prepares for a new generation and keeps the memory. Stop strings are
// valid UTF-8 and not empty, and at most 32 KiB long.
func (t *Text) Reset(stops []string) {
	t.stops = t.stops[:cap(t.stops)]
	for len(t.stops) < len(stops) {
		t.stops = append(t.stops, stop{})
	}
	t.stops = t.stops[:len(stops)]
	for i, s := range stops {
		t.stops[i].reset(s)
	}
	t.stopped, t.stopIndex = false, 0
	t.partLen, t.open = 0, [utf8.UTFMax + 1]int{}
	t.out, t.given, t.free, t.taken = t.out[:0], 0, 0, 0
	if t.marks == nil {
		t.marks = t.one[:]
	}
	t.marks, t.closed = t.marks[:0], mark{}
}

// Add appends the bytes of one token, which may be none, and reports whether a
// stop string is complete. After that the text is, and what is added is
// ignored.
func (t *Text) Add(piece []byte) (stopped bool) {
	return t.Added(append(t.Tail(), piece...))
}

// Tail is where a token's bytes are appended in place, for Added. It ends what
// Take has handed out.
func (t *Text) Tail() []byte {
	t.drop()
	return t.out
}

// Added is Add for a token whose bytes were appended to what Tail returned.
func (t *Text) Added(out []byte) (stopped bool) {
	if t.stopped {
		return true
	}
	piece := out[len(t.out):]
	if t.partLen == 0 && utf8.Valid(piece) {
		t.out = out
		t.match(len(piece))
	} else {
		// Its bytes are looked at one by one, and what they become takes
		// their place: so they move out of the way.
		t.broken = append(t.broken[:0], piece...)
		t.out = out[:len(t.out)]
		for i := 0; i < len(t.broken) && !t.stopped; i++ {
			t.addByte(t.broken[i])
		}
	}
	if t.stopped {
		return true
	}
	t.open[t.partLen]++
	if t.partLen == 0 {
		t.closeTokens(0)
	}
	return false
}

// drop forgets what Take has handed out.
func (t *Text) drop() {
	if t.given > 0 {
		t.out = t.out[:copy(t.out, t.out[t.given:])]
		t.given = 0
	}
}

// addByte appends one byte of a token that is not valid UTF-8 by itself.
func (t *Text) addByte(c byte) {
	t.part[t.partLen] = c
	t.partLen++
	for t.partLen > 0 && !t.stopped && utf8.FullRune(t.part[:t.partLen]) {
		r, size := utf8.DecodeRune(t.part[:t.partLen])
		if r == utf8.RuneError && size == 1 {
			// All but the byte just added could have begun a character.
			size = max(t.partLen-1, 1)
		}
		t.emit(r, size)
	}
}

// emit replaces the first size bytes of part by a character of the text.
func (t *Text) emit(r rune, size int) {
	before := len(t.out)
	t.out = utf8.AppendRune(t.out, r)
	copy(t.part[:], t.part[size:t.partLen])
	t.partLen -= size
	t.match(len(t.out) - before)
	if !t.stopped {
		t.closeTokens(size)
	}
}

// closeTokens marks the tokens that ended in the first size bytes of part,
// which have left it, with the end of the text.
func (t *Text) closeTokens(size int) {
	m := mark{end: t.taken + len(t.out), shared: t.open[size] == 0}
	for _, n := range t.open[:size+1] {
		m.tokens += n
	}
	copy(t.open[:], t.open[size:])
	clear(t.open[len(t.open)-size:])
	t.open[0] = 0
	if n := len(t.marks); n > 0 && t.marks[n-1].end == m.end {
		t.marks[n-1].tokens += m.tokens
		t.marks[n-1].shared = m.shared
	} else if m.tokens > 0 {
		t.marks = append(t.marks, m)
	}
}

// match looks for stop strings in the last n bytes of out and sets free.
func (t *Text) match(n int) {
	held := 0
	for i := range t.stops {
		held = max(held, t.stops[i].matched)
	}
	for at := len(t.out) - n; at < len(t.out); at++ {
		held = 0
		longest := 0
		for i := range t.stops {
			s := &t.stops[i]
			s.next(t.out[at])
			held = max(held, s.matched)
			if s.matched == len(s.text) && s.matched > longest {
				longest = s.matched
				t.stopIndex = i
			}
		}
		if longest > 0 {
			t.cut(at + 1 - longest)
			return
		}
	}
	t.free = len(t.out) - held
}

// cut ends the text at out[:n], before a stop string. Of the tokens that go
// over the cut, the first counts if some of its bytes come before.
func (t *Text) cut(n int) {
	t.stopped = true
	t.out, t.free, t.partLen = t.out[:n], n, 0
	end, last := t.taken+n, t.closed
	kept := 0
	for _, m := range t.marks {
		if m.end > end {
			break
		}
		last = m
		kept++
	}
	t.marks = t.marks[:kept]
	if last.end < end || last.shared {
		t.marks = append(t.marks, mark{end: end, tokens: 1})
	}
}

// Flush ends the text: what was held back is handed out by the next Take, an
// incomplete character as U+FFFD. It reports whether that completed a stop
// string.
func (t *Text) Flush() (stopped bool) {
	t.drop()
	if t.stopped {
		return true
	}
	if t.partLen > 0 {
		t.emit(utf8.RuneError, t.partLen)
	}
	if !t.stopped {
		t.free = len(t.out)
	}
	return t.stopped
}

// Take returns the text that may be sent: valid UTF-8, and the part of the text
// since the last Take. It is the Text's own memory and holds until something is
// added or taken. tokens is how many more tokens of those added, in order, the
// text so far contains in full; after a stop string or Flush also those it
// contains in part.
func (t *Text) Take() (delta []byte, tokens int) {
	t.drop()
	delta, t.given = t.out[:t.free], t.free
	t.taken += t.free
	t.free = 0
	done := 0
	for _, m := range t.marks {
		if m.end > t.taken {
			break
		}
		tokens += m.tokens
		t.closed = m
		done++
	}
	t.marks = t.marks[:copy(t.marks, t.marks[done:])]
	return delta, tokens
}

// Stop returns which stop string ended the text.
func (t *Text) Stop() (index int, ok bool) { return t.stopIndex, t.stopped }
