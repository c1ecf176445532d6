package wire

import (
	"strconv"
	"unicode/utf8"
)

// DoneFrame ends every stream that ends in order.
const DoneFrame = "data: [DONE]\n\n"

// CommentFrame is an event stream's comment: clients skip it.
const CommentFrame = ":\n\n"

// AppendFrame appends a server-sent event with data, which must not contain
// line breaks; JSON has none outside of its strings and escapes them inside.
func AppendFrame(dst, data []byte) []byte {
	dst = append(dst, "data: "...)
	dst = append(dst, data...)
	return append(dst, "\n\n"...)
}

// plain says which bytes stand for themselves in a JSON string.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// AppendJSONString appends s as a JSON string, quotes included, as
// encoding/json/v2 writes it: only what must be escaped is. Invalid UTF-8
// becomes U+FFFD, one for each byte.
func AppendJSONString[S ~string | ~[]byte](dst []byte, s S) []byte {
	return append(AppendJSONText(append(dst, '"'), s), '"')
}

// AppendJSONText is AppendJSONString without the quotes, for a string that comes
// in pieces of whole characters.
func AppendJSONText[S ~string | ~[]byte](dst []byte, s S) []byte {
	text := []byte(s) // no copy: it neither changes nor escapes
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if plain[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = appendEscape(append(dst, text[from:i]...), c)
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(append(dst, text[from:i]...), "\ufffd"...)
			from = i + 1
		}
		i += size
	}
	return append(dst, text[from:]...)
}

// appendEscape appends a character below 0x80 that must be escaped.
func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// AppendByteArray appends bytes as an array of numbers.
func AppendByteArray(dst, b []byte) []byte {
	dst = append(dst, '[')
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(c), 10)
	}
	return append(dst, ']')
}
