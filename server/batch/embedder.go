package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// embeddings is the vectors that are asked for. The engine goroutine computes
// them between two steps of the generations, in a context of their own, which
// whoever comes first makes: two decodes at once would fight for the cores.
type embeddings struct {
	making  sync.Mutex // held while the context is made or freed
	context atomic.Pointer[embedder]
	parts   []part // of the batch; belongs to who holds Loop.own

	intake[*embedding]
}

// embedder is the context and its batch.
type embedder struct {
	engine.EmbeddingContext
	limits  engine.Limits
	batch   *engine.Batch
	threads *engine.Threads
}

// embedding is the inputs of one Embed.
type embedding struct {
	inputs    [][]engine.Token
	vectors   [][][]float32
	next      int         // the first input that has been in no batch
	left      int         // inputs without vectors
	deadline  time.Time   // nobody wants the vectors from then on; zero: none
	abandoned atomic.Bool // nobody waits any more

	call
}

// part is an input in the batch: a sequence whose id is the part's index.
type part struct {
	of    *embedding
	input int
	row   int // the first one
}

// Embed returns the vectors of each input: one, or one a token if the model does
// not pool. It waits for them, until ctx is done. Inputs that are in no batch by then
// are not computed, and of those whose deadline, ctx's, has passed none are begun
// with. The memory is the caller's. The first call makes the context. Errors are
// *ask.Fault, or the engine's.
func (l *Loop) Embed(ctx context.Context, inputs [][]engine.Token) ([][][]float32, error) {
	c, err := l.embedder()
	if err != nil {
		return nil, err
	}
	if err := l.checkInputs(inputs, c.limits); err != nil {
		return nil, err
	}
	if err := l.Check(); err != nil {
		return nil, err
	}
	e := &embedding{inputs: inputs, vectors: make([][][]float32, len(inputs)), left: len(inputs), call: call{done: make(chan struct{})}}
	e.deadline, _ = ctx.Deadline()
	if err := l.embeddings.submit(l, e); err != nil {
		return nil, err
	}
	select {
	case <-e.done:
		return e.vectors, e.err
	case <-ctx.Done():
		e.abandoned.Store(true)
		l.wakeEngine()
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, ask.Late()
		}
		return nil, ask.GivenUp(ctx.Err())
	}
}

// Pooling returns how the vectors of tokens become one. It makes the context.
func (l *Loop) Pooling() (engine.Pooling, error) {
	c, err := l.embedder()
	if err != nil {
		return engine.PoolingModel, err
	}
	return c.Pooling(), nil
}

// checkInputs refuses what cannot be computed.
func (l *Loop) checkInputs(inputs [][]engine.Token, limits engine.Limits) error {
	if len(inputs) == 0 || len(inputs) > l.config.EmbeddingInputs {
		return ask.Invalid("input", fmt.Sprintf("%d inputs, 1 to %d are allowed", len(inputs), l.config.EmbeddingInputs))
	}
	for i, tokens := range inputs {
		switch n := len(tokens); {
		case n == 0:
			return &ask.Fault{Kind: ask.PromptEmpty, Param: "input", What: fmt.Sprintf("input %d is empty", i)}
		case n > limits.SequenceTokens:
			return &ask.Fault{
				Kind: ask.ContextExceeded, Param: "input",
				What:   fmt.Sprintf("input %d is too large: it has %d tokens, at most %d are embedded at once", i, n, limits.SequenceTokens),
				Remedy: "send it in parts, or serve with a larger batch for embeddings",
			}
		}
	}
	return nil
}

// embedder returns the context, which it makes if there is none.
func (l *Loop) embedder() (*embedder, error) {
	e := &l.embeddings
	if c := e.context.Load(); c != nil {
		return c, nil
	}
	e.making.Lock()
	defer e.making.Unlock()
	if c := e.context.Load(); c != nil {
		return c, nil
	}
	// Closing is seen here, or closeEmbedder finds the context afterwards.
	if l.closing.Load() {
		return nil, ErrClosed
	}
	model, ok := l.model.(engine.EmbeddingModel)
	if !ok {
		return nil, &ask.Fault{Kind: ask.Unsupported, What: "this model does not give embeddings"}
	}
	threads := l.compute.force.Load()
	c, err := l.makeEmbedder(model, threads)
	if err != nil {
		return nil, ask.Failed(fmt.Errorf("batch: make context for embeddings: %w", err))
	}
	made := &embedder{EmbeddingContext: c, limits: c.Limits(), threads: threads}
	made.batch = engine.NewBatch(made.limits.BatchTokens)
	e.context.Store(made)
	return made, nil
}

// makeEmbedder makes the context. A model that was not trained to pool is taken
// by its last token, which has seen all others.
func (l *Loop) makeEmbedder(model engine.EmbeddingModel, t *engine.Threads) (engine.EmbeddingContext, error) {
	size := engine.ContextConfig{
		MaxSequences: l.config.EmbeddingSequences, BatchTokens: l.config.EmbeddingTokens,
		Threads: t.Threads, BatchThreads: t.BatchThreads, Decoding: t.Decoding,
	}
	c, err := model.NewEmbeddingContext(size, l.config.Pooling)
	if err != nil || l.config.Pooling != engine.PoolingModel || c.Pooling() != engine.PoolingNone {
		return c, err
	}
	if err := c.Close(); err != nil {
		return nil, err
	}
	return model.NewEmbeddingContext(size, engine.PoolingLast)
}

// abortEmbedder makes a decode for vectors return soon, if there is one.
func (l *Loop) abortEmbedder() {
	if c := l.embeddings.context.Load(); c != nil {
		c.Abort()
	}
}

// closeEmbedder frees the context. The engine goroutine, when the loop closes.
func (l *Loop) closeEmbedder() error {
	l.embeddings.making.Lock()
	defer l.embeddings.making.Unlock()
	if c := l.embeddings.context.Swap(nil); c != nil {
		return c.Close()
	}
	return nil
}

// receive takes in what has come, and drops what nobody waits for. It returns how
// many calls it dropped because their time was over.
func (e *embeddings) receive() (expired uint64) {
	e.collect()
	if len(e.waiting) == 0 {
		return 0
	}
	now := time.Now()
	for _, x := range e.waiting {
		switch {
		case !x.deadline.IsZero() && !now.Before(x.deadline):
			e.finish(x, ask.Late())
			expired++
		case x.abandoned.Load():
			e.finish(x, ask.GivenUp(nil))
		}
	}
	e.sweep()
	return expired
}

// idle reports whether nothing waits. Engine goroutine.
func (e *embeddings) idle() bool { return e.queue.Empty() && len(e.waiting) == 0 }

// sweep takes out what has ended, or is in the batch whole.
func (e *embeddings) sweep() {
	e.waiting = slices.DeleteFunc(e.waiting, func(x *embedding) bool { return x.ended || x.next == len(x.inputs) })
}

// finish ends an embedding, once.
func (e *embeddings) finish(x *embedding, err error) {
	if err != nil && !x.ended {
		x.vectors = nil // before the end is seen
	}
	e.end(&x.call, err)
}

// endAll ends all embeddings that there are.
func (e *embeddings) endAll(err error) {
	if err == nil {
		err = ErrClosed
	}
	e.receive()
	for _, x := range e.waiting {
		e.finish(x, err)
	}
	for _, p := range e.parts {
		e.finish(p.of, err)
	}
	e.sweep()
}
