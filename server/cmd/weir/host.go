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
	"github.com/weirgo/weir/server/internal/unixsocket"
)

// hostsLimit bounds the addresses of --host: each has a goroutine that accepts.
const hostsLimit = 64

// readHosts takes --host apart. An empty one is what package net would take for all
// addresses.
func (o *options) readHosts() error {
	o.hosts = nil
	for _, host := range splitList(o.host) {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		if host == "" {
			return errors.New("serve: --host is empty, or one of its addresses: give an address or a name, or several with commas; 0.0.0.0 is all of IPv4, :: all of IPv6 and IPv4")
		}
		o.hosts = append(o.hosts, host)
	}
	if len(o.hosts) > hostsLimit {
		return fmt.Errorf("serve: --host has %d addresses: give %d at most", len(o.hosts), hostsLimit)
	}
	return nil
}

// several reports whether --host names more than one address, sockets left aside.
func (o *options) several() bool {
	addresses := 0
	for _, host := range o.hosts {
		if !isSocket(host) {
			addresses++
		}
	}
	return addresses > 1
}

// isSocket reports whether a host is the path of a socket, by llama-server's rule.
func isSocket(host string) bool { return strings.HasSuffix(host, ".sock") }

// network is package net's name for what a host stands for: to "tcp", 0.0.0.0
// and :: are the same, and an IPv4 address in IPv6 is another one than it says. Beside
// others :: leaves IPv4 to them, as with llama-server.
func network(host string, others bool) string {
	address, err := netip.ParseAddr(host)
	switch {
	case err != nil:
	case address.Is4():
		return "tcp4"
	case others && !address.Is4In6():
		return "tcp6"
	}
	return "tcp"
}

// listeners are what --host names, in that order.
type listeners []net.Listener

// listen takes the port at each address, or none.
func listen(ctx context.Context, o *options, log *slog.Logger) (listeners, error) {
	var all listeners
	for _, host := range o.hosts {
		take := o.listenOnPort
		if isSocket(host) {
			take = o.listenOnSocket
		}
		listener, err := take(ctx, host, log)
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		all = append(all, listener)
	}
	return all, nil
}

// close closes listeners that no server has.
func (all listeners) close() (err error) {
	for _, l := range all {
		err = errors.Join(err, l.Close())
	}
	return err
}

// transportOptions are those of every listener.
func (o *options) transportOptions(log *slog.Logger) []iouring.Option {
	return []iouring.Option{iouring.WithBackend(o.transport.backend), iouring.WithIdleTimeout(idleTimeout), iouring.WithLogger(log)}
}

// listenOnSocket takes a path. The mode of the file says who may connect: as the umask
// of the process leaves it.
func (o *options) listenOnSocket(ctx context.Context, path string, log *slog.Logger) (net.Listener, error) {
	inner, err := unixsocket.Listen(ctx, path)
	if err == nil {
		return iouring.NewListener(inner, o.transportOptions(log)...)
	}
	remedy := "check --host: the directory of a socket must be there, and this user's to write"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = "another program listens there, or it is no socket: give another path with --host"
	case len(path) > unixsocket.PathBytes:
		remedy = fmt.Sprintf("give a path of %d bytes at most with --host", unixsocket.PathBytes)
	}
	return nil, fmt.Errorf("serve: listen on %s: %w: %s", path, err, remedy)
}

// listenOnPort takes the port at an address.
func (o *options) listenOnPort(ctx context.Context, host string, log *slog.Logger) (net.Listener, error) {
	address := net.JoinHostPort(host, strconv.Itoa(o.port))
	listener, err := iouring.ListenContext(ctx, network(host, o.several()), address, o.transportOptions(log)...)
	if err == nil {
		return listener, nil
	}
	remedy := "check --host and --port"
	switch lookup, _ := errors.AsType[*net.DNSError](err); {
	case errors.Is(err, syscall.EADDRINUSE) && o.several():
		return nil, fmt.Errorf("serve: listen on %s: the port is in use: stop the other program, choose another port with --port (0: any free one), or leave out of --host what another address there stands for too", address)
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

// reach says who can come to a listener on all addresses, where there are others or
// not; "" if it is on one.
func reach(listener net.Listener, others bool) string {
	address, ok := listener.Addr().(*net.TCPAddr)
	switch {
	case !ok || !address.IP.IsUnspecified():
		return ""
	case address.IP.To4() != nil:
		return "all IPv4"
	case others:
		return "all IPv6"
	}
	return "all IPv6 and IPv4"
}

// onMachine reports whether nobody but this machine comes to a listener.
func onMachine(listener net.Listener) bool {
	address, ok := listener.Addr().(*net.TCPAddr)
	return !ok || address.IP.IsLoopback()
}
