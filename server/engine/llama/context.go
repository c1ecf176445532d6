package llama

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// llmContext implements engine.Context.
type llmContext struct {
	model  *model
	lib    *Library
	c      *sys.Library
	limits engine.Limits

	handle  sys.Context // 0 once closed
	memory  sys.Memory
	threads sys.Threadpool // 0 if the context computes on its own
	retired []sys.Threadpool

	batch  *cBatch
	loop   *sys.DecodeLoop
	decode func() // calls the library, made once: Decode does not allocate
	code   int32  // what it answered
	rows   int    // of the last batch, 0 if it failed
	abort  *abortFlag

	fixed *fixedShape // nil: the library shapes what it computes

	stateIdentity string // "" if states of sequences cannot be had
	copied        bool   // of a sequence the next Decode copies keys and values, or turns keys
}

var (
	_ engine.ThreadedContext = (*llmContext)(nil)
	_ engine.CountingContext = (*llmContext)(nil)
)

// NewContext makes a context whose sequences have a KV cache of equal size
// each, ContextTokens/MaxSequences: attention of one never walks over the
// others' tokens.
func (m *model) NewContext(cfg engine.ContextConfig) (engine.Context, error) {
	attention := m.flashAttention(cfg.FlashAttention) // before newContext holds the lock of what it asks
	if cfg.FixedShape {
		if cfg.FlashAttention == engine.FlashAttentionOff {
			return nil, errors.New("llama: make context: a fixed shape takes flash attention: leave -fa out, or --fixed-shape")
		}
		attention = flashOn
	}
	c, err := m.newContext(cfg, func(p *sys.ContextParams) { p.FlashAttention = attention })
	if err != nil {
		return nil, err
	}
	if attention == flashOff {
		c.batch.passPlaces = m.passPlaces()
	}
	if cfg.FixedShape {
		if err := c.fixShape(); err != nil {
			return nil, errors.Join(fmt.Errorf("llama: make context: %w", err), c.Close())
		}
	}
	return c, nil
}

// newContext makes a context with parameters that change has had its say in.
func (m *model) newContext(cfg engine.ContextConfig, change func(*sys.ContextParams)) (*llmContext, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.handle == 0 {
		return nil, fmt.Errorf("llama: make context: %w", engine.ErrClosed)
	}
	cfg, err := m.complete(cfg)
	if err != nil {
		return nil, fmt.Errorf("llama: make context: %w", err)
	}
	c := &llmContext{model: m, lib: m.lib, c: m.lib.c, abort: new(abortFlag)}
	params := c.c.ContextDefaults()
	params.ContextTokens = uint32(cfg.ContextTokens)
	params.BatchTokens = uint32(cfg.BatchTokens)
	params.MicroBatchTokens = uint32(cfg.MicroBatchTokens)
	params.MaxSequences = uint32(cfg.MaxSequences)
	params.MaxOutputsPerSequence = 0 // any row may ask for logits
	params.Threads = int32(cfg.Threads)
	params.BatchThreads = int32(cfg.BatchThreads)
	params.AbortCallback = c.c.SemPost()
	params.AbortCallbackData = c.abort.address()
	params.KVUnified = false
	params.NoPerf = true
	change(&params)

	mark := c.lib.log.begin(levelError)
	c.handle = c.c.NewContext(m.handle, params)
	lines := c.lib.log.end(mark)
	if c.handle == 0 {
		return nil, fmt.Errorf("llama: make context of %d tokens: the library refused%s; "+
			"try a smaller context (-c) or fewer sequences (-np)", cfg.ContextTokens, lines)
	}
	c.memory = c.c.Memory(c.handle)
	c.limits = c.sizes(cfg)
	c.batch = newCBatch(c.limits.BatchTokens, c.limits.MaxSequences)
	c.loop = c.c.NewDecodeLoop(c.handle, &c.batch.c)
	c.setStateIdentity()
	c.decodeIn(cfg.Decoding)
	c.attachThreads()
	m.contexts.Add(1)
	return c, nil
}

// maxContextTokens keeps positions within an int32.
const maxContextTokens = math.MaxInt32 / 2

