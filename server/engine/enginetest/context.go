package enginetest

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
)

// Context is a fake engine.Context.
type Context struct {
	model    *Model
	limits   engine.Limits
	decoding *ggroup.Group
	cells    int // tokens the cache holds
	used     int

	sequences []sequence
	next      []int // position after each sequence, while a batch is checked
	rows      []row // of the last batch
	logits    [][]float32
	copied    bool // or shifted, since the last Decode
	steps     int
	reads     int // of logits
	closed    bool

	busy  atomic.Bool // a method is running
	owner uint64      // goroutine, 0 before the first use
	stack [64]byte

	mu      sync.Mutex
	aborted chan struct{} // closed while Abort is in force
}

// sequence is the cache of one sequence.
type sequence struct {
	tokens []engine.Token
	hashes []uint64 // behind each of them, of all that it has seen
}

// add appends a token.
func (s *sequence) add(t engine.Token) {
	s.tokens, s.hashes = append(s.tokens, t), append(s.hashes, mix(s.hash(), t))
}

// hash is that of the whole sequence.
func (s *sequence) hash() uint64 {
	if n := len(s.hashes); n > 0 {
		return s.hashes[n-1]
	}
	return hashStart
}

// row is what the last batch left of one token.
type row struct {
	seq    engine.SequenceID
	tokens int    // length of the sequence with this token
	hash   uint64 // of the sequence with this token
	logits bool
}

// NewContext implements engine.Model.
func (m *Model) NewContext(cfg engine.ContextConfig) (engine.Context, error) {
	if m.closed.Load() || m.unloaded.Load() {
		return nil, engine.ErrClosed
	}
	l := engine.Limits{
		ContextTokens:    cfg.ContextTokens,
		MaxSequences:     cfg.MaxSequences,
		BatchTokens:      cfg.BatchTokens,
		MicroBatchTokens: cfg.MicroBatchTokens,
		Threads:          max(cfg.Threads, 1),
		BatchThreads:     max(cfg.BatchThreads, 1),
	}
	if l.MaxSequences == 0 {
		l.MaxSequences = 1
	}
	if l.MaxSequences < 0 || l.MaxSequences > 256 {
		return nil, fmt.Errorf("enginetest: make context: %d sequences, at most 256", l.MaxSequences)
	}
	if l.ContextTokens == 0 {
		l.ContextTokens = m.opts.TrainedContext * l.MaxSequences
	}
	if l.BatchTokens == 0 {
		l.BatchTokens = min(2048, l.ContextTokens)
	}
	if l.MicroBatchTokens == 0 {
		l.MicroBatchTokens = min(512, l.BatchTokens)
	}
	l.SequenceTokens = l.ContextTokens / l.MaxSequences
	if l.SequenceTokens < 1 || l.BatchTokens < 1 {
		return nil, fmt.Errorf("enginetest: make context: %d tokens for %d sequences", l.ContextTokens, l.MaxSequences)
	}
	c := &Context{
		model:     m,
		limits:    l,
		decoding:  cfg.Decoding,
		cells:     l.ContextTokens,
		sequences: make([]sequence, l.MaxSequences),
		next:      make([]int, l.MaxSequences),
		rows:      make([]row, 0, l.BatchTokens),
		logits:    make([][]float32, l.BatchTokens),
		aborted:   make(chan struct{}),
	}
	if n := m.opts.CacheTokens; n > 0 {
		c.cells = min(c.cells, n)
	}
	for i := range c.sequences {
		c.sequences[i] = sequence{make([]engine.Token, 0, l.SequenceTokens), make([]uint64, 0, l.SequenceTokens)}
	}
	m.contexts.Add(1)
	return c, nil
}

// enter asserts that one goroutine owns the context; the caller defers leave.
func (c *Context) enter() {
	if !c.busy.CompareAndSwap(false, true) {
		panic("enginetest: context used by two goroutines at once")
	}
	if c.closed {
		panic("enginetest: context used after Close")
	}
	id := goroutineID(c.stack[:])
	if c.owner == 0 {
		c.owner = id
	}
	if c.owner != id {
		panic("enginetest: context used by a second goroutine")
	}
}

func (c *Context) leave() { c.busy.Store(false) }

// goroutineID reads the number in "goroutine 7 [running]:".
func goroutineID(buf []byte) uint64 {
	text := buf[len("goroutine "):runtime.Stack(buf, false)]
	var id uint64
	for _, c := range text[:max(bytes.IndexByte(text, ' '), 0)] {
		id = id*10 + uint64(c-'0')
	}
	return id
}

// Limits implements engine.Context.
func (c *Context) Limits() engine.Limits { return c.limits }

