// Package profilers holds tests alone: that other people's tools read what our
// toolchain builds. Its version is one that they have never seen, go1.27.4-weir.3 and
// a hash, its runtime's structs have fields at their end, and its Ps more state.
//
// # Model
//
// A program whose goroutines wait in groups is built by the toolchain that runs the
// test. Delve runs it and reads a core of it, gops lists it, go version -m reads its
// file. The tools are pinned; go install gets them once, into the user's cache.
//
// # Limits
//
// Not with -short, not on stock Go, and only where the module proxy, or the module
// cache, has the tools.
package profilers
