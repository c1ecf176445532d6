// Package fault keeps a process alive whose mapped file lost its end.
//
// A read of a mapped page beyond the end of its file is answered with SIGBUS.
// In C code that ends the process with a page of registers and no word about a
// file. [Watch] puts a handler of a few instructions before the Go runtime's:
// where the address lies in a watched mapping, the handler maps zeros over what
// is left of it, notes that it did, and lets the read go on. What was computed
// from there on is worth nothing, so whoever called into C asks [Mapping.Lost]
// afterwards. Every other SIGBUS goes on to the runtime as if nothing was here.
//
// The handler runs on whatever thread took the fault, also those of C, on its
// signal stack or its own. It calls nothing, takes no lock and touches only
// this package's table, so it is written in assembly. While a file is being
// mapped nobody knows where: between [Begin] and [End] such a fault anywhere
// prints one sentence and exits with status 1.
//
// # Limits
//
// Linux on amd64; elsewhere nothing is watched. [MaxRanges] ranges at a time.
package fault
