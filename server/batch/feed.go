package batch

import (
	"slices"
	"sync/atomic"
)

// Feed lets one goroutine read many generations: it names those that have
// results or have ended, once a step for all of them. So a step that advances a
// thousand streams wakes one goroutine.
//
//	loop.Feed()                       // one reader
//	gen.Announce(owner)               // from now on the feed's
//	...
//	<-feed.Ready()
//	ready = feed.Take(ready[:0])
//	for _, gen := range ready {
//		n, err := gen.Poll(results[:]) // until n is 0, or io.EOF
//	}
//
// A generation that its reader leaves alone is announced again when it has
// more, pauses when its ring is full, and goes on when it is read; nothing is
// lost. One whose reader was faster than the announcement is named with nothing
// to read, even once after its io.EOF. The list is linked through the generations, each at most once:
//
//	Generation.listed  false→true who puts it on the list: the engine, with
//	                   results or the end, or Announce, if either was there;
//	                   true→false Take, before the reader looks at its ring
//	Feed.list          the newest first; pushed by compare-and-swap, taken
//	                   whole by Take
//	Feed.ready         holds at most one token; put in after the pushes of a
//	                   step
type Feed struct {
	ready chan struct{}
	list  atomic.Pointer[Generation]
	dirty bool // the engine's: pushed in this step
}

func newFeed() Feed { return Feed{ready: make(chan struct{}, 1)} }

// Feed returns the loop's only feed; one goroutine at a time may use it.
func (l *Loop) Feed() *Feed { return &l.feed }

// Ready receives after a step that gave generations of the feed something.
func (f *Feed) Ready() <-chan struct{} { return f.ready }

// Take appends the generations that have something to read, in the order in
// which they got it.
func (f *Feed) Take(dst []*Generation) []*Generation {
	from := len(dst)
	for g := f.list.Swap(nil); g != nil; {
		next := g.next
		g.next = nil
		dst = append(dst, g)
		g.listed.Store(false) // from here on it may be pushed again
		g = next
	}
	slices.Reverse(dst[from:])
	return dst
}

// push lists g unless it is listed. Any goroutine.
func (f *Feed) push(g *Generation) {
	if g.listed.Load() || !g.listed.CompareAndSwap(false, true) {
		return
	}
	for {
		head := f.list.Load()
		g.next = head
		if f.list.CompareAndSwap(head, g) {
			return
		}
	}
}

// signal wakes the reader after pushes. Any goroutine.
func (f *Feed) signal() {
	select {
	case f.ready <- struct{}{}:
	default: // it is on its way
	}
}

// endStep wakes the reader if the step gave it something. Engine goroutine.
func (f *Feed) endStep() {
	if f.dirty {
		f.dirty = false
		f.signal()
	}
}

// Announce hands the reading of the generation over to the loop's feed; owner
// is for the reader, by Owner. The caller has read with Next until now, if at
// all, and does not any more.
func (g *Generation) Announce(owner any) {
	g.owner = owner
	g.announced.Store(true)
	if g.tail.Load() != g.head.Load() || g.ended.Load() {
		g.loop.feed.push(g)
		g.loop.feed.signal()
	}
}

// Owner is what Announce was given.
func (g *Generation) Owner() any { return g.owner }

// tell lets the generation's reader know of a result or the end. Engine
// goroutine.
func (g *Generation) tell() {
	if !g.announced.Load() {
		g.wakeReader()
		return
	}
	g.loop.feed.push(g)
	g.loop.feed.dirty = true
}
