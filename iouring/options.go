package iouring

import (
	"log/slog"
	"net"
	"time"

	"github.com/weirgo/weir/iouring/internal/probe"
	"github.com/weirgo/weir/iouring/internal/ring"
)

// Features is what this kernel and this process's permissions offer of
// io_uring; [Features.List] gives them one by one, [Features.Missing] the first
// that is absent.
type Features = probe.Features

// Feature is one line of Features.List: what it is, whether it is there, and
// what its absence costs.
type Feature = probe.Feature

// UnsupportedError says that this kernel, container or machine does not offer
// something, since when it exists, and what an operator can do.
// errors.Is(err, errors.ErrUnsupported) holds for it.
type UnsupportedError = probe.UnsupportedError

// Backend says who moves the bytes.
type Backend = probe.Backend

// The backends. BackendAuto takes io_uring where the kernel offers what is
// needed and the process's limits allow it, and package net, with one log line,
// where they do not, and obeys the environment variable WEIR_IO; BackendURing
// takes io_uring or fails.
const (
	BackendAuto  = probe.BackendAuto
	BackendURing = probe.BackendURing
	BackendNet   = probe.BackendNet
)

// RingStats are the counters of the process's ring.
type RingStats = ring.Stats

// Probe asks the kernel what it offers; it takes under a millisecond and leaves
// nothing behind. The error is an *UnsupportedError where io_uring is absent,
// forbidden by seccomp or switched off, and names the limit where one is too low.
func Probe() (Features, error) { return probe.Run() }

// Check chooses as BackendAuto does, and starts the process's ring for a second.
// Its error is what that falls back for; nil if it does not, or if WEIR_IO=net asks
// for package net. A fallback for want of a ring is for the life of the process.
func Check() error {
	r, choice, err := ring.Choose(BackendAuto)
	switch {
	case err != nil:
		return err
	case r != nil:
		r.Release()
	}
	return choice.Reason()
}

// Running reports whether the process has a ring that works: it has while there
// is a FanOut on one, and for a second after.
func Running() bool { return ring.Running() }

// ParseBackend reads "auto", "uring" or "net".
func ParseBackend(s string) (Backend, error) { return probe.ParseBackend(s) }

// Stats gives the counters of the process's ring since the process began.
func Stats() RingStats { return ring.SharedStats() }

// config is what the options set.
type config struct {
	backend     Backend
	idleTimeout time.Duration
	logger      *slog.Logger
	keepAlive   net.KeepAliveConfig
}

const (
	// defaultIdleTimeout is how long a connection that a stream gave back waits
	// for its next request.
	defaultIdleTimeout = 2 * time.Minute
	// idleLimit bounds the connections that wait so.
	idleLimit = 65536
)

// Option changes how Listen works.
type Option func(*config)

// WithBackend chooses who moves the bytes (default BackendAuto).
func WithBackend(b Backend) Option { return func(c *config) { c.backend = b } }

// WithIdleTimeout sets how long a connection that a finished stream gave back
// waits for its next request before it is closed (default 2 minutes). Zero or
// less closes at once: no reuse.
func WithIdleTimeout(d time.Duration) Option { return func(c *config) { c.idleTimeout = d } }

// WithLogger sets where the one line about a fallback goes (default
// slog.Default()).
func WithLogger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// WithKeepAlive sets TCP keep-alive as net.KeepAliveConfig does; the default is
// package net's (on, 15 s, 15 s, 9 probes).
func WithKeepAlive(k net.KeepAliveConfig) Option { return func(c *config) { c.keepAlive = k } }

func newConfig(opts []Option) config {
	c := config{
		idleTimeout: defaultIdleTimeout,
		keepAlive:   net.KeepAliveConfig{Enable: true},
		logger:      slog.Default(),
	}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	if c.logger == nil {
		c.logger = slog.Default()
	}
	return c
}
