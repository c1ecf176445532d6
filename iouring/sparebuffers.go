package iouring

import "sync"

const (
	// firstBytes is the capacity a stream's buffer begins with: a few frames.
	firstBytes = 1 << 10
	// keptBytes is the most that a stream which has caught up keeps.
	keptBytes = 4 << 10
	// sparesLimit is how many larger buffers wait for the next burst.
	sparesLimit = 256
)

// spareBuffers lends streams the large buffers that a burst needs, so that
// neither does every stream keep one nor does every burst allocate.
type spareBuffers struct {
	mu   sync.Mutex
	free [][]byte
}

// room gives b with room for n more bytes.
func (p *spareBuffers) room(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) {
		return b
	}
	size := firstBytes
	for size < need {
		size *= 2
	}
	var larger []byte
	if size > keptBytes {
		larger = p.take(need)
	}
	if larger == nil {
		larger = make([]byte, 0, size)
	}
	larger = append(larger, b...)
	p.kept(b)
	return larger
}

func (p *spareBuffers) take(need int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.free) - 1
	if last < 0 || cap(p.free[last]) < need {
		return nil
	}
	b := p.free[last]
	p.free[last] = nil
	p.free = p.free[:last]
	return b
}

// kept empties b, or takes it if it is more than a stream should keep.
func (p *spareBuffers) kept(b []byte) []byte {
	if cap(b) <= keptBytes {
		return b[:0]
	}
	p.mu.Lock()
	if len(p.free) < sparesLimit {
		p.free = append(p.free, b[:0])
	}
	p.mu.Unlock()
	return nil
}
