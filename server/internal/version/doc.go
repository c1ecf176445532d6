// Package version says what this binary is: Weir's own version and the Go
// toolchain that built it.
//
// # Model
//
// The Makefile sets [Weir] by the linker; a binary built otherwise is "devel".
// Whether the toolchain is ours is known at compile time, from the experiment
// ggroup.
//
// # Limits
//
// The engine library's version is not here: the library is found at run time.
package version
