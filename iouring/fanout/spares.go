package fanout

import "sync"

const (
	// firstBytes is the capacity a stream's buffer begins with: a frame or two.
	firstBytes = 512
	// keptBytes is the most that a stream which has caught up keeps.
	keptBytes = 4 << 10
	// sparesLimit is how many buffers of each kind wait for the next burst.
	sparesLimit = 256
	// spareBytes is the largest of them, a stream's that stopped being Ready at
	// the default: what a dear frame or a slow client has needed goes.
	spareBytes = 64 << 10
)

// spareBuffers lends streams what a burst needs, a larger buffer or a second
// one, so that neither does every stream keep it nor does every burst allocate.
type spareBuffers struct {
	mu           sync.Mutex
	small, large [][]byte // up to keptBytes, and above, up to spareBytes
}

// room gives b with room for n more bytes.
func (p *spareBuffers) room(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) {
		return b
	}
	larger := p.take(need)
	if larger == nil {
		size := firstBytes
		for size < need {
			size *= 2
		}
		larger = make([]byte, 0, size)
	}
	larger = append(larger, b...)
	p.give(b)
	return larger
}

// take gives the newest spare buffer of the kind, if it has room for need bytes.
func (p *spareBuffers) take(need int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := &p.small
	if need > keptBytes {
		list = &p.large
	}
	last := len(*list) - 1
	if last < 0 || cap((*list)[last]) < need {
		return nil
	}
	b := (*list)[last]
	(*list)[last] = nil
	*list = (*list)[:last]
	return b
}

// give takes a buffer that is not needed any more.
func (p *spareBuffers) give(b []byte) {
	if cap(b) == 0 || cap(b) > spareBytes {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	list := &p.small
	if cap(b) > keptBytes {
		list = &p.large
	}
	if len(*list) < sparesLimit {
		*list = append(*list, b[:0])
	}
}

// kept empties b, or takes it if it is more than a stream should keep.
func (p *spareBuffers) kept(b []byte) []byte {
	if cap(b) <= keptBytes {
		return b[:0]
	}
	p.give(b)
	return nil
}
