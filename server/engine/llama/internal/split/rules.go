package split

import (
	"fmt"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// PieceBytes is how long a piece is where the text allows: some
	// milliseconds of the slowest pre-tokenizer, which is how long a caller
	// that gave up is still waited for.
	PieceBytes = 8 << 10
	// runLimit is how many characters a piece may have where there is no place
	// to cut: 30 ms and, at 352 bytes of stack for a character, 12 MB.
	runLimit = 32 << 10
	// wholeLimit is the same for the kinds of vocabulary that need no stack and
	// are ten times as fast, and that are never cut.
	wholeLimit = 256 << 10
	// digitLimit bounds a run of digits for the pre-tokenizers that look at all
	// the rest of it at every one of its digits.
	digitLimit = 256
)

// StackBytes is how much stack the library may use for a piece of this package,
// with a margin of more than two.
const StackBytes = 32 << 20

// Rules say where raw text may be cut. They do not change and may be shared.
type Rules struct {
	places place
	pairs  *pairs // of a SentencePiece vocabulary
	lead   rune   // what pieces of one are tokenised behind, 0: nothing
	limit  int    // characters
	digits int    // of a run; 0: any number
}

// place is a set of kinds of places where words of every byte-pair vocabulary
// end, but for the exceptions of wordRules.
type place uint8

const (
	// afterLine: after a line break alone between a character that is not
	// white space and one that begins a word. With more white space it depends
	// on the pre-tokenizer which of it makes a word.
	afterLine place = 1 << iota
	// beforeSpace: before a space after an ASCII letter or digit. After other
	// marks it is not sure that a word has ended: where no expression matches,
	// all that follows is one.
	beforeSpace
	// afterLetter: before a space after a letter that is not ASCII, or a Chinese
	// or Japanese character.
	afterLetter
	// beforeDigit: between a letter and a digit, both ASCII.
	beforeDigit
	// beforeStop: between a Chinese character or Japanese kana and "。", "，"
	// or "、".
	beforeStop
	// beforeMark: between a letter and a mark, both ASCII; without "'", which
	// some take for a part of the word, and ":", which is within a word of
	// chameleon's.
	beforeMark

	anyPlace = afterLine | beforeSpace | afterLetter | beforeDigit | beforeStop | beforeMark
)

// wordRules are the pre-tokenizers that make other words: with spaces in them,
// or of letters, digits and stops together.
var wordRules = map[string]Rules{
	"deepseek-llm":             {places: anyPlace &^ afterLetter},
	"exaone-moe":               {places: anyPlace &^ (beforeSpace | afterLetter)},
	"bloom":                    {places: anyPlace &^ (beforeDigit | beforeMark)},
	"poro-chat":                {places: anyPlace &^ (beforeDigit | beforeMark)},
	"gpt3-finnish":             {places: anyPlace &^ (beforeDigit | beforeMark)},
	"viking":                   {places: anyPlace &^ beforeMark},
	"whitespace":               {places: afterLine | beforeSpace},
	"gemma4":                   {places: afterLine},
	"granite-embed-multi-311m": {places: afterLine},
	"sarvam-moe":               {places: afterLine},
	"superbpe":                 {places: beforeDigit, digits: digitLimit},
	"tiny_aya":                 {places: anyPlace, digits: digitLimit},
	"cohere2moe":               {places: anyPlace, digits: digitLimit},
}

// WordRules are those of a byte-pair vocabulary with a pre-tokenizer, by the
// library's name for it.
func WordRules(preTokenizer string) *Rules {
	r, ok := wordRules[preTokenizer]
	if !ok {
		r.places = anyPlace
	}
	r.limit = runLimit
	return &r
}

// PieceRules are those of a SentencePiece vocabulary, given its pieces as they
// are spelt in a text. A piece of text that continues another may be tokenised
// behind the character lead, whose tokens come off again; 0 is none.
func PieceRules(pieces iter.Seq[string], lead rune) *Rules {
	return &Rules{pairs: newPairs(pieces), lead: lead, limit: runLimit}
}

