// Package ringtest says to c07's tests whether this kernel has io_uring.
package ringtest

import (
	"testing"

	"github.com/weirgo/weir/iouring"
)

// Require skips a test where rings do not work.
func Require(t *testing.T) {
	t.Helper()
	features, err := iouring.Probe()
	if err == nil {
		err = features.Missing()
	}
	if err != nil {
		t.Skipf("not supported here: %v", err)
	}
}
