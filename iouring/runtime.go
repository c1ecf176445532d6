package iouring

import (
	"log/slog"
	"sync"
	"sync/atomic"
)

// shared is what all listeners and connections of a process stand on: the
// answer of the probe and the ring. It is started by the first use and lives
// as long as the process.
var shared struct {
	probeOnce sync.Once
	features  Features
	probeErr  error

	ringOnce sync.Once
	ring     atomic.Pointer[ring]
	ringErr  error

	logOnce sync.Once
}

// sharedProbe is Probe, asked once: what a kernel offers does not change.
func sharedProbe() (Features, error) {
	shared.probeOnce.Do(func() { shared.features, shared.probeErr = Probe() })
	return shared.features, shared.probeErr
}

// sharedRing is the ring whose thread serves fan-out and, with
// ReceiveMultishot, connections. One thread submits some 250 000 small sends a
// second; a process that needs more listens in several processes.
func sharedRing() (*ring, error) {
	shared.ringOnce.Do(func() {
		r, err := startRing(defaultRingConfig)
		shared.ringErr = err
		shared.ring.Store(r)
	})
	return shared.ring.Load(), shared.ringErr
}

// Stats gives the counters of the process's ring; zero before its first use.
func Stats() RingStats {
	if r := shared.ring.Load(); r != nil {
		return r.stats.snapshot()
	}
	return RingStats{}
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