// complete checks a configuration and fills in defaults.
func (m *model) complete(cfg engine.ContextConfig) (engine.ContextConfig, error) {
	for name, v := range map[string]int{
		"ContextTokens": cfg.ContextTokens, "MaxSequences": cfg.MaxSequences, "BatchTokens": cfg.BatchTokens,
		"MicroBatchTokens": cfg.MicroBatchTokens, "Threads": cfg.Threads, "BatchThreads": cfg.BatchThreads,
	} {
		if v < 0 {
			return cfg, fmt.Errorf("%s is %d; it must not be negative", name, v)
		}
	}
	setDefault(&cfg.MaxSequences, 1)
	if limit := m.lib.c.SequencesLimit(); cfg.MaxSequences > limit {
		return cfg, fmt.Errorf("MaxSequences is %d; the library takes at most %d", cfg.MaxSequences, limit)
	}
	setDefault(&cfg.ContextTokens, m.info.TrainedContext*cfg.MaxSequences)
	if cfg.ContextTokens > maxContextTokens || cfg.ContextTokens < cfg.MaxSequences {
		return cfg, fmt.Errorf("ContextTokens is %d; %d sequences need between %d and %d",
			cfg.ContextTokens, cfg.MaxSequences, cfg.MaxSequences, maxContextTokens)
	}
	setDefault(&cfg.BatchTokens, 2048)
	setDefault(&cfg.MicroBatchTokens, 512)
	cfg.BatchTokens = min(cfg.BatchTokens, cfg.ContextTokens)
	// A step decodes a token of every sequence.
	cfg.BatchTokens = max(cfg.BatchTokens, cfg.MaxSequences)
	cfg.MicroBatchTokens = min(cfg.MicroBatchTokens, cfg.BatchTokens)
	if cfg.FixedShape {
		// Single rows of all sequences are computed together.
		cfg.MicroBatchTokens = max(cfg.MicroBatchTokens, cfg.MaxSequences, leastPiece)
		cfg.BatchTokens = max(cfg.BatchTokens, cfg.MicroBatchTokens)
	}
	setDefault(&cfg.Threads, DefaultThreads())
	setDefault(&cfg.BatchThreads, cfg.Threads)
	m.warnOversubscribed(max(cfg.Threads, cfg.BatchThreads))
	return cfg, nil
}

func (m *model) warnOversubscribed(threads int) {
	if threads > DefaultThreads() {
		m.lib.log.warn("engine threads oversubscribe the cores: decoding may be 30 times slower; use fewer (-t, -tb)",
			"threads", threads, "cores", cores(), "recommended", DefaultThreads())
	}
}

func setDefault(v *int, value int) {
	if *v == 0 {
		*v = value
	}
}

// sizes returns what the library made of the configuration.
func (c *llmContext) sizes(cfg engine.ContextConfig) engine.Limits {
	return engine.Limits{
		ContextTokens:    c.c.ContextTokens(c.handle),
		SequenceTokens:   c.c.SequenceTokens(c.handle),
		MaxSequences:     c.c.MaxSequences(c.handle),
		BatchTokens:      c.c.BatchTokens(c.handle),
		MicroBatchTokens: c.c.MicroBatchTokens(c.handle),
		Threads:          cfg.Threads,
		BatchThreads:     cfg.BatchThreads,
	}
}

// SetThreads has later calls of Decode compute on other threads, in another group.
func (c *llmContext) SetThreads(t engine.Threads) {
	if c.handle == 0 {
		return
	}
	c.retireThreads()
	c.limits.Threads, c.limits.BatchThreads = max(t.Threads, 1), max(t.BatchThreads, 1)
	c.c.SetThreads(c.handle, int32(c.limits.Threads), int32(c.limits.BatchThreads))
	c.decodeIn(t.Decoding)
	c.attachThreads() // as many as are needed: what a pool has too many is in nobody's count
}

// attachThreads gives the context threads that outlive a graph. A single
// thread is the caller's own.
func (c *llmContext) attachThreads() {
	n := max(c.limits.Threads, c.limits.BatchThreads)
	if n < 2 {
		return
	}
	if c.threads = c.c.NewThreadpool(n); c.threads != 0 {
		c.c.AttachThreadpool(c.handle, c.threads)
	}
}

// retireThreads takes a context its threads. The library goes on to use their pool
// until it has computed something without: it puts those it had to sleep then.
func (c *llmContext) retireThreads() {
	if c.threads != 0 {
		c.c.DetachThreadpool(c.handle)
		c.retired = append(c.retired, c.threads)
		c.threads = 0
	}
}

// freeRetired ends the threads that the library has done with.
func (c *llmContext) freeRetired() {
	for _, threads := range c.retired {
		c.c.FreeThreadpool(threads)
	}
	c.retired = nil
}

// decodeIn has the library called in group.
func (c *llmContext) decodeIn(group *ggroup.Group) {
	call := func() { c.code = c.loop.Decode() }
	c.decode = func() { within(group, call) }
}

