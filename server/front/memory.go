package front

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/weirgo/weir/server/ask"
)

// memory is the budget that all requests share for what clients send and for
// what is gathered for them. Who does not find room is refused and may come
// again: one that waited would hold what it has, and a few of those could wait
// for each other.
type memory struct {
	limitBytes int64
	used       atomic.Int64
}

// smallBytes is what a request may hold without counting as a large one. Large
// ones leave a quarter of the memory to those that are not, so that ordinary
// requests pass while others send all they can.
const smallBytes = 256 << 10

func (m *memory) largeLimitBytes() int64 { return m.limitBytes / 4 * 3 }

// account is what one request holds of the memory, or one answer. It belongs to
// one goroutine at a time.
type account struct {
	memory *memory
	held   int64
}

// hold makes the account hold at least n bytes. The error is an *ask.Fault, and
// changes nothing.
func (a *account) hold(n int64) error {
	more := n - a.held
	if more <= 0 {
		return nil
	}
	limit := a.memory.limitBytes
	if n > smallBytes {
		limit = a.memory.largeLimitBytes()
	}
	if n > limit {
		return &ask.Fault{
			Kind: ask.BodyTooLarge, What: fmt.Sprintf("the request takes %d MiB of memory, and may take %d", n>>20, limit>>20),
			Remedy: "send less, or ask for less, at once",
		}
	}
	if a.memory.used.Add(more) > limit {
		a.memory.used.Add(-more)
		return &ask.Fault{Kind: ask.MemoryFull, What: "the memory for requests is in use", Remedy: "try again later"}
	}
	a.held = n
	return nil
}

// Hold implements reply.Memory.
func (a *account) Hold(n int) error {
	err := a.hold(int64(n))
	if f, ok := errors.AsType[*ask.Fault](err); ok && f.Kind == ask.BodyTooLarge {
		return &ask.Fault{
			Kind: ask.LogprobsTooMany, What: fmt.Sprintf("the answer takes more than %d MiB", a.memory.largeLimitBytes()>>20),
			Remedy: "stream, or lower max_tokens or the number of log-probabilities",
		}
	}
	return err
}

// free gives all back.
func (a *account) free() {
	a.memory.used.Add(-a.held)
	a.held = 0
}

// firstBytes is the buffer that a body begins with: most fit in.
const firstBytes = 4 << 10

// errOverLimit says that there was more than what was to be read.
var errOverLimit = fmt.Errorf("front: read body: over its limit")

// read reads r to its end, at most limitBytes of it. The buffer grows with what
// has arrived, whatever length was announced; announced (-1: unknown) only
// keeps it from growing past the end.
func (a *account) read(r io.Reader, announced, limitBytes int64) ([]byte, error) {
	if announced < 0 || announced > limitBytes {
		announced = limitBytes
	}
	var b []byte
	for {
		if len(b) == cap(b) {
			// One more than there is: the end is found without growing again.
			size := min(max(firstBytes, 2*int64(cap(b))), announced+1)
			if size <= int64(cap(b)) {
				size = 2 * int64(cap(b)) // it is longer than announced, as decompressed bodies are
			}
			if err := a.hold(size); err != nil {
				return nil, err
			}
			b = append(make([]byte, 0, size), b...)
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limitBytes:
			return nil, errOverLimit
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		}
	}
}
