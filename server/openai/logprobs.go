package openai

import (
	"math"
	"slices"
	"unicode/utf8"
)

// TokenLogprob is a token's bytes and its log probability.
type TokenLogprob struct {
	Bytes   []byte // may be part of a UTF-8 character
	Logprob float32
}

// LogprobEntry is a generated token and the likeliest tokens at its place,
// likeliest first.
type LogprobEntry struct {
	TokenLogprob
	Top []TokenLogprob
}

// AppendChatLogprobs appends the "logprobs" object of a chat choice.
func AppendChatLogprobs(dst []byte, entries []LogprobEntry) []byte {
	dst = append(dst, `{"content":[`...)
	for i := range entries {
		e := &entries[i]
		dst = comma(dst, i)
		dst = appendChatToken(dst, &e.TokenLogprob)
		dst = append(dst, `,"top_logprobs":[`...)
		for j := range e.Top {
			dst = comma(dst, j)
			dst = append(appendChatToken(dst, &e.Top[j]), '}')
		}
		dst = append(dst, "]}"...)
	}
	return append(dst, `],"refusal":null}`...)
}

// appendChatToken leaves the object open.
func appendChatToken(dst []byte, t *TokenLogprob) []byte {
	dst = append(dst, `{"token":`...)
	dst = appendString(dst, t.Bytes)
	dst = append(dst, `,"logprob":`...)
	dst = appendLogprob(dst, t.Logprob)
	dst = append(dst, `,"bytes":`...)
	return appendBytes(dst, t.Bytes)
}

// AppendCompletionLogprobs appends the "logprobs" object of a completion
// choice, which is four parallel arrays. offset is where the first entry's
// text begins in the completion, in characters; the returned offset is where
// the next entry's begins.
func AppendCompletionLogprobs(dst []byte, entries []LogprobEntry, offset int) (_ []byte, next int) {
	dst = append(dst, `{"tokens":[`...)
	for i := range entries {
		dst = comma(dst, i)
		dst = appendTokenName(dst, entries[i].Bytes)
	}
	dst = append(dst, `],"token_logprobs":[`...)
	for i := range entries {
		dst = comma(dst, i)
		dst = appendLogprob(dst, entries[i].Logprob)
	}
	dst = append(dst, `],"top_logprobs":[`...)
	for i := range entries {
		dst = comma(dst, i)
		dst = appendTopMap(dst, entries[i].Top)
	}
	dst = append(dst, `],"text_offset":[`...)
	for i := range entries {
		dst = comma(dst, i)
		dst = appendInt(dst, offset)
		offset += characters(entries[i].Bytes)
	}
	return append(dst, "]}"...), offset
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
// twice, so they share one entry with the sum of their probabilities.
func appendTopMap(dst []byte, top []TokenLogprob) []byte {
	first := make(map[string]int, len(top))
	merged := make([]TokenLogprob, 0, len(top))
	for _, t := range top {
		if at, seen := first[string(t.Bytes)]; seen {
			merged[at].Logprob = logAdd(merged[at].Logprob, t.Logprob)
			continue
		}
		first[string(t.Bytes)] = len(merged)
		merged = append(merged, t)
	}
	if len(merged) < len(top) {
		slices.SortStableFunc(merged, func(a, b TokenLogprob) int {
			switch {
			case a.Logprob > b.Logprob:
				return -1
			case a.Logprob < b.Logprob:
				return 1
			}
			return 0
		})
	}
	dst = append(dst, '{')
	for i := range merged {
		dst = comma(dst, i)
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
		return appendString(dst, b)
	}
	dst = append(dst, `"bytes:`...)
	for _, c := range b {
		dst = append(dst, '\\', '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, '"')
}
