package calls

// scanner checks one JSON object or array, a byte at a time. It is more lenient
// than the standard in one thing: a string may hold control characters, which
// models write; who copies the string escapes them.
type scanner struct {
	expects expectation
	depth   int
	objects uint64 // bit n: the container at depth n+1 is an object
	key     bool   // the string is a key
	literal string // what is left of true, false or null
	hex     int    // digits left of \uXXXX
}

// scanDepth is how deep arguments may nest: bits of scanner.objects.
const scanDepth = 64

type expectation uint8

const (
	expectValue     expectation = iota
	expectItem                  // a value or the end of the array
	expectFirstKey              // a key or the end of the object
	expectKey                   // after a comma
	expectColon                 //
	expectNext                  // a comma or the end of the container
	expectText                  // within a string
	expectEscape                // after its backslash
	expectHex                   // after \u
	expectLiteral               // within true, false or null
	expectDigit                 // after a minus
	expectPoint                 // after a zero: a point or an exponent
	expectInteger               // digits, a point or an exponent
	expectFraction              // a digit, after a point
	expectFractions             // digits or an exponent
	expectExponent              // a sign or a digit, after an e
	expectExponents             // a digit, after the sign
	expectPower                 // digits
	expectNothing               // it is whole
)

// happening is what a byte was for the structure.
type happening uint8

const (
	nothing      happening = iota
	keyBegins              // the byte is a key's first quote
	keyEnds                // a key's last
	valueBegins            // the byte is a value's first; a container is entered
	stringEnds             // a value's last quote
	containerEnd           // depth has gone down
)

// step takes a byte. It reports false if no JSON goes on so; the scanner is as
// before then.
func (s *scanner) step(c byte) (happening, bool) {
	switch s.expects {
	case expectText, expectEscape, expectHex:
		return s.text(c)
	case expectLiteral:
		if c != s.literal[0] {
			return nothing, false
		}
		if s.literal = s.literal[1:]; s.literal == "" {
			s.expects = expectNext
		}
		return nothing, true
	case expectDigit, expectPoint, expectInteger, expectFraction, expectFractions, expectExponent, expectExponents, expectPower:
		if next, ok := number(s.expects, c); ok {
			s.expects = next
			return nothing, true
		}
		switch s.expects {
		case expectPoint, expectInteger, expectFractions, expectPower: // it may end here
			before := s.expects
			s.expects = expectNext
			h, ok := s.structure(c)
			if !ok {
				s.expects = before
			}
			return h, ok
		}
		return nothing, false
	}
	return s.structure(c)
}

// structure takes a byte between values.
func (s *scanner) structure(c byte) (happening, bool) {
	if blank(c) {
		return nothing, true
	}
	switch s.expects {
	case expectValue:
		return s.value(c)
	case expectItem:
		if c == ']' {
			return s.leave(c)
		}
		return s.value(c)
	case expectFirstKey:
		if c == '}' {
			return s.leave(c)
		}
		return s.begin(c)
	case expectKey:
		return s.begin(c)
	case expectColon:
		if c == ':' {
			s.expects = expectValue
			return nothing, true
		}
	case expectNext:
		switch {
		case c == ',' && s.inObject():
			s.expects = expectKey
			return nothing, true
		case c == ',':
			s.expects = expectValue
			return nothing, true
		}
		return s.leave(c)
	}
	return nothing, false
}

func (s *scanner) inObject() bool { return s.depth > 0 && s.objects>>(s.depth-1)&1 == 1 }

// begin takes the first quote of a key.
func (s *scanner) begin(c byte) (happening, bool) {
	if c != '"' {
		return nothing, false
	}
	s.expects, s.key = expectText, true
	return keyBegins, true
}

