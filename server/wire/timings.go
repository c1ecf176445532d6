package wire

import (
	"strconv"

	"github.com/weirgo/weir/server/ask"
)

// AppendTimings appends llama-server's object of how long a generation took:
// tokens of the prompt that were computed and that were not, and of the answer, in
// milliseconds and per second. Tokens that were guessed, and those that were right, are
// there if there were any.
func AppendTimings(dst []byte, end *ask.End) []byte {
	dst = append(dst, `{"cache_n":`...)
	dst = strconv.AppendInt(dst, int64(end.CachedTokens), 10)
	computed := end.PromptTokens - end.CachedTokens
	dst = appendPace(dst, "prompt", computed, computed, end.PrefillNs)
	// The first token of an answer comes with the prompt.
	dst = appendPace(dst, "predicted", end.CompletionTokens, end.CompletionTokens-1, end.DecodeNs)
	if end.DraftTokens > 0 {
		dst = strconv.AppendInt(append(dst, `,"draft_n":`...), int64(end.DraftTokens), 10)
		dst = strconv.AppendInt(append(dst, `,"draft_n_accepted":`...), int64(end.AcceptedTokens), 10)
	}
	return append(dst, '}')
}

// AppendSoFar appends a member with the timings of an event, if they were asked for.
func AppendSoFar(dst []byte, ev *ask.Event) []byte {
	if ev.SoFar == nil {
		return dst
	}
	return AppendTimings(append(dst, `,"timings":`...), ev.SoFar)
}

// AppendProgress appends a member with how much of the prompt is computed, if the
// event tells it.
func AppendProgress(dst []byte, ev *ask.Event) []byte {
	p := ev.Progress
	if p == nil {
		return dst
	}
	dst = strconv.AppendInt(append(dst, `,"prompt_progress":{"total":`...), int64(p.Total), 10)
	dst = strconv.AppendInt(append(dst, `,"cache":`...), int64(p.Cached), 10)
	dst = strconv.AppendInt(append(dst, `,"processed":`...), int64(p.Processed), 10)
	dst = strconv.AppendInt(append(dst, `,"time_ms":`...), p.Ns/1e6, 10)
	return append(dst, '}')
}

// appendPace appends a number of tokens, and the pace of so many steps.
func appendPace(dst []byte, what string, tokens, steps int, ns int64) []byte {
	ms := float64(ns) / 1e6
	field := func(name string, v float64) {
		dst = append(append(append(append(dst, `,"`...), what...), name...), `":`...)
		dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	field("_n", float64(tokens))
	field("_ms", ms)
	field("_per_token_ms", ratio(ms, float64(steps)))
	field("_per_second", ratio(float64(max(steps, 0))*1e3, ms))
	return dst
}

// ratio is 0 where there is none: JSON has no infinity.
func ratio(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}
