package batch

import (
	"fmt"
	"slices"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
)

// embed computes the vectors of one batch of inputs; it reports false if none
// waits. Engine goroutine.
func (l *Loop) embed() bool {
	e := &l.embeddings
	l.counters.expired.Add(e.receive())
	c := e.context.Load()
	if c == nil || len(e.waiting) == 0 {
		return false
	}
	c.take(l.compute.force.Load())
	e.fill(c, l.embeddingBudget(c))
	ggroup.QuietPoint()
	_, err := l.decode(c, c.batch)
	if l.overtaken {
		l.goOn(err)
	}
	if err != nil && l.closing.Load() {
		err = ErrClosed // EndAll aborted it, and may not have ended the calls yet
	}
	for id, p := range e.parts {
		if err == nil && !p.of.ended {
			err = e.take(c, id)
		}
		if err != nil {
			e.finish(p.of, fmt.Errorf("batch: embed: %w", err))
		}
	}
	if err == nil {
		l.counters.embedded.Add(uint64(c.batch.Len()))
		l.counters.embeddings.Add(1)
	} else if !l.closing.Load() {
		l.counters.errors.Add(1)
		l.config.Log.Error("embedding failed", "err", err, "inputs", len(e.parts))
	}
	e.release(c)
	e.sweep()
	return true
}

// embeddingBudget is how many tokens a batch has beside its first input: as few
// as a prompt's pieces while streams wait for the engine.
func (l *Loop) embeddingBudget(c *embedder) int {
	if len(l.live) == 0 {
		return c.limits.BatchTokens
	}
	budget := min(l.config.PrefillTokens, c.limits.BatchTokens)
	if l.pacing.tpot > 0 {
		budget = min(budget, l.decide(len(l.live)).PromptTokens)
	}
	return budget
}

// fill makes a batch of whole inputs, in the order in which they came.
func (e *embeddings) fill(c *embedder, budget int) {
	c.batch.Reset()
	e.parts = e.parts[:0]
	for _, x := range e.waiting {
		for ; x.next < len(x.inputs); x.next++ {
			tokens := x.inputs[x.next]
			if len(e.parts) == c.limits.MaxSequences || len(e.parts) > 0 && c.batch.Len()+len(tokens) > budget {
				return
			}
			id := engine.SequenceID(len(e.parts))
			e.parts = append(e.parts, part{of: x, input: x.next, row: c.batch.Len()})
			for at, token := range tokens {
				c.batch.Add(token, at, id, true)
			}
		}
	}
}

// take copies the vectors of a part of the batch that was computed.
func (e *embeddings) take(c *embedder, id int) error {
	p := e.parts[id]
	var vectors [][]float32
	if c.Pooling() == engine.PoolingNone {
		for i := range p.of.inputs[p.input] {
			v, err := c.TokenEmbedding(p.row + i)
			if err != nil {
				return err
			}
			vectors = append(vectors, slices.Clone(v))
		}
	} else {
		v, err := c.Embedding(engine.SequenceID(id))
		if err != nil {
			return err
		}
		vectors = [][]float32{slices.Clone(v)}
	}
	p.of.vectors[p.input] = vectors
	if p.of.left--; p.of.left == 0 {
		e.finish(p.of, nil)
	}
	return nil
}

// release removes the batch's sequences from the cache, whatever has become of
// them.
func (e *embeddings) release(c *embedder) {
	for id := range e.parts {
		c.RemoveSequence(engine.SequenceID(id), 0, -1)
	}
	clear(e.parts)
	e.parts = e.parts[:0]
}
