package main

import (
	"fmt"
	"os"

	"github.com/weirgo/weir/iouring"
)

// transport says who moves the bytes of connections.
type transport struct {
	// backend is what the listener and the streams are asked for.
	backend iouring.Backend
	// reason is why it is net though nobody asked for that; nil otherwise.
	reason error
}

// transports are the values of --io.
const transports = "uring, net"

// chooseTransport reads --io. "uring" falls back to package net where the
// kernel does not offer what is needed or a limit of the process forbids it, and
// where WEIR_IO=net asks for that.
func chooseTransport(name string) (transport, error) {
	switch name {
	case "net":
		return transport{backend: iouring.BackendNet}, nil
	case "uring":
	default:
		return transport{}, fmt.Errorf("--io is %q: give one of %s", name, transports)
	}
	if v := os.Getenv("WEIR_IO"); v != "" {
		asked, err := iouring.ParseBackend(v)
		if err != nil {
			return transport{}, fmt.Errorf("environment variable WEIR_IO: %w", err)
		}
		if asked == iouring.BackendNet {
			return transport{backend: asked}, nil
		}
	}
	if err := iouring.Check(); err != nil {
		return transport{backend: iouring.BackendAuto, reason: err}, nil
	}
	return transport{backend: iouring.BackendAuto}, nil
}

// String is a line for weir version.
func (t transport) String() string {
	switch {
	case t.backend == iouring.BackendNet:
		return "package net, as asked for"
	case t.reason == nil:
		return "io_uring"
	}
	what, _ := cutRemedy(t.reason.Error())
	return "package net: " + what
}

// inUse is what streams go through now: limits may have changed since the choice.
func (t transport) inUse() string {
	if t.backend != iouring.BackendNet && iouring.Running() {
		return "uring"
	}
	return "net"
}
