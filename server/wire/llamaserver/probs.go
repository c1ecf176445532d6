package llamaserver

import (
	"strconv"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// appendPlace appends a token with the likeliest at its place.
func (r *Reply) appendPlace(dst []byte, p *ask.Logprob) []byte {
	if r.c.greedyProbs {
		return appendGreedyPlace(dst, p)
	}
	dst = appendCandidate(dst, &p.Candidate)
	dst = append(dst, `,"top_logprobs":[`...)
	for i := range p.Top {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendCandidate(dst, &p.Top[i]), '}')
	}
	return append(dst, `]}`...)
}

// appendCandidate leaves the object open.
func appendCandidate(dst []byte, c *ask.Candidate) []byte {
	dst = append(appendToken(dst, c), `,"logprob":`...)
	return appendNumber(dst, float64(c.Logprob), 32)
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

// appendGreedyPlace is appendPlace after a sampling that leaves one token.
func appendGreedyPlace(dst []byte, p *ask.Logprob) []byte {
	dst = append(appendToken(dst, &p.Candidate), `,"prob":1,"top_probs":[`...)
	dst = append(appendToken(dst, &p.Candidate), `,"prob":1}`...)
	shown := 1
	for i := range p.Top {
		if p.Top[i].Token == p.Token {
			continue
		}
		if shown++; shown > len(p.Top) {
			break
		}
		dst = append(appendToken(append(dst, ','), &p.Top[i]), `,"prob":0}`...)
	}
	return append(dst, `]}`...)
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
