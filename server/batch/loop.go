package batch

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/sched/record"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/prefix"
	"github.com/weirgo/weir/server/batch/queue"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/threads"
)

// Loop decodes the sequences of many requests together. All methods may be
// called from any goroutine.
type Loop struct {
	config Config
	limits engine.Limits
	model  engine.Model
	vocab  int
	ends   []uint64 // bit set: tokens that end a generation

	queue     *mailbox.Queue[*Generation]
	room      *queue.Room                // for requests that have not ended
	inFlight  atomic.Int32               // generations not ended
	cancels   atomic.Pointer[Generation] // the one cancelled last, and by cancelledBefore the others
	closing   atomic.Bool                // refuse requests
	torndown  chan struct{}              // Close has called Abort: the context may go
	done      chan struct{}              // the engine goroutine has returned
	close     sync.Once
	closeErr  error
	idle      *mailbox.Cell // where the engine goroutine parks
	stuck     atomic.Int64  // the decodingSince of a decode that is stuck, or 0
	watch     watch
	suspicion suspicion
	goroutine atomic.Uint64 // the engine goroutine's id; 0: it has not begun
	counters  counters

	embeddings embeddings
	slots      slots
	stored     stored // of who holds own, but for what it says

	stateIdentity string // "" if the context gives no states of sequences
	compute       compute
	shared        atomic.Pointer[engine.Context] // the context, for who does not hold own
	size          engine.ContextConfig           // of the context
	rest          rest

	// own is held by the engine goroutine, but not while it decodes or parks: who
	// holds it meanwhile may read and end what the engine goroutine has. The
	// context is the engine goroutine's alone.
	own sync.Mutex

	// The rest belongs to who holds own.

	context     engine.Context
	batch       *engine.Batch
	decodes     int // tokens of the decode under way
	waiting     *queue.Queue[*Generation]
	live        []*Generation       // oldest first
	free        []engine.SequenceID // descending
	places      []place             // by sequence
	kept        int                 // places with something in them
	prefixes    prefix.Tree         // of places that are left, and of live ones' prompts what is computed, by sequence
	copied      bool                // a sequence was copied or shifted, and nothing decoded since
	hold        bool                // admit nobody until a sequence has ended: the cache is full
	overtaken   bool                // somebody else has ended all generations
	dirty       []*mailbox.Feed     // posted to, to be woken
	promptLimit int                 // prompt tokens of a step; lower after the cache was full
	scoreLeft   int                 // prompt tokens that may yet be scored in this step
	rows        []*Generation       // whose row this step has finished
	share       *share              // of sampling them
	pacing      pacing
	accounting  accounting
	tiers       tiers
	drafting    drafting
	scout       *scout    // nil without a draft model
	deadlines   deadlines // of those that have one, waiting and live
	savedBytes  int       // of sequences that were preempted
}

// New makes a context over model and starts the engine goroutine. The caller
// closes the model after the loop. ec.MaxSequences defaults to cfg's.
func New(model engine.Model, ec engine.ContextConfig, cfg Config) (*Loop, error) {
	l, err := newLoop(model, ec, cfg)
	if err != nil {
		return nil, err
	}
	if err := start(l.config.Group, l.run); err != nil {
		return nil, errors.Join(err, l.closeStore(), l.scout.close(), l.context.Close())
	}
	return l, nil
}

