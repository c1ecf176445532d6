package main

import (
	"fmt"
	"time"
)

// cell is one measurement of streams.
type cell struct {
	size  int
	stuck bool // one stream more, whose client does not read
}

// prefix of the cell's measurements.
func (c cell) prefix() string {
	if c.stuck {
		return "stuck/"
	}
	return fmt.Sprintf("streams%d/", c.size)
}

// plan is the steps of a cell; every stream gets a token in each.
//
//	warm     buffers grow; then the idle memory is measured
//	counted  CPU time, switches, allocations, and time at the client
//	traced   system calls, whose counting costs time itself
type plan struct {
	step                  time.Duration
	warm, counted, traced int
}

const (
	warmSteps      = 4
	fewestSteps    = 5
	tracedFraction = 4 // of the counted steps
)

func newPlan(size int, seconds float64, perToken, shortest time.Duration) plan {
	p := plan{step: max(shortest, time.Duration(size)*perToken), warm: warmSteps}
	p.counted = max(fewestSteps, int(seconds/p.step.Seconds()))
	p.traced = max(fewestSteps, p.counted/tracedFraction)
	return p
}

// tokens of a stream.
func (p plan) tokens() int { return p.warm + p.counted + p.traced }

// served is what the server found, its last words.
type served struct {
	Tokens     int // in the counted steps
	CPUNs      int64
	Switches   int64
	Allocs     uint64
	Enters     uint64
	Sends      uint64 // requests submitted to the ring
	LateSteps  int    // that began after the next was due
	IdleBytes  int64
	Traced     int // tokens in the traced steps
	Syscalls   uint64
	NoSyscalls string // why they are not counted
}