// value takes the first byte of a value.
func (s *scanner) value(c byte) (happening, bool) {
	switch {
	case c == '{' || c == '[':
		if s.depth == scanDepth {
			return nothing, false
		}
		s.objects &^= 1 << s.depth
		s.expects = expectItem
		if c == '{' {
			s.objects |= 1 << s.depth
			s.expects = expectFirstKey
		}
		s.depth++
	case s.depth == 0:
		return nothing, false
	case c == '"':
		s.expects, s.key = expectText, false
	case c == 't':
		s.expects, s.literal = expectLiteral, "rue"
	case c == 'f':
		s.expects, s.literal = expectLiteral, "alse"
	case c == 'n':
		s.expects, s.literal = expectLiteral, "ull"
	case c == '-':
		s.expects = expectDigit
	case c == '0':
		s.expects = expectPoint
	case '1' <= c && c <= '9':
		s.expects = expectInteger
	default:
		return nothing, false
	}
	return valueBegins, true
}

// leave takes the end of a container.
func (s *scanner) leave(c byte) (happening, bool) {
	if s.depth == 0 || s.inObject() != (c == '}') || c != '}' && c != ']' {
		return nothing, false
	}
	if s.depth--; s.depth == 0 {
		s.expects = expectNothing
	} else {
		s.expects = expectNext
	}
	return containerEnd, true
}

// text takes a byte within a string.
func (s *scanner) text(c byte) (happening, bool) {
	switch {
	case s.expects == expectEscape:
		switch c {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			s.expects = expectText
		case 'u':
			s.expects, s.hex = expectHex, 4
		default:
			return nothing, false
		}
	case s.expects == expectHex:
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return nothing, false
		}
		if s.hex--; s.hex == 0 {
			s.expects = expectText
		}
	case c == '\\':
		s.expects = expectEscape
	case c == '"' && s.key:
		s.expects = expectColon
		return keyEnds, true
	case c == '"':
		s.expects = expectNext
		return stringEnds, true
	}
	return nothing, true
}

// number returns what follows a byte within a number.
func number(expects expectation, c byte) (expectation, bool) {
	digit := '0' <= c && c <= '9'
	exponent := c|0x20 == 'e'
	switch expects {
	case expectDigit:
		if c == '0' {
			return expectPoint, true
		}
		return expectInteger, digit
	case expectPoint, expectInteger:
		switch {
		case c == '.':
			return expectFraction, true
		case exponent:
			return expectExponent, true
		}
		return expectInteger, digit && expects == expectInteger
	case expectFraction, expectFractions:
		if exponent && expects == expectFractions {
			return expectExponent, true
		}
		return expectFractions, digit
	case expectExponent:
		if c == '+' || c == '-' {
			return expectExponents, true
		}
	}
	return expectPower, digit
}

// appendRest appends what makes the value whole.
func (s *scanner) appendRest(dst []byte) []byte {
	switch s.expects {
	case expectText, expectEscape, expectHex:
		dst = s.appendQuote(dst)
	case expectLiteral:
		dst = append(dst, s.literal...)
	case expectDigit, expectFraction, expectExponent, expectExponents:
		dst = append(dst, '0')
	case expectValue:
		dst = append(dst, "null"...)
	case expectKey:
		dst = append(dst, `"":null`...)
	case expectColon:
		dst = append(dst, ":null"...)
	}
	for depth := s.depth; depth > 0; depth-- {
		if s.objects>>(depth-1)&1 == 1 {
			dst = append(dst, '}')
		} else {
			dst = append(dst, ']')
		}
	}
	return dst
}

// appendQuote appends the end of a string that is broken off.
func (s *scanner) appendQuote(dst []byte) []byte {
	switch s.expects {
	case expectEscape:
		dst = append(dst, '\\')
	case expectHex:
		for range s.hex {
			dst = append(dst, '0')
		}
	}
	dst = append(dst, '"')
	if s.key {
		dst = append(dst, ":null"...)
	}
	return dst
}

// whole reports whether the value is complete.
func (s *scanner) whole() bool { return s.expects == expectNothing }

// inText reports whether the next byte is a string's own.
func (s *scanner) inText() bool { return s.expects == expectText }

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
