package ring

import "sync/atomic"

// counters count what a ring did. Only its thread writes most of them, so
// the additions do not contend.
type counters struct {
	enters, submissions, completions atomic.Uint64
	wakeups, overflows, queueFull    atomic.Uint64
	cancels, strays                  atomic.Uint64
	noBuffers, shortSends            atomic.Uint64
}

// Stats are a ring's counters since it began, or the sum over all.
type Stats struct {
	Enters      uint64 // io_uring_enter(2) calls
	Submissions uint64 // requests given to the kernel
	Completions uint64 // results taken from it
	Wakeups     uint64 // times another goroutine had to wake the thread
	Overflows   uint64 // times the completion queue was too small; nothing is lost
	QueueFull   uint64 // times a producer had to wait for the thread
	Cancels     uint64 // cancellations asked of the kernel
	Strays      uint64 // completions for nobody: always 0
	NoBuffers   uint64 // receives that found no provided buffer and were armed again
	ShortSends  uint64 // sends the kernel took in part and were continued
}

func (c *counters) snapshot() Stats {
	return Stats{
		Enters:      c.enters.Load(),
		Submissions: c.submissions.Load(),
		Completions: c.completions.Load(),
		Wakeups:     c.wakeups.Load(),
		Overflows:   c.overflows.Load(),
		QueueFull:   c.queueFull.Load(),
		Cancels:     c.cancels.Load(),
		Strays:      c.strays.Load(),
		NoBuffers:   c.noBuffers.Load(),
		ShortSends:  c.shortSends.Load(),
	}
}

func (s *Stats) add(o Stats) {
	s.Enters += o.Enters
	s.Submissions += o.Submissions
	s.Completions += o.Completions
	s.Wakeups += o.Wakeups
	s.Overflows += o.Overflows
	s.QueueFull += o.QueueFull
	s.Cancels += o.Cancels
	s.Strays += o.Strays
	s.NoBuffers += o.NoBuffers
	s.ShortSends += o.ShortSends
}

// Stats gives the ring's counters.
func (r *Ring) Stats() Stats { return r.stats.snapshot() }
