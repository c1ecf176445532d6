package llama

import (
	"sync/atomic"
	"unsafe"

	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// abortFlag is the abort callback of a context, and counts how often it is asked,
// without a call into Go, which would cost more than many of the operations it is
// asked before.
//
// The library calls bool (*)(void *data) before each operation of the graph. It gets
// C's int sem_post(sem_t *) for that: it adds one to the semaphore's value and
// answers 0, or leaves the largest value there is as it is and answers -1. The ABI
// returns a bool in the lowest byte of the register it returns an int in, and callers
// look at no more, so these read as false and true. Nobody waits for the semaphore;
// glibc keeps its value in the first word on amd64, which countsAndRefuses makes sure
// of.
//
// The value, and who moves it:
//
//	n → n+1       the library, before an operation
//	n → 0         begin, before a decode: the largest value is far above any's
//	n → largest   raise, any goroutine
//	largest → 0   lower
//
// The words are on Go's heap, whose objects do not move. They are set and read at any
// time, also after the context is closed.
type abortFlag struct {
	_     [0]uint64 // the library's instruction takes eight bytes
	value atomic.Uint32
	_     [28]byte // the rest of a sem_t: no waiters
}

// largest is SEM_VALUE_MAX.
const largest = 1<<31 - 1

func (f *abortFlag) address() uintptr { return uintptr(unsafe.Pointer(f)) }
func (f *abortFlag) raise()           { f.value.Store(largest) }
func (f *abortFlag) lower()           { f.value.CompareAndSwap(largest, 0) }

// begin counts from 0 again; it reports false if the flag is raised.
func (f *abortFlag) begin() bool {
	for {
		n := f.value.Load()
		if n == largest {
			return false
		}
		if f.value.CompareAndSwap(n, 0) {
			return true
		}
	}
}

// operations is how many have begun since begin.
func (f *abortFlag) operations() uint32 { return f.value.Load() }

// countsAndRefuses tries the callback.
func countsAndRefuses(c *sys.Library) bool {
	f := new(abortFlag)
	counts := !c.CallSemPost(f.address()) && !c.CallSemPost(f.address()) && f.operations() == 2
	f.raise()
	refuses := c.CallSemPost(f.address()) && !f.begin()
	f.lower()
	return counts && refuses && f.begin() && !c.CallSemPost(f.address()) && f.operations() == 1
}
