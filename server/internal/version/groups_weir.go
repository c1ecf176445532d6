//go:build goexperiment.ggroup

package version

// Groups is whether the toolchain's scheduler knows goroutine groups.
const Groups = true
