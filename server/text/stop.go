package text

// stop finds one stop string in a stream of bytes, after Knuth, Morris and
// Pratt.
type stop struct {
	text    string
	matched int // bytes of text that the stream ends with
	// shorter[n] is the longest proper beginning of text[:n+1] that also
	// ends it: where to go on when the next byte does not match.
	shorter []int16
}

// reset begins the search for text.
func (s *stop) reset(text string) {
	s.text, s.matched = text, 0
	s.shorter = append(s.shorter[:0], 0)
	for i := 1; i < len(text); i++ {
		n := int(s.shorter[i-1])
		for n > 0 && text[n] != text[i] {
			n = int(s.shorter[n-1])
		}
		if text[n] == text[i] {
			n++
		}
		s.shorter = append(s.shorter, int16(n))
	}
}

// next takes one byte of the stream. It is not called after a full match.
func (s *stop) next(c byte) {
	for s.matched > 0 && s.text[s.matched] != c {
		s.matched = int(s.shorter[s.matched-1])
	}
	if s.text[s.matched] == c {
		s.matched++
	}
}
