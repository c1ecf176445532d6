package iouring

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Dial connects to address like net.Dial, for the networks tcp, tcp4, tcp6 and
// unix. The connection is a *Conn.
func Dial(network, address string, opts ...Option) (net.Conn, error) {
	return DialContext(context.Background(), network, address, opts...)
}

// DialContext is Dial with a context that ends the attempt.
func DialContext(ctx context.Context, network, address string, opts ...Option) (net.Conn, error) {
	if !streamNetwork(network) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: net.UnknownNetworkError(network)}
	}
	cfg := newConfig(opts)
	ch, err := cfg.choose(sharedProbe)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{KeepAliveConfig: cfg.keepAlive}
	inner, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if !ch.uring {
		logFallback(cfg.logger, ch)
	}
	if !ch.uring || cfg.receive != ReceiveMultishot {
		return newNetConn(inner, network, nil), nil
	}
	fd, err := takeDescriptor(inner.(syscall.Conn))
	_ = inner.Close()
	if err == nil {
		var c *Conn
		if c, err = newRingConn(fd, network); err == nil {
			return c, nil
		}
	}
	return nil, &net.OpError{Op: "dial", Net: network, Err: err}
}

// newRingConn makes a connection that the ring's thread receives for.
func newRingConn(fd int, network string) (*Conn, error) {
	r, err := sharedRing()
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	defer r.release() // the connection is a user itself
	c := &Conn{network: network}
	c.init(fd)
	c.in.init()
	c.out.init()
	x := newRingIO(c, r)
	c.ringIO.Store(x)
	x.arm()
	return c, nil
}

// setStreamOptions sets what package net sets on TCP connections: no delay, and
// keep-alive as configured (zero fields: 15 s, 15 s, 9; negative: the system's).
func setStreamOptions(fd int, k net.KeepAliveConfig) error {
	set := func(level, name, value int) error { return unix.SetsockoptInt(fd, level, name, value) }
	if err := set(unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil || !k.Enable {
		return err
	}
	if err := set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
		return err
	}
	for _, o := range []struct{ name, value, normal int }{
		{unix.TCP_KEEPIDLE, seconds(k.Idle), 15},
		{unix.TCP_KEEPINTVL, seconds(k.Interval), 15},
		{unix.TCP_KEEPCNT, k.Count, 9},
	} {
		if o.value < 0 {
			continue
		}
		if o.value == 0 {
			o.value = o.normal
		}
		if err := set(unix.IPPROTO_TCP, o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}
