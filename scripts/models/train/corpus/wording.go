package corpus

import (
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"
)

// frames are what people put around a question. trained are those that the
// model learns; unseen judge whether it has learnt more than them.
var (
	trained = []string{
		"hi, %", "hello, %", "Hello! %", "hey, %", "Hi! %", "please tell me: %", "Please: %", "can you tell me: %", "Can you help me? %",
		"quick question: %", "Question: %", "I have a question: %", "i am new here. %", "I'm new to this. %", "I would like to know: %",
		"tell me, %", "ok so %", "ok, %", "And %", "and %", "but %", "sorry, %", "Excuse me, %", "one more thing: %", "help: %", "um, %",
		"% please", "%, please", "% thanks", "% Thanks!", "% I need this for work.", "% I could not find it.", "% I am curious.", "% :)",
		"hi % thanks", "Hello, % Thanks a lot.", "my question is: %", "Weir, %", "hey weir, %", "Now: %", "next question. %", "well, %",
		"for my notes: %", "my colleague asks: %", "just wondering: %", "in short: %", "% in short", "% explain", "please explain: %",
		"good afternoon, %", "Good day! %", "greetings, %", "Morning! %", "evening all, %", "hi there, %", "Hey there! %", "hello again, %",
		"Hi everyone, %", "dear all, %", "Dear Weir, %", "thanks! %", "great, thanks. %", "nice. %", "cool, %", "good, %", "alright, %",
		"may I ask: %", "I'd like to ask: %", "any idea: %", "do you happen to know: %", "I am wondering: %", "so: %", "then: %",
		"another thing: %", "different question: %", "second question: %", "short question: %", "could you explain: %", "would you tell me: %",
		"Can you assist? %", "need some help. %", "Please help me. %", "sorry to bother you, %", "a question from a beginner: %",
		"% thanks in advance", "% many thanks", "% thx", "% cheers", "% Thanks so much!", "% much appreciated", "% thank you in advance.",
		"% I got stuck.", "% I'm lost.", "% I am confused.", "% I am blocked by this.", "% this is urgent", "% No idea.", "% keep it short.",
		"% briefly please", "% short answer please", "% in one line", "% Be precise.", "% in simple words", "% be quick",
	}
	unseen = []string{
		"Good evening, %", "Good morning! %", "do you know: %", "I wonder: %", "so, %", "another question: %", "Could you help? %",
		"% thank you!", "% Be brief.", "% I am stuck.", "dear assistant, %", "let me ask: %",
	}
)

// How often a question is changed in which way.
const (
	shareFrame    = 0.45
	shareKeywords = 0.12
	shareReopen   = 0.35
	shareReword   = 0.3
	shareSlips    = 0.1
	shareLower    = 0.25
	shareUpper    = 0.02
	shareNoMark   = 0.3
	shareMark     = 0.15
)

// vary returns a question as somebody might type it.
func vary(r *rand.Rand, text string, frames []string) string {
	if r.Float64() < shareReopen {
		text = reopen(r, text)
	}
	if r.Float64() < shareReword {
		text = reword(r, text)
	}
	if r.Float64() < shareKeywords {
		text = keywords(r, text)
	}
	text = remark(r, recase(r, text))
	if r.Float64() < shareFrame {
		text = inFrame(r, text, frames)
	}
	if r.Float64() < shareSlips {
		text = slip(r, text)
	}
	return text
}

// inFrame puts a frame around a question.
func inFrame(r *rand.Rand, text string, frames []string) string {
	before, after, _ := strings.Cut(frames[r.IntN(len(frames))], "%")
	if before != "" && r.IntN(3) > 0 {
		text = lowerFirst(text)
	}
	return before + text + after
}

// lowerFirst makes the first letter small, unless the word is more than a
// capitalised one ("I", "HTTP").
func lowerFirst(text string) string {
	word, _, _ := strings.Cut(text, " ")
	first, size := utf8.DecodeRuneInString(word)
	if len(word) == size || strings.ToLower(word[size:]) != word[size:] || word[size] == '\'' {
		return text
	}
	return string(unicode.ToLower(first)) + text[size:]
}

// recase changes the case.
func recase(r *rand.Rand, text string) string {
	switch p := r.Float64(); {
	case p < shareLower:
		return strings.ToLower(text)
	case p < shareLower+shareUpper:
		return strings.ToUpper(text)
	}
	return text
}

// remark changes the last mark.
func remark(r *rand.Rand, text string) string {
	bare := strings.TrimRight(text, "?.!")
	switch p := r.Float64(); {
	case bare == "":
	case p < shareNoMark:
		text = bare
	case p < shareNoMark+shareMark:
		text = bare + []string{"?", " ?", "??", "?!", ".", "..."}[r.IntN(6)]
	}
	return text
}

// small are words that searches leave out.
var small = func() map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(`a an and are as at be by can could did do does for from give has have how i in is it its
		me my of on or please should so tell that the then there these this to was what when where which who why will with would
		you your about explain`) {
		set[word] = true
	}
	return set
}()

// keywords returns the words that matter, most of them, at times in another
// order. Too few words stay as they are.
func keywords(r *rand.Rand, text string) string {
	var kept []string
	for word := range strings.FieldsSeq(text) {
		bare := strings.Trim(word, "?.!,:;\"")
		if bare != "" && !small[strings.ToLower(bare)] && r.IntN(8) > 0 {
			kept = append(kept, bare)
		}
	}
	if len(kept) < 2 {
		return text
	}
	if r.IntN(3) == 0 {
		r.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
	}
	return strings.Join(kept, " ")
}

// slip makes one or two slips of the keyboard, in small letters only.
func slip(r *rand.Rand, text string) string {
	b := []byte(text)
	for range 1 + r.IntN(2) {
		if len(b) < 4 {
			break
		}
		at := 1 + r.IntN(len(b)-2)
		if !isSmall(b[at]) || !isSmall(b[at+1]) {
			continue
		}
		switch r.IntN(4) {
		case 0: // swapped
			b[at], b[at+1] = b[at+1], b[at]
		case 1: // left out
			b = append(b[:at], b[at+1:]...)
		case 2: // twice
			b = append(b[:at+1], b[at:]...)
		case 3: // another
			b[at] = 'a' + byte(r.IntN(26))
		}
	}
	return string(b)
}

func isSmall(c byte) bool { return 'a' <= c && c <= 'z' }
