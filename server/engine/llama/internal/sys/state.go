package sys

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// StateBytes is how many bytes the state of a sequence takes.
func (l *Library) StateBytes(c Context, sequence int32) uint64 {
	r, _, _ := purego.SyscallN(l.c.stateSize, uintptr(c), uintptr(sequence))
	return uint64(r)
}

// GetState writes the state of a sequence to dst, which is not empty, and returns
// how many bytes it has; 0 if they do not fit or the library failed.
func (l *Library) GetState(c Context, sequence int32, dst []byte) uint64 {
	r, _, _ := purego.SyscallN(l.c.stateGet, uintptr(c), uintptr(unsafe.Pointer(&dst[0])), uintptr(len(dst)), uintptr(sequence))
	return uint64(r)
}

// SetState makes a sequence what src says, which is not empty, and returns how
// many bytes of it were read; 0 if the library refused, and then the sequence is
// empty. It trusts parts of what it reads: the caller checks src first.
func (l *Library) SetState(c Context, sequence int32, src []byte) uint64 {
	r, _, _ := purego.SyscallN(l.c.stateSet, uintptr(c), uintptr(unsafe.Pointer(&src[0])), uintptr(len(src)), uintptr(sequence))
	return uint64(r)
}
