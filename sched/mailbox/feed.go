package mailbox

import (
	"slices"
	"sync/atomic"
)

// Feed names to one goroutine the things that have something to be looked at.
// A thing embeds or holds an [Entry]; posting it twice before it is taken names
// it once. So what happens to a thousand things costs one wake-up.
//
//	entry.Init(feed, thing)
//	entry.Post()        // any goroutine, any number of times
//	feed.Wake()         // once, after the posts that belong together
//
//	for {               // the one reader
//		feed.Wait()
//		ready = feed.Take(ready[:0])
//		for _, entry := range ready { look at entry.Owner() }
//	}
//
// A thing that was looked at before its post is taken is named with nothing to
// see; nothing is ever missed, as long as what is to be seen is behind atomics or
// a lock: a Post that finds its entry listed only loads, which orders nothing
// else. The list is linked through the entries:
//
//	Entry.listed  false→true who puts it on the list, having made visible what
//	              is to be seen; true→false Take, before the reader looks
//	Feed.list     the newest first; pushed by compare-and-swap, taken whole
type Feed struct {
	list atomic.Pointer[Entry]
	cell *Cell
}

// Entry is a thing's place in a feed.
type Entry struct {
	feed   *Feed
	owner  any
	listed atomic.Bool
	next   *Entry
}

// NewFeed returns an empty feed.
func NewFeed() *Feed { return &Feed{cell: NewCell()} }

// Init says whose entry it is and where it is posted; before the first Post.
func (e *Entry) Init(f *Feed, owner any) { e.feed, e.owner = f, owner }

// Feed is where the entry is posted.
func (e *Entry) Feed() *Feed { return e.feed }

// Owner is what Init was given.
func (e *Entry) Owner() any { return e.owner }

// Post lists the entry unless it is listed. Any goroutine; Wake follows.
func (e *Entry) Post() {
	if e.listed.Load() || !e.listed.CompareAndSwap(false, true) {
		return
	}
	for {
		head := e.feed.list.Load()
		e.next = head // ours: who set listed alone touches it until Take
		if e.feed.list.CompareAndSwap(head, e) {
			return
		}
	}
}

// Wake wakes the reader if it sleeps. Any goroutine.
func (f *Feed) Wake() { f.cell.Wake() }

// Wait sleeps until something is listed. The reader's.
func (f *Feed) Wait() {
	for f.list.Load() == nil {
		f.cell.Prepare()
		if f.list.Load() != nil {
			f.cell.Stop()
			return
		}
		f.cell.Wait()
	}
}

// Take appends what is listed, in the order of the posts. The reader's.
func (f *Feed) Take(dst []*Entry) []*Entry {
	from := len(dst)
	for e := f.list.Swap(nil); e != nil; {
		next := e.next
		e.next = nil
		dst = append(dst, e)
		e.listed.Store(false) // from here on it may be posted again, next is not ours
		e = next
	}
	slices.Reverse(dst[from:])
	return dst
}
