// Package toolchain builds the patched Go and keeps the results.
//
// A result is known by its [Key]: the recipe, the stock version and the texts
// of the patches. It is built in a folder beside its place in the cache and
// renamed when it is whole, so the cache never holds half of one; the go
// command finds its GOROOT by where it lies, and releases are built with
// -trimpath, so the folder may move. One build runs at a time, others wait
// for the lock. A new result pushes out the least recently used beyond
// [Kept].
//
//	<cache>/goroot/<key>/       a GOROOT: bin, pkg, src, lib, VERSION
//	<cache>/goroot/<key>.log    what make.bash said, where it failed
//	<cache>/goroot/.lock        held while building or cleaning
//	<cache>/goroot/.build-*     being built; left only by a killed process, and removed by the next
//
// The go command takes a release's version, not its content, as the identity
// of a compiler, so two series with one VERSION would share, and spoil, the
// user's build cache. The build therefore ends VERSION's first line with the
// first eight digits of the key: go1.27.4-weir.1.0a1b2c3d.
//
// Limits: unix; the host's own platform; no cross build.
package toolchain
