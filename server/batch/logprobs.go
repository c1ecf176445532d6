package batch

import (
	"cmp"
	"math"
	"slices"

	"github.com/weirgo/weir/server/engine"
)

// logprobs fills in the log-probabilities of results taken from the ring at
// head. Reader goroutine: the engine goroutine only copied the logits.
func (g *Generation) logprobs(dst []Result, head uint32) {
	vocab := len(g.logits) / len(g.slots)
	if need := g.topN * len(dst); len(g.top) < need {
		g.top = make([]TokenLogprob, need)
	}
	for i := range dst {
		slot := int(head+uint32(i)) & (len(g.slots) - 1)
		logits := g.logits[slot*vocab : (slot+1)*vocab]
		normaliser := logSumExp(logits)
		dst[i].Logprob = float32(float64(logits[dst[i].Token]) - normaliser)
		if g.topN > 0 {
			top := g.top[i*g.topN : (i+1)*g.topN]
			likeliest(top, logits, normaliser)
			dst[i].Top = top
		}
	}
}

// releaseLogits gives the ring's logits back once the reader has seen the end.
func (g *Generation) releaseLogits() {
	if g.logits != nil {
		g.loop.logits.Put(g.pooled)
		g.logits, g.pooled = nil, nil
	}
}

// logSumExp returns the logarithm of the sum of the exponentials, what a
// softmax divides by, without overflow.
func logSumExp(logits []float32) float64 {
	highest := slices.Max(logits)
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v) - float64(highest))
	}
	return float64(highest) + math.Log(sum)
}

// likeliest fills top with the likeliest tokens, likeliest first, the lower
// token first among equals. len(top) is at most len(logits).
func likeliest(top []TokenLogprob, logits []float32, normaliser float64) {
	n := len(top)
	for t := range n {
		top[t] = TokenLogprob{engine.Token(t), logits[t]}
	}
	if n < len(logits) {
		// A heap of n tokens, the least likely at its root.
		for i := n/2 - 1; i >= 0; i-- {
			sink(top, i)
		}
		for t := n; t < len(logits); t++ {
			if logits[t] > top[0].Logprob { // at equality the lower token stays
				top[0] = TokenLogprob{engine.Token(t), logits[t]}
				sink(top, 0)
			}
		}
	}
	slices.SortFunc(top, byLikelihood)
	for i := range top {
		top[i].Logprob = float32(float64(top[i].Logprob) - normaliser)
	}
}

// byLikelihood orders tokens, the likelier first.
func byLikelihood(a, b TokenLogprob) int {
	if c := cmp.Compare(b.Logprob, a.Logprob); c != 0 {
		return c
	}
	return cmp.Compare(a.Token, b.Token)
}

// sink moves heap[i] below all that is less likely.
func sink(heap []TokenLogprob, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if right := child + 1; right < len(heap) && byLikelihood(heap[right], heap[child]) > 0 {
			child = right
		}
		if byLikelihood(heap[child], heap[i]) <= 0 {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}
