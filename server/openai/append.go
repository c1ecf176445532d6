package openai

import (
	"math"
	"strconv"

	"github.com/weirgo/weir/server/stream"
)

func appendString[S ~string | ~[]byte](dst []byte, s S) []byte {
	return stream.AppendJSONString(dst, s)
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

func appendInt(dst []byte, v int) []byte { return strconv.AppendInt(dst, int64(v), 10) }

// appendBytes appends bytes as an array of numbers.
func appendBytes(dst, b []byte) []byte {
	dst = append(dst, '[')
	for i, c := range b {
		dst = comma(dst, i)
		dst = appendInt(dst, int(c))
	}
	return append(dst, ']')
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}