// Limits returns the sizes in force.
func (c *llmContext) Limits() engine.Limits { return c.limits }

// Decode runs the batch through the model. It does not allocate. The batch is
// checked first; one that is not accepted leaves the context as it was.
func (c *llmContext) Decode(b *engine.Batch) error {
	if c.handle == 0 {
		return fmt.Errorf("llama: decode: %w", engine.ErrClosed)
	}
	c.rows = 0
	if err := c.check(b); err != nil {
		return fmt.Errorf("llama: decode: %w", err)
	}
	if !c.abort.begin() {
		return fmt.Errorf("llama: decode: %w", engine.ErrAborted)
	}
	mark := c.lib.log.begin(levelWarn)
	if c.fixed != nil {
		c.decodeFixed(b)
	} else {
		c.batch.fill(b)
		c.decode()
	}
	c.copied = false // that comes first in it
	lines := c.lib.log.end(mark)
	if err := c.model.files.lost(); err != nil {
		return fmt.Errorf("llama: decode: %w", err)
	}
	switch c.code {
	case sys.DecodeOK:
		c.rows = b.Len()
		if c.retired != nil {
			c.freeRetired()
		}
		return nil
	case sys.DecodeNoSpace:
		return fmt.Errorf("llama: decode: %w", engine.ErrNoCacheSpace)
	case sys.DecodeAborted:
		return fmt.Errorf("llama: decode: %w", engine.ErrAborted)
	default:
		return fmt.Errorf("llama: decode: the library failed with code %d%s", c.code, lines)
	}
}

// check finds what the library would answer by failing an assertion.
func (c *llmContext) check(b *engine.Batch) error {
	n := b.Len()
	switch {
	case n == 0:
		return errors.New("the batch is empty")
	case n > c.limits.BatchTokens:
		return fmt.Errorf("the batch has %d tokens, more than BatchTokens %d", n, c.limits.BatchTokens)
	case len(b.Positions) != n || len(b.Sequences) != n || len(b.Logits) != n:
		return errors.New("the batch's slices differ in length")
	}
	for i, token := range b.Tokens {
		if uint(token) >= uint(c.model.info.VocabSize) {
			return fmt.Errorf("token %d of row %d is not in the vocabulary of %d", token, i, c.model.info.VocabSize)
		}
		if uint(b.Sequences[i]) >= uint(c.limits.MaxSequences) {
			return fmt.Errorf("sequence %d of row %d is not below MaxSequences %d", b.Sequences[i], i, c.limits.MaxSequences)
		}
		if b.Positions[i] < 0 {
			return fmt.Errorf("position %d of row %d is negative", b.Positions[i], i)
		}
	}
	return nil
}

// Abort stops a running Decode before its next operation and refuses later
// ones.
func (c *llmContext) Abort() { c.abort.raise() }

// Resume takes back Abort.
func (c *llmContext) Resume() { c.abort.lower() }

// Progress counts the operations that a Decode has begun. What a GPU computes is not
// counted.
func (c *llmContext) Progress() (operations uint32, ok bool) {
	return c.abort.operations(), c.lib.OnlyCPU()
}

// Logits returns the logits of a row in the library's memory.
func (c *llmContext) Logits(row int) ([]float32, error) {
	if err := c.checkRow(row); err != nil {
		return nil, fmt.Errorf("llama: get logits: %w", err)
	}
	if c.fixed != nil {
		return c.fixed.logits[row], nil
	}
	p := c.loop.Logits(c.batch.place[row])
	if p == nil {
		return nil, fmt.Errorf("llama: get logits: the library has none for row %d", row)
	}
	return unsafe.Slice((*float32)(p), c.model.info.VocabSize), nil
}

func (c *llmContext) checkRow(row int) error {
	switch {
	case c.handle == 0:
		return engine.ErrClosed
	case row < 0 || row >= c.rows:
		return fmt.Errorf("row %d is not in the last batch of %d", row, c.rows)
	case !c.wants(row):
		return fmt.Errorf("row %d was decoded without logits", row)
	}
	return nil
}

// wants reports whether a row of the last batch asked for logits.
func (c *llmContext) wants(row int) bool {
	if c.fixed != nil {
		return c.fixed.logits[row] != nil
	}
	return c.batch.wants(row)
}

// Close frees the KV cache; closing again does nothing.
func (c *llmContext) Close() error {
	if c.handle == 0 {
		return nil
	}
	c.retireThreads()
	c.freeRetired()
	c.c.FreeContext(c.handle)
	c.handle = 0
	c.model.contexts.Add(-1) // no lock: a text that is being tokenised may hold it for long
	return nil
}
