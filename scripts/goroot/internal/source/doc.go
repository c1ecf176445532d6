// Package source provides pristine Go source trees of exact versions.
//
// They come from the module proxy as golang.org/toolchain modules, fetched and
// checked against the checksum database by the go command alone, and stay in
// its module cache, read-only. A module differs from a release: nested go.mod
// files are named _go.mod, run bits are missing, and test/, api/, doc/ and
// misc/ are absent. [Copy] makes a writable tree that make.bash can build.
//
// Limits: the host's GOOS/GOARCH; tested on linux/amd64.
package source
