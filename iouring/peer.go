package iouring

import (
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// AwaitPeerGone waits until the peer of a TCP or unix stream socket has gone: has
// broken the connection, or closed both of its directions. It reports false if
// done was closed first.
//
// That a peer has ended its sending is not enough: it may still read what it is
// owed. Over TCP nobody knows until something is sent: one that has closed its
// socket answers with a reset. A connection that cannot be watched, for want of
// a descriptor, counts as gone.
//
// It may be called while others read and write the connection, also while that
// is lent.
func AwaitPeerGone(done <-chan struct{}, c net.Conn) (gone bool) {
	watched, err := duplicate(c)
	if err != nil {
		return true
	}
	defer watched.Close()
	raw, err := watched.SyscallConn()
	if err != nil {
		return true
	}
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-done:
			_ = watched.SetReadDeadline(time.Unix(1, 0)) // ends the wait
		case <-over:
		}
	}()
	return raw.Read(hungUp) == nil
}

// hungUp reports whether a socket is closed in both directions, or broken. The
// netpoller's events are edges, of which a reset is one; poll(2) tells what holds.
func hungUp(fd uintptr) bool {
	p := [1]unix.PollFd{{Fd: int32(fd)}}
	n, err := unix.Poll(p[:], 0)
	return err == nil && n > 0 && p[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}

// duplicate gives a descriptor of its own to wait on: waiting takes a lock of the
// descriptor's that its readers need.
func duplicate(c net.Conn) (*os.File, error) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil, syscall.EOPNOTSUPP
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var failed error
	if err := raw.Control(func(from uintptr) { fd, failed = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, os.NewSyscallError("fcntl", failed)
	}
	return os.NewFile(uintptr(fd), "watched"), nil
}