// newLoop makes a loop whose engine goroutine is the caller's affair.
func newLoop(model engine.Model, ec engine.ContextConfig, cfg Config) (*Loop, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if ec.MaxSequences == 0 {
		ec.MaxSequences = cfg.MaxSequences
	}
	ctx, err := model.NewContext(ec)
	if err != nil {
		return nil, fmt.Errorf("batch: make engine context: %w", err)
	}
	limits := ctx.Limits()
	cfg, err = cfg.fit(limits)
	if err == nil && cfg.ContextShift {
		err = checkShifts(ctx)
	}
	if err != nil {
		ctx.Close()
		return nil, err
	}
	scout, err := newScout(model, ec, ctx, &cfg)
	if err != nil {
		ctx.Close()
		return nil, err
	}
	l := &Loop{
		config:      cfg,
		limits:      limits,
		size:        ec,
		model:       model,
		vocab:       model.Info().VocabSize,
		queue:       mailbox.NewQueue[*Generation](cfg.bounds().MostRequests()),
		room:        queue.NewRoom(cfg.bounds()),
		torndown:    make(chan struct{}),
		done:        make(chan struct{}),
		idle:        mailbox.NewCell(),
		context:     ctx,
		batch:       engine.NewBatch(limits.BatchTokens),
		waiting:     queue.New[*Generation](),
		live:        make([]*Generation, 0, cfg.MaxSequences),
		free:        make([]engine.SequenceID, cfg.MaxSequences),
		places:      make([]place, cfg.MaxSequences),
		promptLimit: limits.BatchTokens,
		rows:        make([]*Generation, 0, cfg.MaxSequences),
		share:       newShare(cfg.Group, limits),
		scout:       scout,
	}
	l.shared.Store(&ctx)
	l.rest.worked.Store(time.Now().UnixNano())
	l.embeddings.queue = mailbox.NewQueue[*embedding](cfg.QueueLimit)
	l.slots.queue = mailbox.NewQueue[*slotCall](cfg.QueueLimit)
	if c, ok := ctx.(engine.StateContext); ok {
		l.stateIdentity = c.StateIdentity()
	}
	l.compute.force.Store(&engine.Threads{Threads: limits.Threads, BatchThreads: limits.BatchThreads, Decoding: ec.Decoding})
	if err := l.openStore(); err != nil {
		return nil, errors.Join(err, scout.close(), ctx.Close())
	}
	l.own.Lock() // for the engine goroutine
	l.watch.init(l)
	for i := range l.free {
		l.free[i] = engine.SequenceID(cfg.MaxSequences - 1 - i)
	}
	l.ends = endsOf(model, l.vocab)
	return l, nil
}

// endsOf is which tokens of a vocabulary end a generation, a bit for each: that is asked
// for each sampled token.
func endsOf(model engine.Model, vocab int) []uint64 {
	ends := make([]uint64, (vocab+63)/64)
	for t := range vocab {
		if model.IsEndOfGeneration(engine.Token(t)) {
			ends[t/64] |= 1 << (t % 64)
		}
	}
	return ends
}

// Goroutine returns the id of the engine goroutine in the scheduler's records, 0 if it has
// not begun.
func (l *Loop) Goroutine() uint64 { return l.goroutine.Load() }

// Limits returns the sizes of the engine context in force, with MaxSequences
// as configured.
func (l *Loop) Limits() engine.Limits {
	limits := l.limits
	limits.MaxSequences = l.config.MaxSequences
	return limits
}

// Ends returns the tokens that end a generation.
func (l *Loop) Ends() (ends []engine.Token) {
	for i, word := range l.ends {
		for ; word != 0; word &= word - 1 {
			ends = append(ends, engine.Token(64*i+bits.TrailingZeros64(word)))
		}
	}
	return ends
}

// endsWith reports whether a token ends a generation.
func (l *Loop) endsWith(t engine.Token) bool { return l.ends[t/64]&(1<<(t%64)) != 0 }

// SubmitJob queues a job and returns at once. Errors: ErrEmptyPrompt,
// ErrQueueFull, ErrClosed, a prompt too long (ask.ContextExceeded), a first token that
// would come too late (ask.QueueFull), or a stuck engine (ask.EngineStuck).
func (l *Loop) SubmitJob(j Job) (*Generation, error) {
	if err := check(j.Request, l.limits); err != nil {
		return nil, err
	}
	if j.Request.Slot > 0 {
		if _, err := l.slot(j.Request.Slot - 1); err != nil {
			return nil, err
		}
	}
	if err := l.Check(); err != nil {
		return nil, err
	}
	if err := l.late(j.Request); err != nil {
		return nil, err
	}
	g := l.newGeneration(j)
	if !l.enter(g) {
		l.counters.refused.Add(1)
		return nil, l.queueFull()
	}
	// The count is taken before the look: the engine goroutine, closing, waits until
	// it is 0. The ring has a slot for each that the room has let in.
	l.inFlight.Add(1)
	if l.closing.Load() {
		l.inFlight.Add(-1)
		l.leaveRoom(g)
		return nil, ErrClosed
	}
	ahead := l.pacing.estimate.of(g)
	ahead.requests.Add(1)
	ahead.arriving.Add(int64(g.seq.prompt)) // before it can be received
	if !l.queue.Push(g) {
		panic("batch: ring smaller than the limit of requests")
	}
	l.wakeEngine()
	return g, nil
}

