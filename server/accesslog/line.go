package accesslog

import (
	"strconv"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/weirgo/weir/server/record"
)

const timeForm = `"2006-01-02T15:04:05.000Z"`

// appendLine appends a request as a line.
func appendLine(dst []byte, r *record.Request) []byte {
	dst = append(dst, `{"time":`...)
	dst = r.Begin.UTC().AppendFormat(dst, timeForm)
	dst = appendText(dst, "id", r.ID)
	dst = appendText(dst, "client", r.Client)
	dst = appendText(dst, "method", r.Method)
	dst = appendText(dst, "path", r.Path)
	dst = appendNumber(dst, "status", int64(r.Status))
	if r.KeyName != "" {
		dst = appendText(dst, "key", r.KeyName)
	}
	if r.Model != "" {
		dst = appendText(dst, "tier", r.Tier.String())
		dst = appendText(dst, "model", r.Model)
		if r.Streamed {
			dst = append(dst, `,"stream":true`...)
		}
		dst = appendNumber(dst, "prompt_tokens", int64(r.PromptTokens))
		dst = appendNumber(dst, "cached_tokens", int64(r.CachedTokens))
		dst = appendNumber(dst, "completion_tokens", int64(r.CompletionTokens))
	}
	if r.Queue > 0 {
		dst = appendTime(dst, "queue_ms", r.Queue)
	}
	if r.First > 0 {
		dst = appendTime(dst, "ttft_ms", r.First)
	}
	if r.Reason != "" {
		dst = appendText(dst, "finish_reason", r.Reason)
	}
	dst = appendTime(dst, "total_ms", r.Total)
	dst = appendNumber(dst, "bytes", r.Bytes)
	return append(dst, "}\n"...)
}

func appendName(dst []byte, name string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	return append(dst, `":`...)
}

func appendNumber(dst []byte, name string, v int64) []byte {
	return strconv.AppendInt(appendName(dst, name), v, 10)
}

// appendTime appends milliseconds, to the microsecond.
func appendTime(dst []byte, name string, d time.Duration) []byte {
	return strconv.AppendFloat(appendName(dst, name), float64(d.Microseconds())/1e3, 'f', -1, 64)
}

// appendText appends a string of JSON. What is not printable is escaped, whatever JSON
// allows: a terminal may obey it, and another reader take it for the end of a line.
func appendText(dst []byte, name, text string) []byte {
	dst = append(appendName(dst, name), '"')
	for _, c := range text {
		switch {
		case c == '"', c == '\\':
			dst = append(dst, '\\', byte(c))
		case c != utf8.RuneError && unicode.IsPrint(c):
			dst = utf8.AppendRune(dst, c)
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			dst = appendUnit(appendUnit(dst, high), low)
		default:
			dst = appendUnit(dst, c)
		}
	}
	return append(dst, '"')
}

// appendUnit escapes a unit of UTF-16.
func appendUnit(dst []byte, c rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[c>>12&15], digits[c>>8&15], digits[c>>4&15], digits[c&15])
}

// appendNote appends the line that stands where others were lost.
func appendNote(dst []byte, lost uint64) []byte {
	dst = append(dst, `{"time":`...)
	dst = time.Now().UTC().AppendFormat(dst, timeForm)
	dst = append(dst, `,"lost":`...)
	dst = strconv.AppendUint(dst, lost, 10)
	return append(dst, "}\n"...)
}
