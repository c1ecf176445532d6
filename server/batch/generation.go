package batch

import (
	"context"
	"io"
	"slices"
	"sync/atomic"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// cacheLine keeps words that different cores write apart.
type cacheLine [64]byte

// Generation is the output of one request: a bounded lock-free ring with one
// producer, the engine goroutine, and one consumer, whoever calls Next or Poll.
//
// The atomics, and who moves them:
//
//	tail       engine: stores a result, then tail+1
//	head       reader: copies results out, then head+n
//	reader     a cell: the reader prepares and sleeps in it, anybody wakes it
//	stalled    engine: true while the ring is too full to go on. The reader
//	           then wakes the engine once half the ring is free.
//	cancelled  false→true by anyone; the engine acts on it
//	ended      false→true by the engine after the last result and finish
//	entry      nil→an entry by Announce: the engine posts it and leaves the
//	           cell alone
//
// Each pair that must not miss the other stores its own word and then loads
// the other's; tail stands for ended as well, which is stored after it:
//
//	reader  prepares the cell, loads tail   engine  tail, then wakes the cell
//	reader  head, loads stalled             engine  stalled, loads head
//	reader  entry, loads tail               engine  tail, loads entry
type Generation struct {
	loop    *Loop
	ctx     context.Context
	unwatch func() bool // stops watching ctx
	reader  *mailbox.Cell
	slots   []slot
	logits  []float32  // a row for each slot, nil if not asked for
	pooled  *[]float32 // what holds logits in the pool
	top     []TokenLogprob
	topN    int // Request.TopLogprobs

	_      cacheLine
	seq    sequence
	finish Finish

	_    cacheLine
	head atomic.Uint32

	_         cacheLine
	tail      atomic.Uint32
	ended     atomic.Bool
	stalled   atomic.Bool
	cancelled atomic.Bool
	entry     atomic.Pointer[mailbox.Entry]
}

// slot is a result in the ring; its logits, if any, lie in Generation.logits.
type slot struct{ token engine.Token }

// Next waits until there is a result and moves what is there into dst, at
// most len(dst) results, which must not be 0. After the last result it returns
// io.EOF. When ctx is done it returns the context's error, but results that are
// already there come first. One goroutine at a time may call Next; it should
// go on until io.EOF, also after Cancel, for Finish to be valid.
func (g *Generation) Next(ctx context.Context, dst []Result) (n int, err error) {
	for {
		if n, err := g.Poll(dst); n > 0 || err != nil {
			return n, err
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		g.wait(ctx)
	}
}

// Poll is Next without the wait: it returns 0 and nil if there is nothing yet.
func (g *Generation) Poll(dst []Result) (n int, err error) {
	if len(dst) == 0 {
		panic("batch: read into an empty slice")
	}
	ended := g.ended.Load() // before take: the last results precede it
	if n := g.take(dst); n > 0 {
		return n, nil
	}
	if ended {
		g.releaseLogits()
		return 0, io.EOF
	}
	return 0, nil
}

// take moves ready results into dst.
func (g *Generation) take(dst []Result) int {
	head := g.head.Load()
	ready := int(g.tail.Load() - head)
	n := min(ready, len(dst))
	if n == 0 {
		return 0
	}
	mask := uint32(len(g.slots) - 1)
	for i := range n {
		dst[i] = Result{Token: g.slots[(head+uint32(i))&mask].token}
	}
	if g.logits != nil {
		g.logprobs(dst[:n], head)
	}
	// The head first: an engine that stalls on the old one is seen here, or
	// sees the new one when it looks again before it parks.
	g.head.Store(head + uint32(n))
	if g.stalled.Load() && 2*(ready-n) <= len(g.slots) {
		g.loop.wakeEngine()
	}
	return n
}

// wait parks until somebody wakes the reader or ctx is done. It may return
// early.
func (g *Generation) wait(ctx context.Context) {
	// Prepared first, then looked: what the look misses wakes the cell.
	g.reader.Prepare()
	if g.readable() || ctx.Err() != nil {
		g.reader.Stop()
		return
	}
	// The loop watches the context of Submit and wakes the reader when it is
	// done, so the usual wait is for one channel instead of two.
	done := ctx.Done()
	if done == nil || done == g.ctx.Done() {
		g.reader.Wait()
		return
	}
	select {
	case <-g.reader.Token():
	case <-done:
		g.reader.Stop()
	}
}

// readable reports whether Poll has something to say.
func (g *Generation) readable() bool { return g.tail.Load() != g.head.Load() || g.ended.Load() }

// Announce hands the reading of the generation over to the reader of e's feed:
// from now on e is posted when there are results or the end, at once if there
// are already, and its feed is woken once for all posts of a step. The caller
// has read with Next until now, if at all, and does not any more; e has been
// initialised and is this generation's alone.
//
// A generation that its reader leaves alone is posted again when it has more,
// pauses when its ring is full, and goes on when it is read. One whose reader
// was faster than the post is named with nothing to read, even once after its
// io.EOF.
func (g *Generation) Announce(e *mailbox.Entry) {
	// The entry first, then the look: what came before the engine saw the
	// entry is posted here, what comes later there, perhaps both.
	g.entry.Store(e)
	if g.readable() {
		e.Post()
		e.Feed().Wake()
	}
}

// tell lets the generation's reader know of a result or the end, which are
// stored already. Engine goroutine.
func (g *Generation) tell() {
	e := g.entry.Load()
	if e == nil {
		g.reader.Wake()
		return
	}
	e.Post()
	g.loop.posted(e.Feed())
}

// posted remembers a feed for the end of the step. There are few feeds, as a
// rule one.
func (l *Loop) posted(f *mailbox.Feed) {
	if !slices.Contains(l.dirty, f) {
		l.dirty = append(l.dirty, f)
	}
}

// wakeFeeds wakes the readers of the feeds that the step has posted to.
func (l *Loop) wakeFeeds() {
	for _, f := range l.dirty {
		f.Wake()
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
}

// Cancel ends the generation soon, with ask.FinishAborted, and frees its sequence.
// Any goroutine, any number of times, also after the end.
func (g *Generation) Cancel() {
	if g.cancelled.Load() || g.ended.Load() || g.cancelled.Swap(true) {
		return
	}
	// The generation's flag is up before the loop's, which sends the engine to
	// look for it; the wake-up comes last.
	g.loop.cancels.Store(true)
	g.loop.wakeEngine()
}

// contextDone is called when the context of Submit is done. It wakes the
// reader at once: the engine may be long in coming.
func (g *Generation) contextDone() {
	g.Cancel()
	g.reader.Wake()
}

// Finish returns how the generation ended. It is valid once Next has returned
// io.EOF, and panics before the end.
func (g *Generation) Finish() Finish {
	if !g.ended.Load() {
		panic("batch: Finish before the end of the generation")
	}
	return g.finish
}

// space returns the free slots. Engine goroutine.
func (g *Generation) space() int { return len(g.slots) - int(g.tail.Load()-g.head.Load()) }

// put stores a result; there must be space. Engine goroutine.
func (g *Generation) put(token engine.Token, logits []float32) {
	tail := g.tail.Load()
	i := int(tail) & (len(g.slots) - 1)
	g.slots[i].token = token
	if g.logits != nil {
		vocab := len(g.logits) / len(g.slots)
		copy(g.logits[i*vocab:(i+1)*vocab], logits)
	}
	g.tail.Store(tail + 1) // last: from here on the slot is the reader's
}

// end publishes the finish after the last result. Engine goroutine.
func (g *Generation) end(f Finish) {
	g.unwatch()
	if f.Reason == ask.FinishAborted && f.Err == nil && g.ctx.Err() != nil {
		f.Err = context.Cause(g.ctx)
	}
	// The finish is read once ended is seen, and ended is seen only after the
	// last result was.
	g.finish = f
	g.ended.Store(true)
	g.tell()
}