// Close ends all generations as EndAll does, frees the engine context and returns
// when that is done, which with a stuck engine is never. Later calls wait for the
// first.
func (l *Loop) Close() error {
	l.EndAll()
	<-l.done
	return l.closeErr
}

// EndAll refuses requests from now on and ends all generations with
// ask.FinishAborted. It does not wait for the decode that is under way.
func (l *Loop) EndAll() {
	l.close.Do(func() {
		// Closing before Abort: the aborted decode is taken for Close's doing.
		l.closing.Store(true)
		(*l.shared.Load()).Abort()
		l.abortEmbedder()
		l.scout.abort()
		close(l.torndown)
		l.wakeEngine()
	})
	l.own.Lock()
	defer l.own.Unlock()
	l.overtaken = true
	l.endSubmitted()
}

// run is the engine goroutine. It keeps one thread for itself: moving between
// threads after each call of C costs wake-ups and the engine's warm caches.
func (l *Loop) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(l.done)
	l.suspicion.engine.Store(int64(threads.Self()))
	l.goroutine.Store(record.Goroutine())
	if own, err := threads.OpenOwn(); err == nil { // else delays are not told
		defer own.Close()
		l.accounting.own = own
	}
	l.watch.arm()
	defer l.watch.timer.Stop()
	for !l.closing.Load() {
		l.takeThreads()
		l.serveRest()
		served := l.serveSlots()
		stepped := l.step()
		if l.embed() || stepped || served {
			l.rest.worked.Store(time.Now().UnixNano())
		} else if !l.saveIdle() {
			l.park()
		}
	}
	<-l.torndown // EndAll may be between its flag and its Abort of the context
	l.closeErr = l.drain()
}

// park waits until there may be something to do.
func (l *Loop) park() {
	// Prepared first, then looked: who makes an input visible later wakes.
	l.idle.Prepare()
	if l.closing.Load() || l.cancels.Load() != nil || !l.queue.Empty() || l.compute.asked.Load() != nil || !l.embeddings.idle() || l.slots.ready(l) || l.rest.asked.Load() != nil || l.storeReady() || l.anyRunnable() {
		l.idle.Stop()
	} else {
		l.own.Unlock()
		ggroup.QuietPoint()
		l.idle.Wait()
		l.own.Lock()
		l.accounting.late() // until it had a core: there was nobody to charge
	}
	l.watch.arm() // in either case: look may have come by since Prepare
}

// anyRunnable reports whether some sequence has something to decode.
func (l *Loop) anyRunnable() bool {
	for _, g := range l.live {
		if g.seq.runnable(g) {
			return true
		}
	}
	return false
}

// wakeEngine makes the engine goroutine look at its inputs if it is parked.
func (l *Loop) wakeEngine() { l.idle.Wake() }

// endAll ends the embeddings, the slots' calls, and the generations that have been queued, waiting or
// live, and returns how many. What they hold of the context is freed by sweep.
func (l *Loop) endAll(reason ask.FinishReason, err error) (ended int) {
	l.receive()
	for g := range l.all() {
		if l.finish(g, reason, err) {
			ended++
		}
	}
	l.wakeFeeds()
	l.embeddings.endAll(err)
	l.slots.endAll(err)
	return ended
}

// endSubmitted ends all generations of a loop that takes no more.
func (l *Loop) endSubmitted() {
	for {
		l.endAll(ask.FinishAborted, ErrClosed)
		if l.inFlight.Load() == 0 && l.embeddings.count.Load() == 0 && l.slots.count.Load() == 0 {
			return
		}
		runtime.Gosched() // a Submit is between its count and its push
	}
}

// drain ends all generations and closes the context.
func (l *Loop) drain() error {
	l.endSubmitted()
	l.sweepLive()
	kept := l.closeStore()
	for l.eraseOldest() > 0 {
	}
	l.share.running.Wait()
	l.publish()
	l.own.Unlock()
	if !l.rest.asleep {
		kept = errors.Join(kept, l.closeContexts())
	}
	return kept
}

// closeContexts frees what the engine has. Engine goroutine.
func (l *Loop) closeContexts() error {
	if err := errors.Join(l.closeEmbedder(), l.scout.close(), l.context.Close()); err != nil {
		return fmt.Errorf("batch: close engine context: %w", err)
	}
	return nil
}
