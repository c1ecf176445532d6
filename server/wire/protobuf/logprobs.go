package protobuf

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// places are messages for log-probabilities, used again and again.
type places struct {
	messages []*weirv1.TokenLogprob
	tops     [][]*weirv1.TopLogprob // of each
}

// of gives messages that hold what entries do, until the next call.
func (p *places) of(entries []ask.Logprob) []*weirv1.TokenLogprob {
	for len(p.messages) < len(entries) {
		p.messages = append(p.messages, new(weirv1.TokenLogprob))
		p.tops = append(p.tops, nil)
	}
	for i := range entries {
		e, m := &entries[i], p.messages[i]
		m.TokenId, m.Bytes, m.Logprob = uint32(e.Token), e.Bytes, e.Candidate.Logprob
		for len(p.tops[i]) < len(e.Top) {
			p.tops[i] = append(p.tops[i], new(weirv1.TopLogprob))
		}
		m.TopLogprobs = p.tops[i][:len(e.Top)]
		for j := range e.Top {
			c, top := &e.Top[j], m.TopLogprobs[j]
			top.TokenId, top.Bytes, top.Logprob = uint32(c.Token), c.Bytes, c.Logprob
		}
	}
	return p.messages[:len(entries)]
}
