//go:build !linux || !amd64

package fault

func install() {}
