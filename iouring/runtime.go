package iouring

import (
	"log/slog"
	"sync"
	"time"
)

// shared is what all listeners and connections of a process stand on: the
// answer of the probe and the ring.
var shared struct {
	probeOnce sync.Once
	features  Features
	probeErr  error

	mu    sync.Mutex
	ring  *ring
	timer *time.Timer // ends the ring, once it has no users
	past  RingStats   // of rings that have ended

	logOnce sync.Once
}

// sharedProbe is Probe, asked once: what a kernel offers does not change.
func sharedProbe() (Features, error) {
	shared.probeOnce.Do(func() { shared.features, shared.probeErr = Probe() })
	return shared.features, shared.probeErr
}

// ringLinger is how long the shared ring outlives its last user, so that a
// process that dials now and then does not start a thread each time.
const ringLinger = time.Second

// sharedRing is the ring whose thread serves fan-out and, with
// ReceiveMultishot, connections. The caller is one of its users and gives it
// back with release. One thread submits some 250 000 small sends a second; a
// process that needs more listens in several processes.
func sharedRing() (*ring, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.ring == nil {
		r, err := startRing(defaultRingConfig)
		if err != nil {
			return nil, err
		}
		r.unused = sharedRingUnused
		shared.ring = r
	}
	if shared.timer != nil {
		shared.timer.Stop()
	}
	shared.ring.retain()
	return shared.ring, nil
}

// sharedRingUnused runs when the last user has given the ring back, on any
// goroutine, the ring's own included.
func sharedRingUnused() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.timer == nil {
		shared.timer = time.AfterFunc(ringLinger, endSharedRing)
		return
	}
	shared.timer.Reset(ringLinger)
}

// endSharedRing ends the ring unless it has found a user again.
func endSharedRing() {
	shared.mu.Lock()
	r := shared.ring
	if r == nil || r.users.Load() != 0 {
		shared.mu.Unlock()
		return
	}
	shared.ring = nil
	shared.past.add(r.stats.snapshot())
	shared.mu.Unlock()
	r.close()
}

// Stats gives the counters of the process's ring, and of those that it had
// before; zero before its first use.
func Stats() RingStats {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	sum := shared.past
	if shared.ring != nil {
		sum.add(shared.ring.stats.snapshot())
	}
	return sum
}

// logFallback says once a process that package net serves, why, and what to do.
func logFallback(l *slog.Logger, ch choice) {
	shared.logOnce.Do(func() {
		if ch.forced {
			l.Info("iouring: package net moves the bytes, as asked for")
			return
		}
		l.Warn("iouring: package net moves the bytes", "reason", ch.reason)
	})
}
