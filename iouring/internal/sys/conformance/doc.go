// Package conformance holds the kernel ABI of package sys against another
// binding's, github.com/pawelgaczynski/giouring, byte by byte: the layout of
// each structure, the value of each constant and each prepared submission that
// both have.
//
// The package has no code outside its tests. giouring refers to a symbol of
// package syscall that the linker hides, so they are linked with a flag:
//
//	go test -tags=giouring -ldflags=-checklinkname=0 ./iouring/internal/sys/conformance
//
// # Limits
//
// giouring stands at Linux 6.5: what is newer is named in the tests, and held
// against nothing.
package conformance
