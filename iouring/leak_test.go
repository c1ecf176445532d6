package iouring

import (
	"os"
	"testing"
)

// openDescriptors counts this process's descriptors (the one that reads the
// directory is in each count).
func openDescriptors(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}
