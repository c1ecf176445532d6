package ring

import (
	"sync"
	"time"

	"github.com/weirgo/weir/iouring/internal/probe"
)

// sharedRing is the ring that everything in a process stands on.
type sharedRing struct {
	mu      sync.Mutex
	ring    *Ring
	past    Stats // of rings that have ended, or broken
	refusal error // why none could be set up where one was not required
}

var shared sharedRing

// linger is how long the shared ring outlives its last user, so that a process
// that streams now and then does not start a thread each time.
const linger = time.Second

// Shared is the ring whose thread serves fan-out. The caller is one of its users
// and gives it back with Release. One thread submits some 250 000 small sends a
// second; a process that needs more listens in several processes.
//
// One that has broken goes on for its users alone: the next caller gets another.
func Shared() (*Ring, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if r := shared.ring; r != nil && r.Broken() != nil {
		shared.leave()
	}
	if shared.ring == nil {
		r, err := Start(sharedConfig)
		if err != nil {
			return nil, err
		}
		ending := time.AfterFunc(linger, func() { endShared(r) })
		ending.Stop()
		r.unused = func() { ending.Reset(linger) } // by any goroutine, the ring's own included
		shared.ring = r
	}
	// Under the lock that endShared counts users under: it cannot miss this one.
	shared.ring.Retain()
	return shared.ring, nil
}

// Choose is Shared where b means io_uring and the kernel and the process's limits
// allow it; a nil ring and why, else. Where io_uring is required that is an error.
// Where it is not, the first reason stays the process's: what it has been told
// holds, though a limit is met at one moment and not at the next.
func Choose(b probe.Backend) (*Ring, probe.Choice, error) {
	choice, err := probe.Choose(b, probe.Shared)
	if err != nil || !choice.URing {
		return nil, choice, err
	}
	if !choice.Required {
		if err := refusal(nil); err != nil {
			choice, err = choice.OrNet(err)
			return nil, choice, err
		}
	}
	r, err := Shared()
	if choice, err = choice.OrNet(err); err == nil && r == nil {
		refusal(choice.Reason())
	}
	return r, choice, err
}

// refusal gives the process's, which is err if it had none.
func refusal(err error) error {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.refusal == nil {
		shared.refusal = err
	}
	return shared.refusal
}

// Running reports whether the process has a ring that works.
func Running() bool {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	return shared.ring != nil && shared.ring.Broken() == nil
}

// leave makes the ring nobody's next; mu is held.
func (s *sharedRing) leave() {
	s.past.add(s.ring.stats.snapshot())
	s.ring = nil
}

// endShared ends r unless it has found a user again.
func endShared(r *Ring) {
	shared.mu.Lock()
	if r.users.Load() != 0 {
		shared.mu.Unlock()
		return
	}
	if shared.ring == r {
		shared.leave()
	}
	shared.mu.Unlock()
	r.Close()
}

// SharedStats gives the counters of the process's ring, and of those that it had
// before; zero before its first use.
func SharedStats() Stats {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	sum := shared.past
	if shared.ring != nil {
		sum.add(shared.ring.stats.snapshot())
	}
	return sum
}
