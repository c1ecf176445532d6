package probe

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// minKernel is the first kernel with everything that a ring's thread needs:
// IORING_SETUP_DEFER_TASKRUN came with 6.1.
const minKernel = "Linux 6.1"

// Features is what this kernel and this process's permissions offer. The zero
// value offers nothing. It is a plain value, safe to copy.
type Features struct {
	Kernel    string // uname -r
	Available bool   // io_uring_setup works at all

	DeferTaskrun     bool // completions are worked off only inside enter (Linux 6.1)
	SingleIssuer     bool // one submitting thread (Linux 6.0)
	NoDrop           bool // completions survive an overflowing queue (Linux 5.5)
	BufferRings      bool // provided-buffer rings (Linux 5.19)
	MultishotReceive bool // one request, many receives (Linux 6.0)
}

// Feature is one line of Features.List.
type Feature struct {
	Name    string
	Present bool
	Needs   string // first kernel that has it
	Without string // what its absence costs; all of them are required
}

// List gives every feature that is used, in a fixed order, for a report.
func (f Features) List() []Feature {
	return []Feature{
		{"io_uring", f.Available, "Linux 5.1", "each stream keeps a goroutine, and each frame costs a system call and a switch to it"},
		{"defer taskrun", f.DeferTaskrun, "Linux 6.1", "a ring's thread would wake once a completion, not once a batch"},
		{"single issuer", f.SingleIssuer, "Linux 6.0", "each submission would take a lock in the kernel"},
		{"no dropped completions", f.NoDrop, "Linux 5.5", "an overflowing completion queue would lose what was sent"},
		{"buffer rings", f.BufferRings, "Linux 5.19", "each idle connection would pin a buffer"},
		{"multishot receive", f.MultishotReceive, "Linux 6.0", "each stream would need a new request after each receive"},
	}
}

// Missing returns an error for the first feature that is absent, nil if the
// io_uring path can run.
func (f Features) Missing() error {
	for _, x := range f.List() {
		if !x.Present {
			return &UnsupportedError{
				Feature: x.Name, Needs: x.Needs, Err: errors.New("without it " + x.Without),
				Remedy: "use a newer kernel, or run with WEIR_IO=net",
			}
		}
	}
	return nil
}

// Run asks the kernel what it offers by setting a ring up and receiving on a
// socket pair; it takes under a millisecond and leaves nothing behind. The
// error is an *UnsupportedError where io_uring is absent, forbidden by seccomp
// or switched off, and says what to do; so does the error where a limit of the
// process keeps a ring from being set up. Features then holds what is known. A
// kernel that has io_uring but lacks something required gives no error here:
// see Features.Missing.
func Run() (Features, error) {
	runtime.LockOSThread() // a single-issuer ring belongs to the thread
	defer runtime.UnlockOSThread()
	f := Features{Kernel: kernelRelease()}
	const all = sys.SetupSingleIssuer | sys.SetupDeferTaskrun
	ring, err := sys.Setup(8, sys.Params{Flags: all})
	switch {
	case err == nil:
		f.SingleIssuer, f.DeferTaskrun = true, true
	case errors.Is(err, syscall.EINVAL): // a kernel that does not know a flag
		if ring, err = sys.Setup(8, sys.Params{}); err == nil {
			f.SingleIssuer, err = setupWorks(sys.SetupSingleIssuer)
		}
	}
	if ring != nil {
		f.Available = true
		f.NoDrop = ring.Params().Features&sys.FeatNoDrop != 0
		if err == nil {
			err = f.tryReceive(ring)
		}
	}
	if err != nil {
		return f, Explain(err)
	}
	return f, nil
}

// tryReceive tries what receives need, and closes the ring. An errno that says
// something else than that the kernel does not know it is the error.
func (f *Features) tryReceive(ring *sys.Ring) error {
	buffers, err := sys.NewBufRing(ring, 0, 2, 64)
	if err == nil {
		f.BufferRings = true
		f.MultishotReceive, err = multishotReceiveWorks(ring)
	} else if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	_ = ring.Close()
	if buffers != nil {
		buffers.Free() // after the ring, which could still write to it
	}
	return err
}

// Shared is Run, asked once: what a kernel offers does not change.
var Shared = sync.OnceValues(Run)

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

func setupWorks(flags uint32) (bool, error) {
	ring, err := sys.Setup(2, sys.Params{Flags: flags})
	if errors.Is(err, syscall.EINVAL) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, ring.Close()
}

// multishotReceiveWorks receives one byte from a socket pair by multishot into
// buffer group 0; CQEMore on the completion says that the request lives on.
func multishotReceiveWorks(ring *sys.Ring) (bool, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[0])
	_, _ = unix.Write(pair[1], []byte{1})
	ring.Next().Recv(pair[0], 0)
	c, err := submitOne(ring)
	works := c.Res == 1 && c.Flags&sys.CQEMore != 0
	_ = unix.Close(pair[1]) // end of file ends the multishot
	if works && err == nil {
		_, err = submitOne(ring)
	}
	return works, err
}

// submitOne submits what is prepared and waits for one completion. Every
// request it is used for completes at once or has been made to.
func submitOne(ring *sys.Ring) (sys.CQE, error) {
	for ring.Ready() == 0 {
		if err := ring.Enter(1); err != nil && err != syscall.EINTR {
			return sys.CQE{}, os.NewSyscallError("io_uring_enter", err)
		}
	}
	c := ring.Completion(0)
	ring.Advance(1)
	return c, nil
}
