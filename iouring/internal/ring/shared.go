package ring

import (
	"sync"
	"time"
)

// shared is the ring that everything in a process stands on.
var shared struct {
	mu    sync.Mutex
	ring  *Ring
	timer *time.Timer // ends the ring, once it has no users
	past  Stats       // of rings that have ended
}

// linger is how long the shared ring outlives its last user, so that a process
// that streams now and then does not start a thread each time.
const linger = time.Second

// Shared is the ring whose thread serves fan-out. The caller is one of its users
// and gives it back with Release. One thread submits some 250 000 small sends a
// second; a process that needs more listens in several processes.
func Shared() (*Ring, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.ring == nil {
		r, err := Start(sharedConfig)
		if err != nil {
			return nil, err
		}
		r.unused = sharedUnused
		shared.ring = r
	}
	if shared.timer != nil {
		shared.timer.Stop()
	}
	// Under the lock that endShared counts users under: it cannot miss this one.
	shared.ring.Retain()
	return shared.ring, nil
}

// sharedUnused runs when the last user has given the ring back, on any
// goroutine, the ring's own included.
func sharedUnused() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.timer == nil {
		shared.timer = time.AfterFunc(linger, endShared)
		return
	}
	shared.timer.Reset(linger)
}

// endShared ends the ring unless it has found a user again.
func endShared() {
	shared.mu.Lock()
	r := shared.ring
	if r == nil || r.users.Load() != 0 {
		shared.mu.Unlock()
		return
	}
	shared.ring = nil
	shared.past.add(r.stats.snapshot())
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
