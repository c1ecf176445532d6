package llamaserver

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// appendPlace appends a token with the likeliest at its place.
func (r *Reply) appendPlace(dst []byte, p *ask.Logprob) []byte {
	member, appendOne := `,"top_logprobs":[`, appendLogprob
	if r.c.Request.PostSampling {
		member, appendOne = `,"top_probs":[`, appendProbability
	}
	dst = appendOne(dst, &p.Candidate)
	dst = append(dst, member...)
	for i := range p.Top {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendOne(dst, &p.Top[i]), '}')
	}
	return append(dst, `]}`...)
}

// appendLogprob leaves the object open.
func appendLogprob(dst []byte, c *ask.Candidate) []byte {
	dst = append(appendToken(dst, c), `,"logprob":`...)
	return appendNumber(dst, float64(c.Logprob), 32)
}

// appendProbability leaves the object open. What could be drawn has a probability,
// however small.
func appendProbability(dst []byte, c *ask.Candidate) []byte {
	dst = append(appendToken(dst, c), `,"prob":`...)
	return appendNumber(dst, max(math.Exp(float64(c.Logprob)), math.SmallestNonzeroFloat32), 32)
}

// appendToken appends a token's members, and leaves the object open.
func appendToken(dst []byte, c *ask.Candidate) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, int64(c.Token), 10)
	dst = append(dst, `,"token":`...)
	dst = wire.AppendJSONString(dst, wholeCharacters(c.Bytes))
	dst = append(dst, `,"bytes":`...)
	return wire.AppendByteArray(dst, c.Bytes)
}

// wholeCharacters cuts a character off that b ends within.
func wholeCharacters(b []byte) []byte {
	for cut := 1; cut <= min(len(b), utf8.UTFMax-1); cut++ {
		if c := b[len(b)-cut]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-cut:]) {
				return b[:len(b)-cut]
			}
			break
		}
	}
	return b
}
