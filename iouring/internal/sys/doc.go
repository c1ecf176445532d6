// Package sys is the io_uring ABI: kernel structs and constants of
// include/uapi/linux/io_uring.h (Linux 6.18, 64-bit), a ring mapped into
// memory, one enter for submission and wait, and provided-buffer rings. Struct
// sizes and offsets are asserted at compile time.
//
// It stands on golang.org/x/sys alone. The one Go binding of io_uring worth
// having, giouring, links to syscall.munmap by go:linkname, which the linker
// has refused since Go 1.23 unless every program is linked with
// -checklinkname=0; a library must not ask that of its users.
//
// Nothing here blocks except Enter, nothing allocates after set-up, and nothing
// locks: a ring belongs to one thread at a time.
package sys
