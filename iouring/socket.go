package iouring

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// SetNoDelay switches Nagle's algorithm off (true, the default) or on.
func (c *Conn) SetNoDelay(noDelay bool) error {
	if t, ok := c.inner.(*net.TCPConn); ok {
		return t.SetNoDelay(noDelay)
	}
	return c.control("setsockopt", func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, truth(noDelay))
	})
}

// SetKeepAlive switches keep-alive probes on or off.
func (c *Conn) SetKeepAlive(keepAlive bool) error {
	if t, ok := c.inner.(*net.TCPConn); ok {
		return t.SetKeepAlive(keepAlive)
	}
	return c.control("setsockopt", func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, truth(keepAlive))
	})
}

// SetKeepAlivePeriod sets both the idle time and the interval of keep-alive
// probes, rounded up to seconds.
func (c *Conn) SetKeepAlivePeriod(d time.Duration) error {
	if t, ok := c.inner.(*net.TCPConn); ok {
		return t.SetKeepAlivePeriod(d)
	}
	return c.control("setsockopt", func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, seconds(d)); err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, seconds(d))
	})
}

// SetLinger sets SO_LINGER: sec < 0 sends what is left in the background after
// Close (the default), 0 drops it and resets the connection, > 0 is a limit.
func (c *Conn) SetLinger(sec int) error {
	if t, ok := c.inner.(*net.TCPConn); ok {
		c.mode.Lock()
		c.linger0 = sec == 0
		c.mode.Unlock()
		return t.SetLinger(sec)
	}
	l := unix.Linger{}
	if sec >= 0 {
		l = unix.Linger{Onoff: 1, Linger: int32(sec)}
	}
	c.mode.Lock()
	c.linger0 = sec == 0
	c.mode.Unlock()
	return c.control("setsockopt", func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &l)
	})
}

// SetReadBuffer sets the size of the kernel's receive buffer.
func (c *Conn) SetReadBuffer(bytes int) error {
	if t, ok := c.inner.(interface{ SetReadBuffer(int) error }); ok {
		return t.SetReadBuffer(bytes)
	}
	return c.control("setsockopt", func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
	})
}

// SetWriteBuffer sets the size of the kernel's send buffer.
func (c *Conn) SetWriteBuffer(bytes int) error {
	if t, ok := c.inner.(interface{ SetWriteBuffer(int) error }); ok {
		return t.SetWriteBuffer(bytes)
	}
	return c.control("setsockopt", func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, bytes)
	})
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// seconds rounds up; a negative duration stays negative.
func seconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int((d + time.Second - 1) / time.Second)
}

// SyscallConn implements syscall.Conn. Control, Read and Write run on the open
// descriptor, which is in non-blocking mode; Read and Write wait for readiness
// and obey the deadlines. A connection whose data a ring thread receives
// refuses Read, because what arrives is no longer in the socket.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.inner.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	if err := c.in.failed(); err == net.ErrClosed {
		return nil, c.opError("raw-control", err)
	}
	return rawConn{c}, nil
}

type rawConn struct{ c *Conn }

func (r rawConn) Control(f func(fd uintptr)) error {
	return r.c.control("raw-control", func(fd int) error { f(uintptr(fd)); return nil })
}

func (r rawConn) Read(func(fd uintptr) bool) error {
	return r.c.opError("raw-read", syscall.EOPNOTSUPP)
}

// Write calls f until it is done, waiting for room in between.
func (r rawConn) Write(f func(fd uintptr) bool) error {
	c := r.c
	c.out.turn.Lock()
	defer c.out.turn.Unlock()
	err := c.out.check()
	for err == nil {
		if !c.acquire() {
			return c.opError("raw-write", net.ErrClosed)
		}
		done := f(uintptr(c.fd))
		c.release()
		if done {
			return nil
		}
		err = c.ringIO.Load().awaitWritable()
	}
	return c.opError("raw-write", err)
}
