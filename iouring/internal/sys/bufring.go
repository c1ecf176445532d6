package sys

import (
	"math/bits"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// BufRing is a provided-buffer ring and its buffers: Count buffers of Size
// bytes each, all mapped outside the Go heap. The kernel takes a buffer when
// data has arrived, never before, so a connection without data holds none.
//
// One thread adds; the kernel takes.
type BufRing struct {
	owner  *Ring
	bgid   uint16
	count  uint16
	size   int
	tail   uint16
	ring   []byte
	memory []byte
}

// NewBufRing registers count buffers (a power of two, at most 1<<15) of size
// bytes as group bgid and hands all of them to the kernel. The error is an
// *os.SyscallError of mmap or io_uring_register.
func NewBufRing(owner *Ring, bgid uint16, count, size int) (*BufRing, error) {
	if count <= 0 || count > 1<<15 || bits.OnesCount(uint(count)) != 1 || size <= 0 {
		panic("sys: buffer count must be a power of two up to 32768, size positive")
	}
	ring, err := mapAnonymous(count * int(unsafe.Sizeof(Buf{})))
	if err != nil {
		return nil, err
	}
	memory, err := mapAnonymous(count * size)
	if err != nil {
		_ = unix.Munmap(ring)
		return nil, err
	}
	b := &BufRing{owner: owner, bgid: bgid, count: uint16(count), size: size, ring: ring, memory: memory}
	reg := BufReg{RingAddr: uint64(uintptr(unsafe.Pointer(&ring[0]))), RingEntries: uint32(count), Bgid: bgid}
	if err := owner.Register(RegisterPbufRing, unsafe.Pointer(&reg), 1); err != nil {
		b.Free()
		return nil, err
	}
	for bid := range count {
		b.Add(uint16(bid))
	}
	b.Publish()
	return b, nil
}

// Bytes is the memory of buffer bid.
func (b *BufRing) Bytes(bid uint16) []byte {
	off := int(bid) * b.size
	return b.memory[off : off+b.size : off+b.size]
}

// Add puts buffer bid behind the tail; the kernel sees it after Publish.
func (b *BufRing) Add(bid uint16) {
	e := b.entry(b.tail & (b.count - 1))
	e.Addr = uint64(uintptr(unsafe.Pointer(&b.memory[int(bid)*b.size])))
	e.Len = uint32(b.size)
	e.Bid = bid
	b.tail++
}

// Publish makes all added buffers visible to the kernel: a store-release of the
// tail. Go has no 16-bit atomic store, so the word of entry 0 that holds bid
// and tail is stored whole; the kernel only reads that bid.
func (b *BufRing) Publish() {
	e := b.entry(0)
	word := (*uint32)(unsafe.Pointer(&e.Bid))
	atomic.StoreUint32(word, uint32(b.tail)<<16|uint32(e.Bid))
}

func (b *BufRing) entry(i uint16) *Buf {
	return (*Buf)(unsafe.Pointer(&b.ring[int(i)*int(unsafe.Sizeof(Buf{}))]))
}

// Free unmaps the memory, once its ring is closed.
func (b *BufRing) Free() {
	_ = unix.Munmap(b.ring)
	_ = unix.Munmap(b.memory)
	b.ring, b.memory = nil, nil
}