// Decode implements engine.Context.
func (c *Context) Decode(b *engine.Batch) error {
	c.enter()
	defer c.leave()
	c.check(b)
	c.copied = false
	c.rows = c.rows[:0]
	step := c.steps
	c.steps++
	if told := c.model.opts.Threads; told != nil {
		told(engine.Threads{Threads: c.limits.Threads, BatchThreads: c.limits.BatchThreads, Decoding: c.decoding})
	}
	if !c.wait(b) {
		c.apply(b, b.Len()/2)
		return engine.ErrAborted
	}
	if fault := c.model.opts.Fault; fault != nil {
		if err := fault(step, b); err != nil {
			if !isNoSpace(err) {
				c.apply(b, b.Len()/2)
			}
			return err
		}
	}
	if c.used+b.Len() > c.cells {
		return fmt.Errorf("enginetest: decode %d tokens with %d of %d cells used: %w",
			b.Len(), c.used, c.cells, engine.ErrNoCacheSpace)
	}
	c.apply(b, b.Len())
	return nil
}

// check panics if the batch breaks the contract.
func (c *Context) check(b *engine.Batch) {
	n := b.Len()
	if n == 0 || n > c.limits.BatchTokens {
		panic("enginetest: batch of " + strconv.Itoa(n) + " tokens")
	}
	if len(b.Positions) != n || len(b.Sequences) != n || len(b.Logits) != n {
		panic("enginetest: batch with slices of unequal length")
	}
	for i := range c.sequences {
		c.next[i] = len(c.sequences[i].tokens)
	}
	for i, id := range b.Sequences {
		if id < 0 || int(id) >= c.limits.MaxSequences {
			panic("enginetest: sequence out of range")
		}
		if b.Tokens[i] < 0 || b.Tokens[i] >= VocabSize {
			panic("enginetest: token out of range")
		}
		want := c.next[id]
		c.next[id]++
		if int(b.Positions[i]) != want {
			panic(fmt.Sprintf("enginetest: sequence %d at position %d, expected %d", id, b.Positions[i], want))
		}
		if want >= c.limits.SequenceTokens {
			panic("enginetest: sequence longer than its context")
		}
	}
}

// apply puts the first n tokens of the batch into the cache.
func (c *Context) apply(b *engine.Batch, n int) {
	for i := range n {
		s := &c.sequences[b.Sequences[i]]
		s.add(b.Tokens[i])
		c.rows = append(c.rows, row{b.Sequences[i], len(s.tokens), s.hash(), b.Logits[i]})
	}
	c.used += n
	c.model.cached.Add(int64(n))
}

// wait stands in for computing; it reports false when aborted.
func (c *Context) wait(b *engine.Batch) bool {
	c.mu.Lock()
	aborted := c.aborted
	c.mu.Unlock()
	if gate := c.model.opts.Gate; gate != nil {
		select {
		case <-gate:
		case <-aborted:
			return false
		}
	}
	if delay := c.model.opts.Delay; delay != nil {
		if d := delay(b); d > 0 {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-aborted:
				return false
			}
		}
	}
	select {
	case <-aborted:
		return false
	default:
		return true
	}
}

// Abort implements engine.Context.
func (c *Context) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.aborted:
	default:
		close(c.aborted)
	}
}

// Resume implements engine.Context.
func (c *Context) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.aborted:
		c.aborted = make(chan struct{})
	default:
	}
}

// Logits implements engine.Context.
func (c *Context) Logits(r int) ([]float32, error) {
	c.enter()
	defer c.leave()
	read := c.reads
	c.reads++
	if fault := c.model.opts.LogitsFault; fault != nil {
		if err := fault(read); err != nil {
			return nil, err
		}
	}
	if c.logits[r] == nil {
		c.logits[r] = make([]float32, VocabSize)
	}
	c.fill(c.logits[r], r)
	return c.logits[r], nil
}

// fill computes the logits of a row.
func (c *Context) fill(dst []float32, r int) {
	if r < 0 || r >= len(c.rows) || !c.rows[r].logits {
		panic("enginetest: row " + strconv.Itoa(r) + " has no logits")
	}
	at := c.rows[r]
	c.model.fill(dst, at.hash, c.sequences[at.seq].tokens[:at.tokens])
}

// Progress implements engine.CountingContext.
func (c *Context) Progress() (operations uint32, ok bool) {
	if c.model.opts.Operations == nil {
		return 0, false
	}
	return c.model.opts.Operations(), true
}

// SetThreads implements engine.ThreadedContext.
func (c *Context) SetThreads(t engine.Threads) {
	c.enter()
	defer c.leave()
	c.limits.Threads, c.limits.BatchThreads = max(t.Threads, 1), max(t.BatchThreads, 1)
	c.decoding = t.Decoding
}

// Close implements engine.Context.
func (c *Context) Close() error {
	c.enter()
	defer c.leave()
	c.closed = true
	c.model.contexts.Add(-1)
	return nil
}
