package llama

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// spelling is which characters a SentencePiece vocabulary can spell. One that
// is no token is spelt in bytes, and the library ends the process over a byte
// that is none either.
type spelling struct {
	bytes      [256]bool
	characters map[rune]bool
}

// newSpelling returns nil for a vocabulary that spells every byte.
func newSpelling(c *sys.Library, vocab sys.Vocab, size int) *spelling {
	s := &spelling{characters: map[rune]bool{}}
	missing := 256
	for token := range int32(size) {
		text := c.Text(vocab, token)
		b, ok := byteOf(text)
		if ok && !s.bytes[b] {
			s.bytes[b] = true
			missing--
		}
		if r, n := utf8.DecodeRuneInString(text); n == len(text) && n > 0 {
			s.characters[r] = true
		}
	}
	if missing == 0 {
		return nil
	}
	return s
}

// byteOf returns the byte that a token is for: "<0x0A>", or the byte itself.
func byteOf(text string) (b byte, ok bool) {
	if len(text) == 1 {
		return text[0], true
	}
	if len(text) != len("<0x00>") || text[:3] != "<0x" || text[5] != '>' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[3:5], 16, 8)
	if err != nil || fmt.Sprintf("<0x%02X>", n) != text {
		return 0, false // the library looks for upper case
	}
	return byte(n), true
}

// check says which character of a text cannot be spelt.
func (s *spelling) check(text string) error {
	if s == nil {
		return nil
	}
	for i, r := range text {
		n := utf8.RuneLen(r)
		if r == ' ' {
			r = '▁'
		}
		if s.characters[r] {
			continue
		}
		for _, b := range []byte(string(r)) {
			if !s.bytes[b] {
				return fmt.Errorf("the model's vocabulary cannot spell %q (%U)", text[i:i+n], r)
			}
		}
	}
	return nil
}
