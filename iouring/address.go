package iouring

import (
	"net"

	"golang.org/x/sys/unix"
)

// LocalAddr implements net.Conn. The kernel is asked once, at the first call.
func (c *Conn) LocalAddr() net.Addr {
	if c.inner != nil {
		return c.inner.LocalAddr()
	}
	if a := c.local.Load(); a != nil {
		return *a
	}
	return c.askAddress(unix.Getsockname, func(a *net.Addr) { c.local.Store(a) })
}

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr {
	if c.inner != nil {
		return c.inner.RemoteAddr()
	}
	if a := c.remote.Load(); a != nil {
		return *a
	}
	return c.askAddress(unix.Getpeername, func(a *net.Addr) { c.remote.Store(a) })
}

func (c *Conn) askAddress(ask func(int) (unix.Sockaddr, error), keep func(*net.Addr)) net.Addr {
	if !c.acquire() {
		return emptyAddress(c.network)
	}
	sa, err := ask(c.fd)
	c.release()
	if err != nil {
		return emptyAddress(c.network)
	}
	a := netAddress(c.network, sa)
	keep(&a)
	return a
}

// netAddress makes package net's address of the kernel's.
func netAddress(network string, sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: net.IP(sa.Addr[:]), Port: sa.Port}
	case *unix.SockaddrInet6:
		a := &net.TCPAddr{IP: net.IP(sa.Addr[:]), Port: sa.Port}
		if v4 := a.IP.To4(); v4 != nil {
			a.IP = v4
		}
		if sa.ZoneId != 0 {
			if i, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				a.Zone = i.Name
			}
		}
		return a
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return emptyAddress(network)
}

// emptyAddress stands in for one that the kernel no longer knows, so that
// callers can print it.
func emptyAddress(network string) net.Addr {
	if network == "unix" {
		return &net.UnixAddr{Net: network}
	}
	return &net.TCPAddr{}
}
