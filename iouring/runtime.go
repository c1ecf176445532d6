package iouring

import (
	"log/slog"
	"sync"
)

// shared is what all listeners and connections of a process stand on: the
// answer of the probe and the poller. It is started by the first use and lives
// as long as the process.
var shared struct {
	probeOnce sync.Once
	features  Features
	probeErr  error

	pollerOnce sync.Once
	poller     *poller
	pollerErr  error

	logOnce sync.Once
}

// sharedProbe is Probe, asked once: what a kernel offers does not change.
func sharedProbe() (Features, error) {
	shared.probeOnce.Do(func() { shared.features, shared.probeErr = Probe() })
	return shared.features, shared.probeErr
}

func sharedPoller() (*poller, error) {
	shared.pollerOnce.Do(func() { shared.poller, shared.pollerErr = newPoller() })
	return shared.poller, shared.pollerErr
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
