package grammar

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
)

// maxPieceBytes is how long a token may be that a grammar allows.
const maxPieceBytes = 1024

// Vocabulary is a model's tokens, prepared for masks. It is never changed, and
// shared by all grammars of a model.
type Vocabulary struct {
	size    int
	pieces  []byte   // of all tokens, one after the other
	offsets []uint32 // of token i: pieces[offsets[i]:offsets[i+1]]
	ends    []ask.Token
	all     trie
	rest    trie // those that are not plain, or longer than maxPlain
	// plain holds, for each n, the tokens of n plain characters at most.
	plain [maxPlain + 1][]uint64
	found sync.Pool // *[]ask.Token, of walks
}

// Plain text is whole characters that JSON's strings have as they are, without
// U+007F, which many grammars leave out. Most
// tokens are plain, and most places in most grammars take either all plain
// characters in the same way or none: there, plain tokens need not be looked at
// one by one.
const maxPlain = 32 // characters

// silentMark begins what stands for a token without text, or with one that no
// text in UTF-8 has: its number follows. No character has this byte, so that only
// who names the token means it.
const silentMark = 0xFF

func silentText(dst []byte, t ask.Token) []byte {
	return binary.BigEndian.AppendUint32(append(dst, silentMark), uint32(t))
}

// NewVocabulary prepares size tokens. piece appends a token's text; a control
// token has none, and is allowed only where a grammar names it. isEnd says which
// tokens end a generation. It takes some 100 ms for 150 000 tokens.
func NewVocabulary(size int, piece func(dst []byte, t ask.Token) []byte, isEnd func(ask.Token) bool) *Vocabulary {
	v := &Vocabulary{size: size, offsets: make([]uint32, 1, size+1)}
	v.found.New = func() any { return new([]ask.Token) }
	var spoken, rest []ask.Token
	var characters []int // of each spoken token, -1 if it is not plain
	for i := range size {
		t := ask.Token(i)
		if isEnd(t) {
			v.ends = append(v.ends, t)
		} else {
			begin := len(v.pieces)
			v.pieces = piece(v.pieces, t)
			if n := len(v.pieces) - begin; n == 0 || n > maxPieceBytes || bytes.IndexByte(v.pieces[begin:], silentMark) >= 0 {
				v.pieces = silentText(v.pieces[:begin], t)
			}
			spoken = append(spoken, t)
			count := plainCharacters(v.pieces[begin:])
			if characters = append(characters, count); count < 0 {
				rest = append(rest, t)
			}
		}
		v.offsets = append(v.offsets, uint32(len(v.pieces)))
	}
	for n := range v.plain {
		v.plain[n] = make([]uint64, v.words())
		for i, t := range spoken {
			if c := characters[i]; c >= 0 && c <= n {
				set(v.plain[n], t)
			}
		}
	}
	v.all, v.rest = v.trie(spoken), v.trie(rest)
	return v
}

// Size returns how many tokens there are.
func (v *Vocabulary) Size() int { return v.size }

// words is the length of a mask.
func (v *Vocabulary) words() int { return (v.size + 63) / 64 }

// text returns a token's bytes.
func (v *Vocabulary) text(t ask.Token) []byte { return v.pieces[v.offsets[t]:v.offsets[t+1]] }

func (v *Vocabulary) isEnd(t ask.Token) bool {
	_, ok := slices.BinarySearch(v.ends, t)
	return ok
}

// isSilent reports whether a token has no text.
func (v *Vocabulary) isSilent(t ask.Token) bool {
	text := v.text(t)
	return len(text) > 0 && text[0] == silentMark && bytes.Equal(text, silentText(nil, t))
}

// isPlain reports whether a token is plain text of at most maxPlain characters.
func (v *Vocabulary) isPlain(t ask.Token) bool { return v.plain[maxPlain][t/64]&(1<<(t%64)) != 0 }

func set(mask []uint64, t ask.Token) { mask[t/64] |= 1 << (t % 64) }

// plainCharacters counts the characters of plain text, -1 for any other, and for
// what is too long.
func plainCharacters(text []byte) int {
	n := 0
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r < ' ' || r == '"' || r == '\\' || r == 0x7F || (r == utf8.RuneError && size == 1) {
			return -1
		}
		text = text[size:]
		if n++; n > maxPlain {
			return -1
		}
	}
	return n
}

// trie is tokens by their bytes, in the order of a walk that goes deep first.
type trie struct {
	nodes  []node
	tokens []ask.Token // in the order of their bytes
	plain  []ask.Token // of those, the plain ones
}

// node is the last of the bytes that lead to it.
type node struct {
	skip  uint32 // the next node that is not below this one
	first uint32 // of the tokens that end here, in tokens
	count uint16
	depth uint16 // of the byte, from 0
	label byte
	// Plain tokens that end here or below are from plainFirst to plainLast in the
	// trie's. whole says that what leads here is plain text, and allPlain that all
	// tokens here and below are.
	plainFirst, plainLast uint32
	whole, allPlain       bool
}

func (v *Vocabulary) trie(tokens []ask.Token) trie {
	t := trie{tokens: slices.Clone(tokens)}
	slices.SortStableFunc(t.tokens, func(a, b ask.Token) int { return bytes.Compare(v.text(a), v.text(b)) })
	var path []uint32 // the nodes that lead to the last token
	var last []byte
	for i, token := range t.tokens {
		isPlain := v.isPlain(token)
		piece := v.text(token)
		common := 0
		for common < min(len(last), len(piece)) && last[common] == piece[common] {
			common++
		}
		t.leave(path[common:])
		path = path[:common]
		for depth := common; depth < len(piece); depth++ {
			path = append(path, uint32(len(t.nodes)))
			t.nodes = append(t.nodes, node{
				depth: uint16(depth), label: piece[depth], first: uint32(i), plainFirst: uint32(len(t.plain)),
				allPlain: true, whole: plainCharacters(piece[:depth+1]) >= 0,
			})
		}
		if isPlain {
			t.plain = append(t.plain, token)
		} else {
			for _, n := range path {
				t.nodes[n].allPlain = false
			}
		}
		t.nodes[path[len(path)-1]].count++
		last = piece
	}
	t.leave(path)
	return t
}

// leave ends the nodes of a path: the next token is not below them.
func (t *trie) leave(path []uint32) {
	for _, i := range path {
		t.nodes[i].skip, t.nodes[i].plainLast = uint32(len(t.nodes)), uint32(len(t.plain))
	}
}
