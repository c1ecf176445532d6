package sampling

import "testing"

// portable runs f with the portable kernels.
func portable(t *testing.T, f func()) {
	before := vector
	vector = false
	defer func() { vector = before }()
	f()
}
