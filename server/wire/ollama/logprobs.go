package ollama

import (
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// appendLogprobs appends the elements of an array of log-probabilities.
func appendLogprobs(dst []byte, entries []ask.Logprob) []byte {
	for i := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendCandidate(dst, &entries[i].Candidate), `,"top_logprobs":[`...)
		for j := range entries[i].Top {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendCandidate(dst, &entries[i].Top[j]), '}')
		}
		dst = append(dst, "]}"...)
	}
	return dst
}

// appendCandidate appends a token's object without its closing brace.
func appendCandidate(dst []byte, c *ask.Candidate) []byte {
	dst = append(dst, `{"token":`...)
	dst = wire.AppendJSONString(dst, c.Bytes)
	dst = append(dst, `,"logprob":`...)
	dst = strconv.AppendFloat(dst, float64(max(c.Logprob, lowestLogprob)), 'g', -1, 32)
	dst = append(dst, `,"bytes":`...)
	return wire.AppendByteArray(dst, c.Bytes)
}

// lowestLogprob stands for that of an impossible token: JSON has no infinity.
const lowestLogprob = -9999
