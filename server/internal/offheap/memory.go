package offheap

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// New returns memory of so many bytes, all zero; nil for none.
func New(bytes int) ([]byte, error) {
	if bytes == 0 {
		return nil, nil
	}
	memory, err := unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("offheap: reserve %d bytes: %w", bytes, err)
	}
	return memory, nil
}

// Free gives memory back that New returned.
func Free(memory []byte) {
	if memory == nil {
		return
	}
	if err := unix.Munmap(memory); err != nil {
		panic("offheap: free memory that New did not return")
	}
}
