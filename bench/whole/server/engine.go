package main

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// model has the vocabulary of enginetest, and contexts that compute nothing.
type model struct {
	*enginetest.Model
	steps *steps
}

// likeliest is the token that follows all others.
const likeliest engine.Token = 'a'

// NewContext implements engine.Model.
func (m *model) NewContext(cfg engine.ContextConfig) (engine.Context, error) {
	l := engine.Limits{
		ContextTokens: cfg.ContextTokens, MaxSequences: cfg.MaxSequences, BatchTokens: cfg.BatchTokens,
		MicroBatchTokens: cfg.BatchTokens, Threads: 1, BatchThreads: 1,
	}
	if l.MaxSequences < 1 || l.ContextTokens < l.MaxSequences || l.BatchTokens < l.MaxSequences {
		return nil, fmt.Errorf("make context: %d tokens and %d a batch for %d sequences", l.ContextTokens, l.BatchTokens, l.MaxSequences)
	}
	l.SequenceTokens = l.ContextTokens / l.MaxSequences
	c := &madeUp{limits: l, steps: m.steps, logits: make([]float32, enginetest.VocabSize)}
	c.logits[likeliest] = 1
	return c, nil
}

// madeUp is a context whose decodes only wait for their step.
type madeUp struct {
	limits engine.Limits
	steps  *steps
	logits []float32 // of every row
}

func (c *madeUp) Limits() engine.Limits { return c.limits }

func (c *madeUp) Decode(b *engine.Batch) error { return c.steps.wait(b) }

func (c *madeUp) Logits(int) ([]float32, error) { return c.logits, nil }

func (c *madeUp) RemoveSequence(engine.SequenceID, int, int) bool { return true }

func (c *madeUp) CopySequence(engine.SequenceID, engine.SequenceID, int) bool { return false }

func (c *madeUp) CanCopy() bool { return false }

func (c *madeUp) CanCut() bool { return true }

func (c *madeUp) Abort()       { c.steps.release() }
func (c *madeUp) Resume()      {}
func (c *madeUp) Close() error { return nil }

// steps say when a decode ends.
//
//	until all have submitted   the first waits
//	until all decode           at once: prompts, and tokens of who was first
//	until release              one for each next
//	from then on               at once
type steps struct {
	streams  int
	count    atomic.Int64
	all      chan struct{} // closed: all have submitted
	running  chan struct{} // closed: all decode
	step     chan struct{}
	released chan struct{} // closed by release
	once     sync.Once
	started  bool // running is closed; the engine goroutine's
}

func newSteps(streams int) *steps {
	return &steps{
		streams: streams, all: make(chan struct{}), running: make(chan struct{}), step: make(chan struct{}), released: make(chan struct{}),
	}
}

// submitted counts a request.
func (s *steps) submitted() {
	if s.count.Add(1) == int64(s.streams) {
		close(s.all)
	}
}

// wait is a decode's.
func (s *steps) wait(b *engine.Batch) error {
	select {
	case <-s.all:
	case <-s.released:
		return nil
	}
	if !s.started {
		if b.Len() != s.streams || b.Positions[0] == 0 {
			return nil
		}
		s.started = true
		close(s.running)
	}
	select {
	case <-s.step:
	case <-s.released:
	}
	return nil
}

// next has one decode end, once it has begun.
func (s *steps) next() {
	select {
	case s.step <- struct{}{}:
	case <-s.released:
	}
}

// release has all decodes end at once from now on.
func (s *steps) release() { s.once.Do(func() { close(s.released) }) }
