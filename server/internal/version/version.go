package version

import "runtime"

// Weir is this build's version; -ldflags -X sets it.
var Weir = "devel"

// Toolchain describes the Go toolchain in one line.
func Toolchain() string {
	if Groups {
		return runtime.Version() + " (ours: the scheduler knows goroutine groups)"
	}
	return runtime.Version() + " (stock: goroutine groups have names and counts only)"
}
