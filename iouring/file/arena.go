package file

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePageBytes = 2 << 20

// ErrInUse is what an Arena refuses to close with while a Reader of it is open.
var ErrInUse = errors.New("file: close arena: a reader still uses it; close that first")

// Arena is memory outside the Go heap for large, long-lived data: backed by huge
// pages where the machine has some, page-aligned, zeroed. A Reader registers
// it with the kernel, so that reads into it pin no pages again. The zero Arena is
// a closed one.
type Arena struct {
	bytes []byte // nil once closed
	pages string

	mu      sync.Mutex // held while readers and the end of bytes change
	readers int
}

// NewArena maps at least size bytes: reserved huge pages (hugetlbfs), else
// transparent ones by madvise, else ordinary pages. See Pages.
func NewArena(size int) (*Arena, error) {
	if size <= 0 {
		return nil, fmt.Errorf("file: map arena: size %d bytes is not positive", size)
	}
	size = (size + hugePageBytes - 1) &^ (hugePageBytes - 1)
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_ANONYMOUS | unix.MAP_PRIVATE
	if b, err := unix.Mmap(-1, 0, size, prot, flags|unix.MAP_HUGETLB|unix.MAP_HUGE_2MB); err == nil {
		return &Arena{bytes: b, pages: "reserved huge pages"}, nil
	}
	b, err := unix.Mmap(-1, 0, size, prot, flags)
	if err != nil {
		return nil, fmt.Errorf("file: map arena of %d bytes: %w; free memory, or read in smaller parts", size, err)
	}
	if err := unix.Madvise(b, unix.MADV_HUGEPAGE); err != nil {
		return &Arena{bytes: b, pages: "ordinary pages"}, nil
	}
	return &Arena{bytes: b, pages: "transparent huge pages"}, nil
}

// Bytes is the memory: nil after Close, when slices of it must not be used.
func (a *Arena) Bytes() []byte { return a.bytes }

// Pages says what backs the memory, for a report.
func (a *Arena) Pages() string { return a.pages }

// Close unmaps the memory. While a Reader of it is open it returns ErrInUse and
// changes nothing; to close it again does nothing.
func (a *Arena) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.bytes == nil:
		return nil
	case a.readers > 0:
		return ErrInUse
	}
	b := a.bytes
	a.bytes = nil
	return unix.Munmap(b)
}

// acquire counts a reader in; false if the arena is closed.
func (a *Arena) acquire() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bytes == nil {
		return false
	}
	a.readers++
	return true
}

func (a *Arena) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.readers--
}

// iovecs cuts the arena into what the kernel registers: at most 1 GiB each.
func (a *Arena) iovecs() []unix.Iovec {
	var v []unix.Iovec
	for b := a.bytes; len(b) > 0; {
		n := min(len(b), registeredLimitBytes)
		v = append(v, unix.Iovec{Base: unsafe.SliceData(b), Len: uint64(n)})
		b = b[n:]
	}
	return v
}

// registeredLimitBytes is the most the kernel takes as one registered buffer.
const registeredLimitBytes = 1 << 30
