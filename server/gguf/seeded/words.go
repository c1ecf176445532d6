package seeded

import (
	_ "embed"
	"strings"
)

// wordList is the project's own list of plain English words, roughly the most
// common first. Words of the first paragraph are taken as they are; rules grow
// more from those of the second.
//
//go:embed words.txt
var wordList string

// suffixes and prefixes are the rules that grow the word list; the number is
// how much rarer the grown word is than its stem.
var (
	suffixes = []affix{
		{"s", 3}, {"ed", 4}, {"ing", 4}, {"er", 6}, {"ly", 7}, {"est", 12}, {"ness", 14},
		{"less", 16}, {"ful", 16}, {"able", 18}, {"ment", 20}, {"ation", 22},
	}
	prefixes = []affix{{"un", 14}, {"re", 14}, {"over", 30}, {"out", 30}}
)

type affix struct {
	text  string
	rarer int
}

// countedWord is a word and how often it is taken to occur.
type countedWord struct {
	text  string
	count int
}

// countedWords returns every word of the list and what the rules make of it:
// after a space and bare, in lower case and capitalised. Counts follow Zipf's
// law in the order of the list. Spaces are written as "▁".
func countedWords() []countedWord {
	const common = 1 << 24
	var words []countedWord
	add := func(text string, count int) {
		words = append(words,
			countedWord{space + text, count},
			countedWord{space + capital(text), count/8 + 1},
			countedWord{text, count/16 + 1},
			countedWord{capital(text), count/64 + 1},
		)
	}
	fixed, stems, _ := strings.Cut(wordList, "\n\n")
	for i, word := range strings.Fields(fixed) {
		add(word, common/(i+8))
	}
	for i, stem := range strings.Fields(stems) {
		count := common / (i + 80)
		add(stem, count)
		for _, suffix := range suffixes {
			add(grow(stem, suffix.text), count/suffix.rarer)
		}
		for _, prefix := range prefixes {
			add(prefix.text+stem, count/prefix.rarer)
		}
	}
	return words
}

// grow appends a suffix to a stem; a silent e gives way to a vowel.
func grow(stem, suffix string) string {
	if strings.HasSuffix(stem, "e") && strings.ContainsAny(suffix[:1], "aei") {
		stem = strings.TrimSuffix(stem, "e")
	}
	return stem + suffix
}

// listedWords returns the pieces that are a space and a word of the list.
func listedWords() map[string]bool {
	listed := map[string]bool{}
	for _, word := range strings.Fields(wordList) {
		listed[space+word] = true
		listed[space+capital(word)] = true
	}
	return listed
}

func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
