package batch

import (
	"io"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/batch/queue"
)

// Generation is the output of one request: a bounded lock-free ring with one
// producer, the engine goroutine, and one consumer, whoever calls Poll.
//
// The atomics, and who moves them:
//
//	tail       engine: stores a result, then tail+1
//	head       reader: copies results out, then head+n
//	stalled    engine: true while the ring is too full to go on. The reader
//	           then wakes the engine once half the ring is free.
//	cancelled  false→true by anyone, who then puts it into the loop's list of the
//	           cancelled: cancelledBefore is the next one there. The engine takes
//	           the whole list
//	ended      false→true by the engine after the last result and finish
//	entry      nil→an entry by Announce: the engine posts it. Until then it
//	           tells nobody.
//	reused     engine: at the first admission
//	slot       engine: at each admission, and 0 at an end with an error or a shift
//	shifted    false→true by the engine, before the results that follow
//	slot       engine: at each admission, and 0 at an end with an error
//	drafted    engine: with each draft; accepted then, too
//
// Each pair that must not miss the other stores its own word and then loads
// the other's; tail stands for ended as well, which is stored after it:
//
//	reader  entry, loads tail              engine  tail, loads entry
//	reader  takes the entry, loads tail    engine  tail, posts the entry
//	reader  head, loads stalled            engine  stalled, loads head
type Generation struct {
	// The reader's.
	head atomic.Uint32
	top  []TokenLogprob // of the results that Poll returned last

	_         cpu.CacheLinePad
	tail      atomic.Uint32
	ended     atomic.Bool
	stalled   atomic.Bool
	cancelled atomic.Bool
	entry     atomic.Pointer[mailbox.Entry]
	reused    atomic.Int32 // tokens of the prompt that were computed already
	slot      atomic.Int32 // its place if it keeps, counted from 1; 0 if it does not
	shifted   atomic.Bool  // tokens were dropped from its context
	drafted   atomic.Int32 // tokens that were guessed
	accepted  atomic.Int32 // of them, those that were right
	echoed    int32        // results that are the prompt's, the first ones

	// Of both, which change seldom: what the engine writes in each step is behind them.
	loop    *Loop
	results ring    // negative for a mark: the complement of what is computed
	topN    int     // Request.TopLogprobs
	*odds           // nil without log-probabilities
	scoreNs int     // of a token's log-probabilities, about, if there are any
	finish  *Finish // nil before the end

	cancelledBefore *Generation

	// The engine's.
	seq    sequence
	ticket queue.Ticket[*Generation]
}

// Announce names the generation's reader: from now on e is posted when there
// are results or the end, at once if there are already, and its feed is woken
// once for all posts of a step. Called once; e has been initialised and is this
// generation's alone.
//
// A generation that its reader leaves alone is posted again when it has more,
// pauses when its ring is full, and goes on when it is read. One whose reader
// was faster than the post is named with nothing to read, even once after its
// io.EOF.
func (g *Generation) Announce(e *mailbox.Entry) {
	// The entry first, then the look: what came before the engine saw the
	// entry is posted here, what comes later there, perhaps both.
	g.entry.Store(e)
	if g.tail.Load() != g.head.Load() || g.ended.Load() {
		e.Post()
		e.Feed().Wake()
	}
}

// Poll moves the results that are there into dst, at most len(dst), which must
// not be 0. It returns 0 and nil if there is nothing yet, and 0 and io.EOF after
// the last result. One goroutine at a time may call it; it should go on until
// io.EOF, also after Cancel, for Finish to be valid.
func (g *Generation) Poll(dst []Result) (n int, err error) {
	if len(dst) == 0 {
		panic("batch: read into an empty slice")
	}
	ended := g.ended.Load() // before the tail: the last results precede it
	head := g.head.Load()
	ready := int(g.tail.Load() - head)
	if ready == 0 {
		if !ended {
			return 0, nil
		}
		if g.odds != nil {
			g.likeliest, g.top = nil, nil // nobody fills them after the end
		}
		return 0, io.EOF
	}
	n = min(ready, len(dst))
	g.top = slices.Grow(g.top[:0], n*max(g.topN, 0)) // results keep parts of it
	for i := range n {
		slot := g.results.slot(head + uint32(i))
		token := g.results.get(slot)
		if token < 0 {
			dst[i] = Result{Mark: true, Processed: int(^token)}
			continue
		}
		dst[i] = Result{Token: token, Prompt: int(head)+i < int(g.echoed)}
		if g.topN >= 0 {
			g.logprobs(&dst[i], slot)
		}
	}
	// The head first: an engine that stalls on the old one is seen here, or
	// sees the new one when it looks again before it parks.
	g.head.Store(head + uint32(n))
	if g.stalled.Load() && 2*(ready-n) <= g.results.limit {
		g.loop.wakeEngine()
	}
	return n, nil
}

