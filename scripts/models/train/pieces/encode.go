package pieces

import (
	"container/heap"
	"strings"
	"unicode/utf8"
)

// Part is a part of a text. With Control, the names of control tokens in it are
// those tokens.
type Part struct {
	Text    string
	Control bool
}

// Encode appends the tokens of a text to dst, as one text whatever parts it is
// in.
func (v *Vocabulary) Encode(dst []int32, parts ...Part) []int32 {
	var plain strings.Builder
	flush := func() {
		dst = v.appendText(dst, plain.String())
		plain.Reset()
	}
	for _, part := range parts {
		text := part.Text
		for part.Control {
			at, id := strings.Index(text, TurnBeginText), int32(TurnBegin)
			if end := strings.Index(text, TurnEndText); end >= 0 && (at < 0 || end < at) {
				at, id = end, TurnEnd
			}
			if at < 0 {
				break
			}
			plain.WriteString(text[:at])
			flush()
			dst = append(dst, id)
			text = text[at+len(v.texts[id]):]
		}
		plain.WriteString(text)
	}
	flush()
	return dst
}

// appendText takes out what is a user-defined token and tokenises the rest.
func (v *Vocabulary) appendText(dst []int32, text string) []int32 {
	for {
		before, after, found := strings.Cut(text, spaceLead)
		dst = v.appendPieces(dst, before)
		if !found {
			return dst
		}
		dst = append(dst, firstByte+256)
		text = after
	}
}

// symbol is a part of a text in a chain of them.
type symbol struct {
	text           string // "" once it has joined the one before
	before, behind int    // indices, -1 at the ends
}

// bigram is two symbols that may join.
type bigram struct {
	left, right int
	id          int32 // of what they make: the smaller, the better its score
	bytes       int   // of both, to see whether one has changed since
}

type bigrams []bigram

func (b bigrams) Len() int      { return len(b) }
func (b bigrams) Swap(i, j int) { b[i], b[j] = b[j], b[i] }
func (b bigrams) Less(i, j int) bool {
	return b[i].id < b[j].id || b[i].id == b[j].id && b[i].left < b[j].left
}
func (b *bigrams) Push(x any) { *b = append(*b, x.(bigram)) }
func (b *bigrams) Pop() any {
	last := (*b)[len(*b)-1]
	*b = (*b)[:len(*b)-1]
	return last
}

func (v *Vocabulary) appendPieces(dst []int32, text string) []int32 {
	text = strings.ReplaceAll(text, " ", space)
	var symbols []symbol
	for len(text) > 0 {
		_, size := utf8.DecodeRuneInString(text)
		n := len(symbols)
		symbols = append(symbols, symbol{text[:size], n - 1, n + 1})
		text = text[size:]
	}
	if len(symbols) == 0 {
		return dst
	}
	symbols[len(symbols)-1].behind = -1
	var queue bigrams
	offer := func(left, right int) {
		if left < 0 || right < 0 {
			return
		}
		joined := symbols[left].text + symbols[right].text
		if id, known := v.ids[joined]; known {
			heap.Push(&queue, bigram{left, right, id, len(joined)})
		}
	}
	for i := range len(symbols) - 1 {
		offer(i, i+1)
	}
	for len(queue) > 0 {
		b := heap.Pop(&queue).(bigram)
		left, right := &symbols[b.left], &symbols[b.right]
		if left.text == "" || right.text == "" || len(left.text)+len(right.text) != b.bytes {
			continue
		}
		left.text += right.text
		right.text = ""
		left.behind = right.behind
		if left.behind >= 0 {
			symbols[left.behind].before = b.left
		}
		offer(left.before, b.left)
		offer(b.left, left.behind)
	}
	for i := 0; i >= 0; i = symbols[i].behind {
		piece := symbols[i].text
		if id, known := v.ids[piece]; known {
			dst = append(dst, id)
			continue
		}
		for _, b := range []byte(piece) {
			dst = append(dst, firstByte+int32(b))
		}
	}
	return dst
}
