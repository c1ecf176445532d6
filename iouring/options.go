package iouring

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"
)

// Backend says who moves the bytes.
type Backend int

const (
	// BackendAuto takes io_uring where the kernel offers what is needed and
	// package net, with one log line, where it does not.
	BackendAuto Backend = iota
	// BackendURing takes io_uring or fails.
	BackendURing
	// BackendNet takes package net.
	BackendNet
)

// backendVariable overrides BackendAuto: "uring", "net" or "auto".
const backendVariable = "WEIR_IO"

func (b Backend) String() string {
	switch b {
	case BackendAuto:
		return "auto"
	case BackendURing:
		return "uring"
	case BackendNet:
		return "net"
	}
	return fmt.Sprintf("Backend(%d)", int(b))
}

// ParseBackend reads "auto", "uring" or "net".
func ParseBackend(s string) (Backend, error) {
	for _, b := range []Backend{BackendAuto, BackendURing, BackendNet} {
		if s == b.String() {
			return b, nil
		}
	}
	return 0, fmt.Errorf("iouring: parse backend %q: want auto, uring or net", s)
}

// Receive says how connections learn of data.
type Receive int

const (
	// ReceiveReady leaves waiting to Go's netpoller, which wakes the thread that
	// runs the reader, and reads into the caller's memory. It is the default:
	// nothing measured better at 1, 64 and 1000 connections.
	ReceiveReady Receive = iota
	// ReceiveMultishot arms one multishot request a connection on a ring thread
	// (and one multishot accept a listener); data arrives in a provided buffer
	// and is copied to the reader. It costs a hop from the ring's thread to the
	// reader's, and saves every read and readiness call.
	ReceiveMultishot
)

// Config is what the options set; the zero value is the default.
type config struct {
	backend     Backend
	receive     Receive
	idleTimeout time.Duration
	idleLimit   int
	backlog     int
	logger      *slog.Logger
	keepAlive   net.KeepAliveConfig
	control     net.ListenConfig
}

const (
	// defaultIdleTimeout is how long a connection that a stream gave back waits
	// for its next request.
	defaultIdleTimeout = 2 * time.Minute
	// defaultIdleLimit bounds the connections that wait so.
	defaultIdleLimit = 65536
)

// Option changes how Listen and Dial work.
type Option func(*config)

// WithBackend chooses who moves the bytes. BackendAuto, the default, obeys the
// environment variable WEIR_IO; the other two do not.
func WithBackend(b Backend) Option { return func(c *config) { c.backend = b } }

// WithReceive chooses how connections learn of data.
func WithReceive(r Receive) Option { return func(c *config) { c.receive = r } }

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
		idleLimit:   defaultIdleLimit,
		keepAlive:   net.KeepAliveConfig{Enable: true},
	}
	for _, o := range opts {
		o(&c)
	}
	if c.logger == nil {
		c.logger = slog.Default()
	}
	return c
}

// choice is a resolved backend, and why package net was chosen.
type choice struct {
	uring  bool
	forced bool  // asked for, by option or environment
	reason error // why not io_uring, where nobody asked for package net
}

// choose resolves the backend. probe is asked only where its answer matters.
func (c *config) choose(probe func() (Features, error)) (choice, error) {
	b := c.backend
	if v := os.Getenv(backendVariable); v != "" && b == BackendAuto {
		var err error
		if b, err = ParseBackend(v); err != nil {
			return choice{}, fmt.Errorf("%w (environment variable %s)", err, backendVariable)
		}
	}
	if b == BackendNet {
		return choice{forced: true}, nil
	}
	f, err := probe()
	if err == nil {
		err = f.Missing()
	}
	switch {
	case err == nil:
		return choice{uring: true}, nil
	case b == BackendURing:
		return choice{}, err
	}
	return choice{reason: err}, nil
}