// Cancel ends the generation soon, with ask.FinishAborted, and frees its sequence.
// Any goroutine, any number of times, also after the end.
func (g *Generation) Cancel() {
	if g.cancelled.Load() || g.ended.Load() || g.cancelled.Swap(true) {
		return
	}
	// The generation's flag is up before it is in the list, for receive to see if the
	// engine meets it there first; the wake-up comes last.
	for l := g.loop; ; {
		g.cancelledBefore = l.cancels.Load()
		if l.cancels.CompareAndSwap(g.cancelledBefore, g) {
			break
		}
	}
	g.loop.wakeEngine()
}

// Cached returns how many tokens of the prompt were computed already when the
// generation was admitted. Valid after the first result.
func (g *Generation) Cached() int { return int(g.reused.Load()) }

// Slot returns the place where what is computed stays, -1 if it does not. Valid
// after the first result.
func (g *Generation) Slot() int { return int(g.slot.Load()) - 1 }

// Shifted reports whether tokens were dropped from the context to go on. Valid for the
// results that Poll has returned.
func (g *Generation) Shifted() bool { return g.shifted.Load() }

// Finish returns how the generation ended. It is valid once Poll has returned
// io.EOF, and panics before the end.
func (g *Generation) Finish() Finish {
	if !g.ended.Load() {
		panic("batch: Finish before the end of the generation")
	}
	return *g.finish
}

// SoFar returns where the time has gone until now, and nothing else of the end,
// which who cuts the text off does not wait for. It is valid once Poll has
// returned a token that is not the prompt's.
func (g *Generation) SoFar() (f Finish) {
	// The engine has written the times it reads, each once, before that token.
	g.seq.times(&f, sinceStart())
	f.Drafted, f.Accepted = int(g.drafted.Load()), int(g.accepted.Load())
	return f
}

// Prefilling returns how long the generation has been admitted. It is valid once
// Poll has returned a mark.
func (g *Generation) Prefilling() time.Duration { return time.Duration(sinceStart() - g.seq.admitted) }

// space returns the free slots. Engine goroutine.
func (g *Generation) space() int { return g.results.limit - int(g.tail.Load()-g.head.Load()) }

// next returns the slot of the result that comes after n others which are not put yet.
// There is space for it. Engine goroutine.
func (g *Generation) next(n int) int { return g.results.room(g.head.Load(), g.tail.Load()+uint32(n)) }

// put makes results of the n free slots that sample has filled. Engine goroutine.
func (g *Generation) put(n int) { g.tail.Add(uint32(n)) } // from here on the slots are the reader's

// end publishes the finish after the last result. Engine goroutine.
func (g *Generation) end(f Finish) {
	// The finish is read once ended is seen, and ended is seen only after the
	// last result was.
	g.finish = &f
	g.ended.Store(true)
	g.tell()
}

// tell posts a result or the end, which are stored already, and remembers the
// feed for wakeFeeds. There are few feeds, as a rule one. Engine goroutine.
func (g *Generation) tell() {
	e := g.entry.Load()
	if e == nil {
		return // Announce will see it
	}
	e.Post()
	if l := g.loop; !slices.Contains(l.dirty, e.Feed()) {
		l.dirty = append(l.dirty, e.Feed())
	}
}

// wakeFeeds wakes the readers of the feeds that were posted to since the last
// time.
func (l *Loop) wakeFeeds() {
	for _, f := range l.dirty {
		f.Wake()
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
}
