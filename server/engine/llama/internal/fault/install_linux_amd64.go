package fault

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// action is the kernel's struct sigaction.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

var _ [32]byte = [unsafe.Sizeof(action{})]byte{}

// previous is the handler that gets what is not ours: the Go runtime's.
var previous uintptr

// farewell is what the handler prints if a file loses its end while it is
// being mapped.
var farewell = []byte("weir: the model file lost its end while it was being loaded: copy it whole to another name, then load that\n")

// entry returns the address of the handler's first instruction.
func entry() uintptr

// install puts the handler before the runtime's, keeping the runtime's flags,
// mask and way to return. If the kernel refuses, faults stay the runtime's.
var install = sync.OnceFunc(func() {
	var a action
	if sigaction(nil, &a) != 0 || a.handler <= 1 { // default or ignored: nobody to pass on to
		return
	}
	previous = a.handler
	a.handler = entry()
	sigaction(&a, nil)
})

func sigaction(set, old *action) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGBUS),
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(action{}.mask), 0, 0)
	return errno
}
