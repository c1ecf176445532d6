package stream

import "unicode/utf8"

// Frames that every stream ends with or stays alive by.
const (
	DoneFrame = "data: [DONE]\n\n"
	// KeepAliveFrame is a comment: clients ignore it.
	KeepAliveFrame = ": keep-alive\n\n"
)

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
	text := []byte(s) // no copy: it neither changes nor escapes
	dst = append(dst, '"')
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
	dst = append(dst, text[from:]...)
	return append(dst, '"')
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
