package batch

import (
	"unsafe"

	"github.com/weirgo/weir/server/sampling"
)

// keyBytes is what one of the likeliest tokens takes in the ring.
const keyBytes = int(unsafe.Sizeof(sampling.Key(0)))

// odds is what a ring has for log-probabilities, by slot.
type odds struct {
	of        []sampling.Odds // the slot's token
	likeliest []sampling.Key  // topN each, in no order; nil before admission and after io.EOF
}

// holdLikeliest makes room for the likeliest tokens of the results. A generation
// has it from its admission until its io.EOF: those that wait, and those whose
// client is slow to take the last of it, are many more than those that run.
func (g *Generation) holdLikeliest() {
	if g.topN > 0 && g.likeliest == nil {
		g.likeliest = make([]sampling.Key, g.results.limit*g.topN)
	}
}

// likeliestAt returns a slot's part of the likeliest tokens.
func (g *Generation) likeliestAt(slot int) []sampling.Key {
	if g.topN <= 0 {
		return nil
	}
	return g.likeliest[slot*g.topN : (slot+1)*g.topN]
}

// logprobs fills in the log-probabilities of the result in a slot. What takes a
// look at the vocabulary was found when the token was sampled; to put the
// likeliest in order is left to the reader, whose goroutine this is.
func (g *Generation) logprobs(r *Result, slot int) {
	o := &g.of[slot]
	r.Logprob = o.Logprob(o.Logit)
	if g.topN == 0 {
		return
	}
	keys := g.likeliestAt(slot)[:o.Top]
	sampling.Sort(keys)
	begin := len(g.top)
	for _, k := range keys {
		g.top = append(g.top, TokenLogprob{k.Token(), o.Logprob(k.Logit())})
	}
	r.Top = g.top[begin:]
}
