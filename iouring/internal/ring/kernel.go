package ring

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/probe"
	"github.com/weirgo/weir/iouring/internal/sys"
)

// Kernel is what a ring's thread needs from the other side. The real one is an
// io_uring; the simulated one in the tests injects every failure the real one
// is known for.
type Kernel interface {
	// Next gives a zeroed submission, nil when the queue is full.
	Next() *sys.SQE
	// Room is the number of submissions that Next can still give.
	Room() uint32
	// Enter submits what Next gave and, if wait is set, sleeps until there is a
	// Completion or wake was called. Its errors are bare errnos.
	Enter(wait bool) error
	// Park sleeps until wake is called; nothing is submitted and nothing comes.
	Park()
	// Wake ends a sleeping enter or park, or the next one; any goroutine.
	Wake()
	Ready() uint32
	Completion(i uint32) sys.CQE
	Advance(n uint32)
	// Overflowed reports that completions are held back until the next enter.
	Overflowed() bool
	// AddBuffer and PublishBuffers give provided buffers back; Buffer is the
	// memory of one.
	Buffer(bid uint16) []byte
	AddBuffer(bid uint16)
	PublishBuffers()
	// RegisterBuffers registers memory for reads.
	RegisterBuffers(v []unix.Iovec) error
	// Write and Shutdown are the plain system calls, on any goroutine that
	// holds the descriptor open.
	Write(fd int, p []byte) (int, error)
	Shutdown(fd int)
	Close()
}

// ReceiveGroup is the buffer group of multishot receives.
const ReceiveGroup = 1

// uring is the kernel's own io_uring: DEFER_TASKRUN, so that completions are
// worked off only when its thread enters, and SINGLE_ISSUER.
//
// To sleep, the thread parks in Go's netpoller on an eventfd that the kernel
// signals, rather than in io_uring_enter: a goroutine that blocks in a system
// call keeps its P until sysmon takes it away, up to 10 ms, and on two cores
// that is half the machine (RATIONALE: "A ring's thread sleeps in the netpoller"). The
// kernel's signals are switched off while the thread is awake.
type uring struct {
	ring    *sys.Ring
	buffers *sys.BufRing
	event   *os.File
	eventFd int
	flags   *uint32
	dirty   bool // buffers added, not published
	stats   *counters
}

// leastCompletions is how far a ring is made smaller where little memory may be
// locked: 128 KiB are enough then, and 320 KiB are not for the usual one.
const leastCompletions = 1024

func newURing(cfg Config, stats *counters) (*uring, error) {
	k := &uring{stats: stats}
	var err error
	for completions := cfg.Completions; ; completions /= 4 {
		k.ring, err = sys.Setup(uint32(cfg.Entries), sys.Params{
			Flags: sys.SetupSingleIssuer | sys.SetupDeferTaskrun | sys.SetupSubmitAll | sys.SetupCQSize | sys.SetupClamp,
			// Twice what can be in flight for each submission: overflow is handled,
			// but costs.
			CQEntries: uint32(completions),
		})
		if !errors.Is(err, unix.ENOMEM) || completions/4 < leastCompletions {
			break
		}
	}
	if err != nil {
		return nil, probe.Explain(err)
	}
	if k.buffers, err = sys.NewBufRing(k.ring, ReceiveGroup, cfg.Buffers, cfg.BufferBytes); err != nil {
		_ = k.ring.Close()
		return nil, probe.Explain(err)
	}
	if err = k.watch(); err == nil {
		if err = k.ring.Enter(0); err == syscall.EINTR {
			err = nil
		}
		err = os.NewSyscallError("io_uring_enter", err) // a filter may forbid it alone
	}
	if err != nil {
		k.Close()
		return nil, probe.Explain(err)
	}
	return k, nil
}

// watch makes the eventfd, registers it with the ring, and has Go's netpoller
// wait for it.
func (k *uring) watch() error {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("eventfd2", err)
	}
	k.eventFd = fd
	k.event = os.NewFile(uintptr(fd), "iouring-event")
	if err := k.event.SetReadDeadline(time.Time{}); err != nil { // or reads would not wait
		return fmt.Errorf("wait for an eventfd in the netpoller: %w", err)
	}
	reg := int32(fd)
	if err := k.ring.Register(sys.RegisterEventfd, unsafe.Pointer(&reg), 1); err != nil {
		return err
	}
	k.flags = k.ring.CQFlags()
	k.signals(false)
	return nil
}

func (k *uring) signals(on bool) {
	if on {
		atomic.StoreUint32(k.flags, 0)
	} else {
		atomic.StoreUint32(k.flags, sys.CQEventfdDisabled)
	}
}

func (k *uring) Next() *sys.SQE              { return k.ring.Next() }
func (k *uring) Room() uint32                { return k.ring.Room() }
func (k *uring) Ready() uint32               { return k.ring.Ready() }
func (k *uring) Completion(i uint32) sys.CQE { return k.ring.Completion(i) }
func (k *uring) Advance(n uint32)            { k.ring.Advance(n) }
func (k *uring) Overflowed() bool            { return k.ring.Overflowed() }
func (k *uring) Buffer(bid uint16) []byte    { return k.buffers.Bytes(bid) }

func (k *uring) AddBuffer(bid uint16) {
	k.buffers.Add(bid)
	k.dirty = true
}

func (k *uring) PublishBuffers() {
	if k.dirty {
		k.buffers.Publish()
		k.dirty = false
	}
}

func (k *uring) RegisterBuffers(v []unix.Iovec) error {
	return k.ring.Register(sys.RegisterBuffers, unsafe.Pointer(&v[0]), uint32(len(v)))
}

func (k *uring) Enter(wait bool) error {
	if !wait || k.ring.Pending() > 0 {
		err := k.submit()
		if !wait || err != nil || k.ring.Ready() > 0 || k.ring.Overflowed() {
			return err
		}
	}
	// Signals first, then one more look: what came before the look is seen by
	// it, what comes after signals.
	k.signals(true)
	defer k.signals(false)
	if err := k.submit(); err != nil || k.ring.Ready() > 0 {
		return err
	}
	k.Park()
	return k.submit()
}

func (k *uring) Park() {
	var count [8]byte
	_, _ = k.event.Read(count[:])
}

func (k *uring) submit() error {
	k.stats.enters.Add(1)
	return k.ring.Enter(0)
}

var eventCount = [8]byte{1}

func (k *uring) Wake() { _, _ = unix.Write(k.eventFd, eventCount[:]) }

func (k *uring) Write(fd int, p []byte) (int, error) { return unix.Write(fd, p) }
func (k *uring) Shutdown(fd int)                     { _ = unix.Shutdown(fd, unix.SHUT_RDWR) }

func (k *uring) Close() {
	_ = k.ring.Close()
	k.buffers.Free()
	_ = k.event.Close() // nil, if it could not be made
}
