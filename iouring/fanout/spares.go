package fanout

import (
	"math/bits"
	"sync"
)

const (
	// firstBytes is the capacity a stream's buffer begins with: a frame or two.
	firstBytes = 512
	// smallSizes is how many sizes there are of which any number of buffers may wait for
	// the next burst: firstBytes, twice that, and so on.
	smallSizes = 4
	// bundleLimit is how many small buffers of a size stay in any case.
	bundleLimit = 32
	// largeLimit is how many larger ones wait.
	largeLimit = 256
	// spareBytes is the largest of them, a stream's that stopped being Ready at
	// the default: what a dear frame or a slow client has needed goes.
	spareBytes = 64 << 10
)

// spareBuffers lends streams the buffers of their frames, so that neither does every
// stream keep one between two frames nor does every frame allocate.
//
// Small buffers wait in bundles of one size. Streams take from and give
// to the open bundle of their size; full ones are in a pool, which the collector
// empties: who streams without a pause finds there what the step before has given back,
// and of a burst that is over nothing stays.
type spareBuffers struct {
	mu    sync.Mutex
	open  [smallSizes]*bundle
	full  [smallSizes]sync.Pool // of *bundle
	empty sync.Pool             // of *bundle
	large [][]byte              // of other sizes, up to spareBytes
}

// bundle is buffers of at least one size, and less than the next.
type bundle struct {
	n       int
	buffers [bundleLimit][]byte
}

// room gives b with room for n more bytes.
func (p *spareBuffers) room(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) {
		return b
	}
	larger := p.take(need)
	if larger == nil {
		larger = make([]byte, 0, firstBytes<<sizeOf(need))
	}
	larger = append(larger, b...)
	p.give(b)
	return larger
}

// sizeOf is the least n for which firstBytes<<n is not below bytes.
func sizeOf(bytes int) int { return bits.Len(uint(max(bytes, 1)-1) / firstBytes) }

// take gives a spare buffer with room for need bytes, nil if there is none.
func (p *spareBuffers) take(need int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := sizeOf(need)
	if size >= smallSizes {
		return p.takeLarge(need)
	}
	from := p.open[size]
	if from == nil || from.n == 0 {
		more, _ := p.full[size].Get().(*bundle)
		if more == nil {
			return nil
		}
		if from != nil {
			p.empty.Put(from)
		}
		from, p.open[size] = more, more
	}
	from.n--
	b := from.buffers[from.n]
	from.buffers[from.n] = nil
	return b
}

// takeLarge gives the newest of the large buffers, if it has room for need bytes; mu is
// held.
func (p *spareBuffers) takeLarge(need int) []byte {
	last := len(p.large) - 1
	if last < 0 || cap(p.large[last]) < need {
		return nil
	}
	b := p.large[last]
	p.large[last] = nil
	p.large = p.large[:last]
	return b
}

// give takes a buffer that is not needed any more.
func (p *spareBuffers) give(b []byte) {
	if cap(b) < firstBytes || cap(b) > spareBytes {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch size := bits.Len(uint(cap(b)/firstBytes)) - 1; { // it may be larger than that: append has made it
	case size < smallSizes:
		p.giveSmall(size, b[:0])
	case len(p.large) < largeLimit:
		p.large = append(p.large, b[:0])
	}
}

// giveSmall puts a buffer into the open bundle of its size; mu is held.
func (p *spareBuffers) giveSmall(size int, b []byte) {
	to := p.open[size]
	if to == nil || to.n == bundleLimit {
		if to != nil {
			p.full[size].Put(to)
		}
		to, _ = p.empty.Get().(*bundle)
		if to == nil {
			to = new(bundle)
		}
		p.open[size] = to
	}
	to.buffers[to.n] = b
	to.n++
}
