package openai

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// logprobs renders the log-probabilities of one choice as they come: of one
// chunk, or of a whole answer.
type logprobs interface {
	add(entries []ask.Logprob)
	// take appends the object of what was added since the last take.
	take(dst []byte) []byte
}

func newLogprobs(chat bool) logprobs {
	if chat {
		return new(chatLogprobs)
	}
	return new(completionLogprobs)
}

// chatLogprobs is an array of entries.
type chatLogprobs struct{ content []byte }

func (l *chatLogprobs) add(entries []ask.Logprob) {
	for i := range entries {
		l.content = appendChatEntry(appendComma(l.content), &entries[i])
	}
}

// appendChatEntry appends the entry of one place.
func appendChatEntry(dst []byte, e *ask.Logprob) []byte {
	dst = appendCandidate(dst, &e.Candidate)
	dst = append(dst, `,"top_logprobs":[`...)
	for j := range e.Top {
		if j > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendCandidate(dst, &e.Top[j]), '}')
	}
	return append(dst, "]}"...)
}

// What encloses the entries.
const (
	chatLogprobsBegin = `{"content":[`
	chatLogprobsEnd   = `],"refusal":null}`
)

func (l *chatLogprobs) take(dst []byte) []byte {
	dst = append(dst, chatLogprobsBegin...)
	dst = append(dst, l.content...)
	l.content = l.content[:0]
	return append(dst, chatLogprobsEnd...)
}

// appendCandidate leaves the object open.
func appendCandidate(dst []byte, c *ask.Candidate) []byte {
	dst = append(dst, `{"token":`...)
	dst = wire.AppendJSONString(dst, c.Bytes)
	dst = append(dst, `,"logprob":`...)
	dst = appendLogprob(dst, c.Logprob)
	dst = append(dst, `,"bytes":`...)
	return wire.AppendByteArray(dst, c.Bytes)
}

// completionLogprobs is four parallel arrays.
type completionLogprobs struct {
	tokens, values, tops, offsets []byte
	offset                        int // characters of the completion before the next entry
}

func (l *completionLogprobs) add(entries []ask.Logprob) {
	for i := range entries {
		l.addPlace(&entries[i])
		l.tops = appendTopMap(appendComma(l.tops), &entries[i])
	}
}

// addPlace adds what there is of a place beside its likeliest tokens.
func (l *completionLogprobs) addPlace(e *ask.Logprob) {
	l.tokens = appendTokenName(appendComma(l.tokens), e.Bytes)
	if l.values = appendComma(l.values); e.First {
		l.values = append(l.values, "null"...)
	} else {
		l.values = appendLogprob(l.values, e.Logprob)
	}
	l.offsets = strconv.AppendInt(appendComma(l.offsets), int64(l.offset), 10)
	l.offset += characters(e.Bytes)
}

func (l *completionLogprobs) heldBytes() int {
	return cap(l.tokens) + cap(l.values) + cap(l.tops) + cap(l.offsets)
}

func (l *completionLogprobs) take(dst []byte) []byte {
	dst = l.appendTokensAndValues(dst)
	dst = append(append(append(dst, `"top_logprobs":[`...), l.tops...), "],"...)
	dst = l.appendOffsets(dst)
	l.tokens, l.values, l.tops, l.offsets = l.tokens[:0], l.values[:0], l.tops[:0], l.offsets[:0]
	return dst
}

// appendTokensAndValues begins the object.
func (l *completionLogprobs) appendTokensAndValues(dst []byte) []byte {
	dst = append(append(dst, `{"tokens":[`...), l.tokens...)
	return append(append(append(dst, `],"token_logprobs":[`...), l.values...), "],"...)
}

// appendOffsets ends it.
func (l *completionLogprobs) appendOffsets(dst []byte) []byte {
	return append(append(append(dst, `"text_offset":[`...), l.offsets...), "]}"...)
}

// appendComma separates the elements of an array that dst alone holds.
func appendComma(dst []byte) []byte {
	if len(dst) > 0 {
		return append(dst, ',')
	}
	return dst
}

// appendLogprob appends a log probability. JSON has no infinity: OpenAI writes
// -9999.0 for a token that cannot be.
func appendLogprob(dst []byte, v float32) []byte {
	const impossible = -9999
	if !(v > impossible) { // NaN too
		return append(dst, "-9999.0"...)
	}
	return strconv.AppendFloat(dst, min(float64(v), math.MaxFloat32), 'g', -1, 32)
}

// characters counts the UTF-8 characters that begin in b.
func characters(b []byte) (n int) {
	for _, c := range b {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}

// appendTopMap appends an object from token text to log probability. Several
// tokens of a vocabulary may have the same text; an object cannot hold a name
// twice, so they share one entry with the sum of their probabilities. The token that
// was chosen is always there, as with OpenAI: one more than was asked for if it is
// not among the likeliest. The first token of a prompt has none.
func appendTopMap(dst []byte, e *ask.Logprob) []byte {
	if e.First {
		return append(dst, "null"...)
	}
	first := make(map[string]int, len(e.Top)+1)
	merged := make([]ask.Candidate, 0, len(e.Top)+1)
	for _, t := range e.Top {
		if at, seen := first[string(t.Bytes)]; seen {
			merged[at].Logprob = logAdd(merged[at].Logprob, t.Logprob)
			continue
		}
		first[string(t.Bytes)] = len(merged)
		merged = append(merged, t)
	}
	if _, seen := first[string(e.Bytes)]; !seen {
		merged = append(merged, e.Candidate)
	}
	if len(merged) < len(e.Top) {
		slices.SortStableFunc(merged, func(a, b ask.Candidate) int { return cmp.Compare(b.Logprob, a.Logprob) })
	}
	dst = append(dst, '{')
	for i := range merged {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendTokenName(dst, merged[i].Bytes)
		dst = append(dst, ':')
		dst = appendLogprob(dst, merged[i].Logprob)
	}
	return append(dst, '}')
}

// logAdd returns log(exp(a)+exp(b)).
func logAdd(a, b float32) float32 {
	high, low := float64(max(a, b)), float64(min(a, b))
	if math.IsInf(high, -1) {
		return float32(high)
	}
	return float32(high + math.Log1p(math.Exp(low-high)))
}

// appendTokenName appends a token's text, or OpenAI's notation for bytes that
// are not UTF-8: "bytes:\xe2\x82".
func appendTokenName(dst []byte, b []byte) []byte {
	const hexDigits = "0123456789abcdef"
	if utf8.Valid(b) {
		return wire.AppendJSONString(dst, b)
	}
	dst = append(dst, `"bytes:`...)
	for _, c := range b {
		dst = append(dst, '\\', '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, '"')
}
