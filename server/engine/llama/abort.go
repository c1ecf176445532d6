package llama

import (
	"sync/atomic"
	"unsafe"
)

// abortFlag is the abort callback of a context without a call into Go, which
// would cost more than many of the operations it is asked before.
//
// The library calls bool (*)(void *data) before each operation of the graph.
// It gets C's size_t strlen(const char *) for that, with the flag as the
// string: "" has length 0 and "\x01" length 1. The ABI returns a bool in the
// lowest byte of the register it returns a size_t in, and callers look at no
// more, so the lengths read as false and true.
//
// The flag is a word on Go's heap, whose objects do not move. It is set and
// read at any time, also after the context is closed.
type abortFlag struct {
	word atomic.Uint32 // 0 or 1; little-endian, so 1 is the string's first byte
}

func (f *abortFlag) address() uintptr { return uintptr(unsafe.Pointer(&f.word)) }
func (f *abortFlag) raise()           { f.word.Store(1) }
func (f *abortFlag) lower()           { f.word.Store(0) }
func (f *abortFlag) raised() bool     { return f.word.Load() != 0 }