// WholeRules cut nothing, for vocabularies whose tokenizer needs neither stack
// nor much time.
func WholeRules() *Rules { return &Rules{limit: wholeLimit} }

// UncutRules cut nothing.
func UncutRules() *Rules { return &Rules{limit: runLimit} }

// Next returns where the first piece of raw text ends. The error says what goes
// on for too long without a place to cut.
func (r *Rules) Next(text string) (end int, err error) {
	end = len(text)
	if end > PieceBytes {
		var ok bool
		if end, ok = r.cut(text); !ok {
			return 0, fmt.Errorf("more than %d characters follow each other without the end of a word: break the text up", r.limit)
		}
	}
	if r.digits > 0 && digitsIn(text[:end], r.digits) {
		return 0, fmt.Errorf("more than %d digits follow each other: break the number up", r.digits)
	}
	return end, nil
}

func (r *Rules) cut(text string) (end int, ok bool) {
	for at := PieceBytes; at > 0; at-- {
		if r.Breaks(text, at) {
			return at, true
		}
	}
	at := PieceBytes
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	for runes := utf8.RuneCountInString(text[:at]); runes <= r.limit; runes++ {
		if at == len(text) || r.Breaks(text, at) {
			return at, true
		}
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
	return 0, false
}

// Breaks reports whether raw text may be cut at a place within it.
func (r *Rules) Breaks(text string, at int) bool {
	switch {
	case !utf8.RuneStart(text[at]):
		return false
	case r.pairs != nil:
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at:])
		return !r.pairs.has(before, after) && (r.lead == 0 || !r.pairs.has(r.lead, after))
	case text[at] == ' ' && text[at-1] < utf8.RuneSelf:
		return r.places&beforeSpace != 0 && (isLetter(text[at-1]) || isDigit(text[at-1]))
	case text[at] == ' ':
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		return r.places&afterLetter != 0 && (isOldLetter(before) || isIdeograph(before))
	case r.places&afterLine != 0 && text[at-1] == '\n':
		after, _ := utf8.DecodeRuneInString(text[at:])
		return beginsWord(after) && endsInWord(text[:at-1])
	case r.places&beforeDigit != 0 && isDigit(text[at]), r.places&beforeMark != 0 && isMark(text[at]):
		return isLetter(text[at-1])
	case r.places&beforeStop != 0 && text[at] >= utf8.RuneSelf:
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		return isIdeograph(before) && startsWithStop(text[at:])
	}
	return false
}

func endsInWord(text string) bool {
	last, _ := utf8.DecodeLastRuneInString(text)
	return text != "" && !unicode.IsSpace(last)
}

// beginsWord: what all pre-tokenizers have an expression for.
func beginsWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7f && !strings.ContainsRune("(|.,!?)", r)
	}
	return isOldLetter(r) || isIdeograph(r)
}

// isOldLetter: letters of whole alphabets that every edition of Unicode has, but
// ASCII's: Latin to Armenian, Arabic, Devanagari, Hangul.
func isOldLetter(r rune) bool {
	return (r >= 0xc0 && r < 0x58f || r >= 0x620 && r <= 0x64a || r >= 0x904 && r <= 0x939 || r >= 0xac00 && r <= 0xd7a3) && unicode.IsLetter(r)
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
func isMark(b byte) bool {
	return b > ' ' && b < 0x7f && b != '\'' && b != ':' && !isDigit(b) && !isLetter(b)
}
func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// isIdeograph: the characters that all pre-tokenizers take for one kind.
func isIdeograph(r rune) bool {
	return r >= 'ぁ' && r <= 'ゖ' || r >= 'ァ' && r <= 'ヺ' || r >= '一' && r <= '龥'
}

func startsWithStop(text string) bool {
	return strings.HasPrefix(text, "。") || strings.HasPrefix(text, "，") || strings.HasPrefix(text, "、")
}

// digitsIn reports whether a run of digits is longer than limit.
func digitsIn(text string, limit int) bool {
	run := 0
	for _, r := range text {
		if !unicode.IsDigit(r) {
			run = 0
		} else if run++; run > limit {
			return true
		}
	}
	return false
}
