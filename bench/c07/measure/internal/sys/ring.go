package sys

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's structures (linux/io_uring.h), as far as a send needs them.
type (
	submission struct {
		opcode, flags  uint8
		priority       uint16
		fd             int32
		offset, addr   uint64
		length, opFlag uint32
		userData       uint64
		_              [3]uint64
	}
	completion struct {
		userData uint64
		result   int32
		flags    uint32
	}
	params struct {
		sqEntries, cqEntries, flags, _, _, features, _ uint32
		_                                              [3]uint32
		sq                                             struct {
			head, tail, mask, entries, flags, dropped, array, _ uint32
			_                                                   uint64
		}
		cq struct {
			head, tail, mask, entries, overflow, cqes, flags, _ uint32
			_                                                   uint64
		}
	}
)

var (
	_ [64]byte  = [unsafe.Sizeof(submission{})]byte{}
	_ [16]byte  = [unsafe.Sizeof(completion{})]byte{}
	_ [120]byte = [unsafe.Sizeof(params{})]byte{}
)

const (
	opSend            = 26
	setupSubmitAll    = 1 << 7
	setupSingleIssuer = 1 << 12
	setupDeferTaskrun = 1 << 13
	enterGetEvents    = 1 << 0
	offsetSubmissions = 0x10000000
)

// Ring is an io_uring of one thread.
type Ring struct {
	fd             int
	sqTail         *uint32
	cqHead, cqTail *uint32
	sqMask, cqMask uint32
	submissions    unsafe.Pointer
	completions    unsafe.Pointer
	entries, ready uint32
	sending        [][]byte // keeps what the kernel has addresses of
	Enters, Sends  uint64   // io_uring_enter calls so far, and what they submitted
}

// New makes a ring of entries, a power of two, for the calling thread.
func New(entries uint32) (*Ring, error) {
	p := params{flags: setupSubmitAll | setupSingleIssuer | setupDeferTaskrun}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return nil, fmt.Errorf("sys: set up ring: %w", errno)
	}
	r := &Ring{fd: int(fd), entries: p.sqEntries}
	bytes := max(int(p.sq.array+4*p.sqEntries), int(p.cq.cqes+16*p.cqEntries))
	rings, err := unix.Mmap(r.fd, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("sys: map ring: %w", err)
	}
	queue, err := unix.Mmap(r.fd, offsetSubmissions, int(64*p.sqEntries), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("sys: map submissions: %w", err)
	}
	word := func(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&rings[offset])) }
	r.sqTail, r.sqMask = word(p.sq.tail), *word(p.sq.mask)
	r.cqHead, r.cqTail, r.cqMask = word(p.cq.head), word(p.cq.tail), *word(p.cq.mask)
	r.submissions, r.completions = unsafe.Pointer(&queue[0]), unsafe.Pointer(&rings[p.cq.cqes])
	for i := range p.sqEntries {
		*word(p.sq.array + 4*i) = i
	}
	return r, nil
}

// Send prepares a send of data, which must stay unchanged until Submit has
// returned. It submits first if the ring is full.
func (r *Ring) Send(fd int, data []byte) error {
	if r.ready == r.entries {
		if err := r.Submit(); err != nil {
			return err
		}
	}
	at := (*r.sqTail + r.ready) & r.sqMask
	*(*submission)(unsafe.Add(r.submissions, 64*uintptr(at))) = submission{
		opcode: opSend, fd: int32(fd), addr: uint64(uintptr(unsafe.Pointer(&data[0]))), length: uint32(len(data)),
		opFlag: unix.MSG_NOSIGNAL, userData: uint64(len(data)),
	}
	r.ready++
	r.sending = append(r.sending, data)
	return nil
}

// Submit sends what is prepared and waits until all is done.
func (r *Ring) Submit() error {
	todo, unsent := r.ready, r.ready
	r.Sends += uint64(todo)
	if todo == 0 {
		return nil
	}
	atomic.StoreUint32(r.sqTail, *r.sqTail+todo)
	r.ready = 0
	for done := uint32(0); done < todo; done = atomic.LoadUint32(r.cqTail) - *r.cqHead {
		r.Enters++
		n, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(unsent), uintptr(todo), enterGetEvents, 0, 0)
		if errno != 0 && errno != unix.EINTR {
			return fmt.Errorf("sys: enter ring: %w", errno)
		}
		if errno == 0 {
			unsent -= uint32(n)
		}
	}
	clear(r.sending)
	r.sending = r.sending[:0]
	var failed error
	for range todo {
		c := (*completion)(unsafe.Add(r.completions, 16*uintptr(*r.cqHead&r.cqMask)))
		if c.result != int32(c.userData) {
			failed = errors.New("sys: a send was not whole")
		}
		atomic.StoreUint32(r.cqHead, *r.cqHead+1)
	}
	return failed
}
