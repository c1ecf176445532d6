package sys

import (
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ring is one io_uring mapped into memory.
//
// Words shared with the kernel, and who moves them:
//
//	sqTail  we store (release) in Flush; the kernel reads it in enter
//	sqHead  the kernel stores as it consumes; we load (acquire) in Next
//	cqTail  the kernel stores as it completes; we load (acquire) in Reap
//	cqHead  we store (release) in Advance; the kernel reads it for room
//	sqFlags the kernel sets and clears; we load
//
// The index array is filled once with the identity. All memory is mapped, none
// of it belongs to the Go heap.
type Ring struct {
	fd        int
	params    Params
	rings     []byte
	sqeMemory []byte

	sqHead, sqTail, sqFlags *uint32
	cqHead, cqTail          *uint32
	sqMask, cqMask          uint32
	sqEntries               uint32
	sqes                    *SQE
	cqes                    *CQE

	prepared  uint32 // tail of what Next handed out
	published uint32 // tail the kernel knows
}

// Setup makes a ring; p goes in as the caller's wishes and Params gives back
// what the kernel chose. The error is an *os.SyscallError of io_uring_setup or
// mmap. FEAT_SINGLE_MMAP (Linux 5.4) is taken for granted.
func Setup(entries uint32, p Params) (*Ring, error) {
	r := &Ring{params: p}
	fd, _, errno := syscall.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(&r.params)), 0)
	if errno != 0 {
		return nil, os.NewSyscallError(setupCall, errno)
	}
	r.fd = int(fd) // the kernel opens it close-on-exec
	if r.params.Features&FeatSingleMmap == 0 {
		_ = unix.Close(r.fd)
		return nil, os.NewSyscallError(setupCall, unix.ENOSYS)
	}
	if err := r.mapMemory(); err != nil {
		_ = unix.Close(r.fd)
		return nil, os.NewSyscallError("mmap", err)
	}
	return r, nil
}

const setupCall = "io_uring_setup"

func (r *Ring) mapMemory() error {
	p := &r.params
	sqBytes := int(p.SQOff.Array) + int(p.SQEntries)*4
	cqBytes := int(p.CQOff.CQEs) + int(p.CQEntries)*int(unsafe.Sizeof(CQE{}))
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_POPULATE
	var err error
	if r.rings, err = unix.Mmap(r.fd, offSQRing, max(sqBytes, cqBytes), prot, flags); err != nil {
		return err
	}
	if r.sqeMemory, err = unix.Mmap(r.fd, offSQEs, int(p.SQEntries)*int(unsafe.Sizeof(SQE{})), prot, flags); err != nil {
		_ = unix.Munmap(r.rings)
		return err
	}
	word := func(off uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[off])) }
	r.sqHead, r.sqTail = word(p.SQOff.Head), word(p.SQOff.Tail)
	r.sqFlags = word(p.SQOff.Flags)
	r.cqHead, r.cqTail = word(p.CQOff.Head), word(p.CQOff.Tail)
	r.sqMask, r.cqMask = *word(p.SQOff.RingMask), *word(p.CQOff.RingMask)
	r.sqEntries = p.SQEntries
	r.sqes = (*SQE)(unsafe.Pointer(&r.sqeMemory[0]))
	r.cqes = (*CQE)(unsafe.Pointer(&r.rings[p.CQOff.CQEs]))
	for i := range p.SQEntries {
		*word(p.SQOff.Array + 4*i) = i
	}
	return nil
}

// Params is what the kernel chose at set-up.
func (r *Ring) Params() Params { return r.params }

// Close unmaps the ring and closes its descriptor. The kernel cancels what is
// pending, but later and on its own time: cancel first where that matters.
func (r *Ring) Close() error {
	_ = unix.Munmap(r.sqeMemory)
	_ = unix.Munmap(r.rings)
	return unix.Close(r.fd)
}

// Next gives the next free submission, zeroed, or nil when the queue is full.
func (r *Ring) Next() *SQE {
	if r.prepared-atomic.LoadUint32(r.sqHead) >= r.sqEntries {
		return nil
	}
	e := (*SQE)(unsafe.Add(unsafe.Pointer(r.sqes), uintptr(r.prepared&r.sqMask)*unsafe.Sizeof(SQE{})))
	*e = SQE{}
	r.prepared++
	return e
}

// Room is the number of submissions that Next can still give.
func (r *Ring) Room() uint32 { return r.sqEntries - (r.prepared - atomic.LoadUint32(r.sqHead)) }

// Pending is the number of prepared submissions the kernel has not consumed.
func (r *Ring) Pending() uint32 { return r.prepared - atomic.LoadUint32(r.sqHead) }

// Enter publishes what is prepared, submits it, and waits until at least wait
// completions are there. With wait 0 it works off completions without
// sleeping. The error is the bare errno (EINTR is ordinary).
func (r *Ring) Enter(wait uint32) error {
	if r.published != r.prepared {
		r.published = r.prepared
		atomic.StoreUint32(r.sqTail, r.prepared) // after the entries, which the kernel reads up to here
	}
	_, _, errno := syscall.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(r.Pending()),
		uintptr(wait), uintptr(EnterGetEvents), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// Ready is the number of completions that Completion can give.
func (r *Ring) Ready() uint32 { return atomic.LoadUint32(r.cqTail) - *r.cqHead }

// CQFlags is the word of IORING_CQ_* flags, which we write and the kernel reads.
func (r *Ring) CQFlags() *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[r.params.CQOff.Flags])) }

// Completion gives the i-th unread completion; i must be under Ready.
func (r *Ring) Completion(i uint32) CQE {
	return *(*CQE)(unsafe.Add(unsafe.Pointer(r.cqes), uintptr((*r.cqHead+i)&r.cqMask)*unsafe.Sizeof(CQE{})))
}

// Advance gives n completions' room back to the kernel.
func (r *Ring) Advance(n uint32) { atomic.StoreUint32(r.cqHead, *r.cqHead+n) }

// Overflowed reports that the kernel holds completions back for want of room;
// the next Enter brings them.
func (r *Ring) Overflowed() bool { return atomic.LoadUint32(r.sqFlags)&SQCQOverflow != 0 }

// Register is io_uring_register(2) on the ring; the error is an *os.SyscallError.
func (r *Ring) Register(opcode uint32, arg unsafe.Pointer, count uint32) error {
	_, _, errno := syscall.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), uintptr(opcode), uintptr(arg), uintptr(count), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("io_uring_register", errno)
	}
	return nil
}

// mapAnonymous maps zeroed memory outside the Go heap, which the kernel may
// hold on to while Go moves or frees nothing.
func mapAnonymous(size int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANONYMOUS|unix.MAP_PRIVATE)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return b, nil
}
