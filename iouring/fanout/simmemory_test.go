package fanout

import (
	"unsafe"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// simMemory is the memory a submission points at, as the kernel would see it.
// The address has come through an integer, as it does for the kernel; the
// submitter keeps the memory alive until the completion.
func simMemory(e sys.SQE) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&e.Addr)), e.Len)
}
