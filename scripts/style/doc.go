// Package style keeps the tree's form by tests, so that nobody argues about
// it: gofmt, package documentation, caps on the length of files and functions,
// who may import whom (one order of folders, and few rules beside it), tests
// that do not sleep, which top-level folders exist, and what never enters the
// repository (binaries, host names of registries, paths of a machine).
//
// The package has no code outside its tests; `go test ./scripts/style` runs it.
package style
