package source

import (
	"fmt"
	"time"
)

// Cell is one measurement of streams.
type Cell struct {
	Size  int
	Stuck bool // one stream more, whose client does not read
}

// Prefix of the cell's measurements.
func (c Cell) Prefix() string {
	if c.Stuck {
		return "stuck/"
	}
	return fmt.Sprintf("streams%d/", c.Size)
}

// Plan is the steps of a cell; every stream gets a token in each.
//
//	warm     buffers grow; then the idle memory is measured
//	counted  CPU time, switches, allocations, and time at the client
//	traced   system calls, whose counting costs time itself
type Plan struct {
	Step                  time.Duration
	Warm, Counted, Traced int
}

const (
	warmSteps      = 4
	fewestSteps    = 5
	tracedFraction = 4 // of the counted steps
)

// NewPlan returns that of a cell of size streams which is counted for seconds, at
// a pace of perToken for each stream.
func NewPlan(size int, seconds float64, perToken, shortest time.Duration) Plan {
	p := Plan{Step: max(shortest, time.Duration(size)*perToken), Warm: warmSteps}
	p.Counted = max(fewestSteps, int(seconds/p.Step.Seconds()))
	p.Traced = max(fewestSteps, p.Counted/tracedFraction)
	return p
}

// Tokens of a stream.
func (p Plan) Tokens() int { return p.Warm + p.Counted + p.Traced }

// Served is what the server found, its last words.
type Served struct {
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
