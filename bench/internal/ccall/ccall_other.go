//go:build !amd64

package ccall

import "time"

// A Computation is not to be had here.
type Computation struct{}

// New returns ErrUnsupported.
func New(time.Duration) (Computation, error) { return Computation{}, ErrUnsupported }

// Call does nothing.
func (Computation) Call() time.Duration { return 0 }
