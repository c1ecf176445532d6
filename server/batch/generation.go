package batch

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/weirgo/weir/server/engine"
)

// Generation is the output of one request: a bounded lock-free ring with one
// producer, the engine goroutine, and one consumer, whoever calls Next or Poll.
//
// The atomics, and who moves them:
//
//	tail       engine: stores a result, then tail+1
//	head       reader: copies results out, then head+n
//	waiting    0→1 reader, before it parks; 1→0 by whoever wakes it (or by
//	           itself, when it need not park). The winner of 1→0 sends on wake,
//	           so wake holds at most one token and is empty when waiting is 0
//	           and nobody is between the two.
//	stalled    engine: true while the ring is too full to go on. The reader
//	           then wakes the engine once half the ring is free.
//	cancelled  false→true by anyone; the engine acts on it
//	ended      false→true by the engine after the last result and finish
//	announced  false→true by Announce: the engine tells the feed, not wake
//
// Each pair that must not miss the other stores its own word and then loads
// the other's: reader waiting/tail, engine tail/waiting; reader head/stalled,
// engine stalled/head; reader announced/tail, engine tail/announced.
type Generation struct {
	loop    *Loop
	ctx     context.Context
	unwatch func() bool // stops watching ctx
	wake    chan struct{}
	slots   []slot
	logits  []float32  // a row for each slot, nil if not asked for
	pooled  *[]float32 // what holds logits in the pool
	top     []TokenLogprob
	topN    int // Request.TopLogprobs

	_      cacheLine
	seq    sequence
	finish Finish

	_       cacheLine
	head    atomic.Uint32
	waiting atomic.Uint32

	_         cacheLine
	tail      atomic.Uint32
	ended     atomic.Bool
	stalled   atomic.Bool
	cancelled atomic.Bool

	// Of the feed, if it reads the generation.
	announced atomic.Bool
	listed    atomic.Bool
	next      *Generation
	owner     any
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
	g.head.Store(head + uint32(n))
	if g.stalled.Load() && 2*(ready-n) <= len(g.slots) {
		g.loop.wakeEngine()
	}
	return n
}

// wait parks until somebody calls wakeReader or ctx is done. It may return
// early.
func (g *Generation) wait(ctx context.Context) {
	g.waiting.Store(1)
	if g.tail.Load() != g.head.Load() || g.ended.Load() || ctx.Err() != nil {
		g.stopWaiting()
		return
	}
	// The loop watches the context of Submit and wakes the reader when it is
	// done, so the usual wait is for one channel instead of two.
	done := ctx.Done()
	if done == nil || done == g.ctx.Done() {
		<-g.wake
		return
	}
	select {
	case <-g.wake:
	case <-done:
		g.stopWaiting()
	}
}

// stopWaiting takes back waiting, or takes the wake-up that was faster.
func (g *Generation) stopWaiting() {
	if !g.waiting.CompareAndSwap(1, 0) {
		<-g.wake
	}
}

// wakeReader wakes the reader if it waits. Any goroutine.
func (g *Generation) wakeReader() {
	if g.waiting.Load() == 1 && g.waiting.CompareAndSwap(1, 0) {
		g.wake <- struct{}{}
	}
}

// Cancel ends the generation soon, with FinishAborted, and frees its sequence.
// Any goroutine, any number of times, also after the end.
func (g *Generation) Cancel() {
	if g.cancelled.Load() || g.ended.Load() || g.cancelled.Swap(true) {
		return
	}
	g.loop.cancels.Store(true)
	g.loop.wakeEngine()
}

// contextDone is called when the context of Submit is done. It wakes the
// reader at once: the engine may be long in coming.
func (g *Generation) contextDone() {
	g.Cancel()
	g.wakeReader()
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
	g.tail.Store(tail + 1)
}

// end publishes the finish after the last result. Engine goroutine.
func (g *Generation) end(f Finish) {
	g.unwatch()
	if f.Reason == FinishAborted && f.Err == nil && g.ctx.Err() != nil {
		f.Err = context.Cause(g.ctx)
	}
	g.finish = f
	g.ended.Store(true)
	g.tell()
}
