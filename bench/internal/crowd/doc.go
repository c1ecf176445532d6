// Package crowd fills the processors with CPU-bound goroutines.
//
//	gate := crowd.NewGate()
//	c := crowd.Gather(gate, 10_000, func(f func()) { go f() }, crowd.Calibrate(20*time.Microsecond))
//	gate.Open(time.Now().Add(time.Second)) // all at once, for a second
//	members := c.Wait()
//
// # Model
//
// A member computes in turns of a calibrated length and looks at the clock
// after each. It ends by itself at the time given to [Gate.Open]: whoever
// opened the gate may wait behind all of them for a processor, and could not
// stop them. All members wait at the gate before the first one computes, so
// that those already there do not slow down the start of the rest.
//
// A turn is dependent arithmetic and nothing else: no memory, no call, no lock.
// Members with turns of the same length share the processors in proportion to
// their turns, whatever the runtime's own account says.
//
// # Limits
//
// A member cannot tell waiting for a processor of Go's from waiting for one of
// the kernel's: LongestWait has both.
package crowd
