package pieces

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// leastCount is how often a character that is not ASCII must come up to have a
// token of its own.
const leastCount = 4

// Learn returns a vocabulary of up to size tokens, made for the texts. The same
// texts give the same vocabulary.
func Learn(texts []string, size int) *Vocabulary {
	v := newVocabulary()
	for c := '!'; c <= '~'; c++ {
		v.add(string(c), kindNormal)
	}
	v.add("\n", kindNormal)
	v.add(space, kindNormal)
	words, characters := map[string]int{}, map[rune]int{}
	for _, text := range texts {
		for _, word := range wordsOf(text) {
			words[word]++
		}
		for _, c := range text {
			characters[c]++
		}
	}
	for _, c := range slices.Sorted(maps.Keys(characters)) {
		if c > '~' && string(c) != space && c != unicode.ReplacementChar && characters[c] >= leastCount {
			v.add(string(c), kindNormal)
		}
	}
	l := newLearner(words)
	for v.Len() < size && l.join(v) {
	}
	return v
}

// classOf says which characters a word is of. A digit is a word by itself.
func classOf(c rune) int {
	switch {
	case unicode.IsLetter(c):
		return 1
	case c > ' ' && c < 0x7f && !unicode.IsDigit(c):
		return 2
	}
	return 0
}

// wordsOf cuts a text into the words that pieces stay in, "▁" for a space.
func wordsOf(text string) []string {
	var words []string
	word, class := "", 0
	end := func() {
		if word != "" {
			words = append(words, word)
		}
		word, class = "", 0
	}
	for _, c := range strings.ReplaceAll(text, space, "") {
		switch kind := classOf(c); {
		case c == ' ':
			end()
			word = space
		case word == space && kind == 1, kind != 0 && kind == class:
			word += string(c)
			class = kind
		default:
			end()
			word, class = string(c), kind
		}
	}
	end()
	return words
}

// learner holds the words, cut into pieces.
type learner struct {
	words  [][]string
	counts []int
	pairs  map[[2]string]int
}

func newLearner(words map[string]int) *learner {
	l := &learner{pairs: map[[2]string]int{}}
	for _, word := range slices.Sorted(maps.Keys(words)) {
		cut := strings.Split(word, "")
		l.words = append(l.words, cut)
		l.counts = append(l.counts, words[word])
		l.count(cut, words[word])
	}
	return l
}

func (l *learner) count(word []string, n int) {
	for i := range len(word) - 1 {
		p := [2]string{word[i], word[i+1]}
		if l.pairs[p] += n; l.pairs[p] == 0 {
			delete(l.pairs, p)
		}
	}
}

// join joins the pair that is most frequent, and adds it to the vocabulary
// unless another pair has made the same piece. It reports false if no pair
// comes up twice.
func (l *learner) join(v *Vocabulary) bool {
	var best [2]string
	most := 1
	for p, n := range l.pairs {
		if n > most || n == most && most > 1 && before(p, best) {
			best, most = p, n
		}
	}
	if most == 1 {
		return false
	}
	text := best[0] + best[1]
	if _, known := v.ids[text]; !known {
		v.add(text, kindNormal)
	}
	for i, word := range l.words {
		if !holds(word, best) {
			continue
		}
		l.count(word, -l.counts[i])
		for j := 0; j+1 < len(word); j++ {
			if word[j] == best[0] && word[j+1] == best[1] {
				word[j] = text
				word = slices.Delete(word, j+1, j+2)
			}
		}
		l.words[i] = word
		l.count(word, l.counts[i])
	}
	return true
}

func holds(word []string, p [2]string) bool {
	for i := range len(word) - 1 {
		if word[i] == p[0] && word[i+1] == p[1] {
			return true
		}
	}
	return false
}

func before(p, q [2]string) bool {
	return cmp.Or(strings.Compare(p[0]+p[1], q[0]+q[1]), strings.Compare(p[0], q[0])) < 0
}
