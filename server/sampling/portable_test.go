//go:build !amd64

package sampling

import "testing"

const vector = false

// portable runs f with the portable kernels, which there are alone.
func portable(t *testing.T, f func()) { f() }
