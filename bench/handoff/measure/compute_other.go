//go:build !amd64

package main

import "time"

// A computation is not to be had here.
type computation struct{}

func newComputation(time.Duration) (computation, error) { return computation{}, errNoComputation }

func (computation) call() time.Duration { return 0 }
