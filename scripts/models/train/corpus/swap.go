package corpus

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// names take the place of names in calls of tools, half of the time; the other
// half are made of syllables.
var names = strings.Fields(`
Aarau Ankara Anna Antwerp Ben Bergen Bologna Bruno Cairo Carla Cork Dakar Dora Dresden Ella Emil Fargo Felix Genoa Greta
Hannah Havana Ida Ivan Izmir Jakarta Jonas Kyoto Lagos Lena Leo Lyon Malmo Maria Mia Nadia Nairobi Nice Nora Olga Oscar Otto
Pavel Perth Porto Quito Rosa Riga Samir Seoul Sofia Split Tara Tokyo Turin Uma Ulm Vera Victor Warsaw Yara York Zagreb Zoe`)

var (
	firstSyllables = strings.Fields("Ba Bel Cor Da Dri El Fen Ga Hal Is Jo Ka Lor Mar Ne Ol Pra Qui Ro Sa Tan Ul Vi Wes Ya Zen")
	syllables      = strings.Fields("ba der din do ga gen ka ko la len lin ma mi na nor po ra ri rov sa sen ta ton va ven vik wa zo")
)

// A value in a call that can be another: a name, or a whole number.
var (
	nameValue   = regexp.MustCompile(`"([A-Z][a-z]{2,})"`)
	numberValue = regexp.MustCompile(`:\s*"?([1-9][0-9]*)"?\s*[,}]`)
)

// swap puts other names and numbers into a question and the call that answers
// it, where they are copied from one into the other: what is learnt then is to
// copy them.
func swap(r *rand.Rand, text, call string) (string, string) {
	for _, kind := range []struct {
		values *regexp.Regexp
		other  func(old string) string
	}{
		{nameValue, func(string) string { return anyName(r) }},
		{numberValue, func(old string) string { return anyNumber(r, len(old)) }},
	} {
		arguments := call[max(strings.Index(call, `"arguments"`), 0):] // not the tool's name
		for _, found := range kind.values.FindAllStringSubmatch(arguments, -1) {
			old := found[1]
			word := regexp.MustCompile(`\b` + old + `\b`)
			// Once in each, or it would not be clear what stands for what.
			if len(word.FindAllStringIndex(text, 2)) != 1 || len(word.FindAllStringIndex(call, 2)) != 1 {
				continue
			}
			other := kind.other(old)
			text, call = word.ReplaceAllLiteralString(text, other), word.ReplaceAllLiteralString(call, other)
		}
	}
	return text, call
}

func anyName(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return names[r.IntN(len(names))]
	}
	name := firstSyllables[r.IntN(len(firstSyllables))]
	for range 1 + r.IntN(2) {
		name += syllables[r.IntN(len(syllables))]
	}
	return name
}

// anyNumber returns a number of up to so many digits.
func anyNumber(r *rand.Rand, digits int) string {
	most := 1
	for range min(digits, 9) {
		most *= 10
	}
	return strconv.Itoa(1 + r.IntN(most-1))
}
