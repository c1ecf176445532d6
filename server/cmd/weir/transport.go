package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/weirgo/weir/iouring"
)

// transport says who moves the bytes of connections.
type transport struct {
	// backend is what the listener and the streams are asked for.
	backend iouring.Backend
	// name is what they come to: "uring" or "net".
	name string
	// reason is why it is net though nobody asked for that; nil otherwise.
	reason error
}

// transports are the values of --io.
const transports = "uring, net"

// chooseTransport reads --io. "uring" falls back to package net where the
// kernel does not offer what is needed, and where WEIR_IO=net asks for that.
func chooseTransport(name string) (transport, error) {
	switch name {
	case "net":
		return transport{backend: iouring.BackendNet, name: "net"}, nil
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
			return transport{backend: asked, name: "net"}, nil
		}
	}
	features, err := iouring.Probe()
	if err == nil {
		err = features.Missing()
	}
	if err != nil {
		return transport{backend: iouring.BackendAuto, name: "net", reason: err}, nil
	}
	return transport{backend: iouring.BackendAuto, name: "uring"}, nil
}

// String is a line for weir version.
func (t transport) String() string {
	switch {
	case t.name == "uring":
		return "io_uring"
	case t.reason == nil:
		return "package net, as asked for"
	}
	reason := t.reason.Error()
	if u, ok := errors.AsType[*iouring.UnsupportedError](t.reason); ok {
		without := *u
		without.Remedy = ""
		reason = without.Error()
	}
	return "package net: " + reason
}
