package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"github.com/weirgo/weir/iouring"
)

// checkHost refuses the host that package net would take for all addresses.
func (o *options) checkHost() error {
	o.host = strings.TrimSuffix(strings.TrimPrefix(o.host, "["), "]")
	if o.host == "" {
		return errors.New("serve: --host is empty: give an address or a name; 0.0.0.0 is all of IPv4, :: all of IPv6 and IPv4")
	}
	return nil
}

// network is package net's name for what a host stands for: to "tcp", 0.0.0.0
// and :: are the same, and an IPv4 address in IPv6 is another one than it says.
func network(host string) string {
	if address, err := netip.ParseAddr(host); err == nil && address.Is4() {
		return "tcp4"
	}
	return "tcp"
}

// reach says who can come to a listener on all addresses; "" if it is on one.
func reach(listener net.Listener) string {
	address, ok := listener.Addr().(*net.TCPAddr)
	switch {
	case !ok || !address.IP.IsUnspecified():
		return ""
	case address.IP.To4() != nil:
		return "all IPv4"
	}
	return "all IPv6 and IPv4"
}

// onLoopback reports whether nobody but this machine comes to a listener.
func onLoopback(listener net.Listener) bool {
	address, ok := listener.Addr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

// listen takes the port.
func listen(ctx context.Context, o *options, log *slog.Logger) (net.Listener, error) {
	address := net.JoinHostPort(o.host, strconv.Itoa(o.port))
	listener, err := iouring.ListenContext(ctx, network(o.host), address, iouring.WithBackend(o.transport.backend),
		iouring.WithIdleTimeout(idleTimeout), iouring.WithLogger(log))
	if err == nil {
		return listener, nil
	}
	remedy := "check --host and --port"
	switch lookup, _ := errors.AsType[*net.DNSError](err); {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("serve: listen on %s: the port is in use: stop the other program, or choose another port with --port (0: any free one)", address)
	case errors.Is(err, syscall.EACCES):
		remedy = "choose a port above 1023 with --port"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		remedy = "raise the limit of open files (ulimit -n)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		remedy = "check --host: it must be an address of this machine, 0.0.0.0 is all of IPv4, :: all of IPv6 and IPv4"
	case errors.Is(err, syscall.EAFNOSUPPORT):
		remedy = "check --host: this machine lacks that kind of address"
	case lookup != nil:
		remedy = "check --host: it must be an address, or the name of one, of this machine"
	}
	return nil, fmt.Errorf("serve: listen on %s: %w: %s", address, err, remedy)
}
