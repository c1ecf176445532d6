package probe

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
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

// Variable overrides BackendAuto: "uring", "net" or "auto".
const Variable = "WEIR_IO"

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

// Choice is a resolved backend, and why package net was chosen.
type Choice struct {
	URing    bool
	Required bool  // no fallback
	forced   bool  // package net was asked for, by option or environment
	reason   error // why not io_uring, where nobody asked for package net
}

// Choose resolves a backend. run is asked only where its answer matters.
func Choose(b Backend, run func() (Features, error)) (Choice, error) {
	if v := os.Getenv(Variable); v != "" && b == BackendAuto {
		var err error
		if b, err = ParseBackend(v); err != nil {
			return Choice{}, fmt.Errorf("%w (environment variable %s)", err, Variable)
		}
	}
	if b == BackendNet {
		return Choice{forced: true}, nil
	}
	if b != BackendAuto && b != BackendURing {
		return Choice{}, fmt.Errorf("iouring: choose backend: %v: want BackendAuto, BackendURing or BackendNet", b)
	}
	f, err := run()
	if err == nil {
		err = f.Missing()
	}
	return Choice{URing: true, Required: b == BackendURing}.OrNet(err)
}

// OrNet is the choice after io_uring was chosen and something that it needs gave
// err, nil included: package net, for that reason, or the error where io_uring was
// required.
func (c Choice) OrNet(err error) (Choice, error) {
	switch {
	case err == nil:
		return c, nil
	case c.Required:
		return Choice{}, err
	}
	return Choice{reason: err}, nil
}

// Reason is why package net was chosen, nil if io_uring was, or if package net
// was asked for.
func (c Choice) Reason() error { return c.reason }

// What takes io_uring's place, for LogFallback.
const (
	ForStreams = "package net moves the bytes"
	ForFiles   = "pread reads files"
)

var logged sync.Map // of what takes its place

// LogFallback says, once a process for each, what takes io_uring's place, why,
// and what to do.
func (c Choice) LogFallback(l *slog.Logger, instead string) {
	if c.URing {
		return
	}
	if _, done := logged.LoadOrStore(instead, true); done {
		return
	}
	if c.forced {
		l.Info("iouring: " + instead + ", as asked for")
		return
	}
	l.Warn("iouring: "+instead, "reason", c.reason)
}
