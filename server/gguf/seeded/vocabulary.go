package seeded

import (
	"fmt"
	"sync"
)

// space is how a tokenizer of kind "llama" writes a space.
const space = "▁"

// Tokens with fixed numbers.
const (
	tokenUnknown = iota
	tokenBegin
	tokenEnd
	tokenTurnBegin
	tokenTurnEnd
	fixedTokens
)

// tokenKind is what the file calls tokenizer.ggml.token_type.
type tokenKind int32

const (
	kindNormal      tokenKind = 1
	kindUnknown     tokenKind = 2
	kindControl     tokenKind = 3
	kindUserDefined tokenKind = 4
	kindByte        tokenKind = 6
)

// token is one entry of a vocabulary. gain is how strongly the output layer
// speaks for it.
type token struct {
	text  string
	score float32
	kind  tokenKind
	gain  float32
}

// spaceLead is the first two bytes of "▁". As a user-defined token it is cut
// out of the text before spaces turn into "▁", so a real "▁" in the text stays
// what it is: this token and a byte.
const spaceLead = "\xe2\x96"

// vocabularies learns each size's vocabulary once in a process.
var vocabularies = func() map[Size]func() ([]token, error) {
	learn := map[Size]func() ([]token, error){}
	for size, a := range architectures {
		learn[size] = sync.OnceValues(func() ([]token, error) { return vocabulary(a.vocabulary) })
	}
	return learn
}()

// vocabulary returns a vocabulary of the given size: fixed tokens, bytes,
// single characters, runs of spaces, then pieces of words. A smaller
// vocabulary is the beginning of a larger one.
func vocabulary(size int) ([]token, error) {
	tokens := make([]token, 0, size)
	add := func(text string, kind tokenKind, gain float32) {
		// Scores fall from token to token: earlier pieces join first.
		tokens = append(tokens, token{text, -float32(len(tokens)), kind, gain})
	}
	add("<unk>", kindUnknown, gainSilent)
	add("<s>", kindControl, gainSilent)
	add("</s>", kindControl, gainEnd)
	add("<|im_start|>", kindControl, gainSilent)
	add("<|im_end|>", kindControl, gainEnd)
	for b := range 256 {
		add(fmt.Sprintf("<0x%02X>", b), kindByte, gainByte)
	}
	add(spaceLead, kindUserDefined, gainSilent)
	for c := '!'; c <= '~'; c++ {
		add(string(c), kindNormal, gainCharacter)
	}
	add(space, kindNormal, gainCharacter)
	for run := space + space; len(run) <= 16*len(space); run += run {
		add(run, kindNormal, gainByte)
	}
	listed := listedWords()
	for _, text := range learnMerges(countedWords(), size-len(tokens)) {
		if listed[text] {
			add(text, kindNormal, gainWord)
		} else {
			add(text, kindNormal, gainFragment)
		}
	}
	if len(tokens) != size {
		return nil, fmt.Errorf("the word list makes %d tokens, not %d", len(tokens), size)
	}
	return tokens, nil
}

// Gains of the output layer: logits of a token have this times the spread of a
// listed word's, so those win, characters come up now and then, and the end
// and raw bytes hardly ever.
const (
	gainSilent    = 0.05
	gainEnd       = 0.7
	gainByte      = 0.4
	gainCharacter = 0.6
	gainFragment  = 0.8
	gainWord      = 1
)
