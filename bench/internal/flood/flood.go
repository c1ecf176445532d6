package flood

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Flood is connections to one server. One goroutine runs it; the counts are for
// any.
type Flood struct {
	request []byte
	begins  []byte // of an answer of the status wanted
	epoll   int
	conns   []conn
	buffer  []byte

	answered, failed atomic.Int64
	failure          string
}

// timeout bounds the wait for any answer at all.
const timeout = time.Minute

// failureBytes are kept of an answer that failed: most of one that says why.
const failureBytes = 1 << 10

// Open makes n connections to address, host:port, for one request, whose answers
// are to have a status.
func Open(address string, n int, request []byte, status int) (*Flood, error) {
	to, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("flood: %w", err)
	}
	f := &Flood{request: request, begins: fmt.Appendf(nil, "HTTP/1.1 %d ", status), conns: make([]conn, n), buffer: make([]byte, 64<<10)}
	// Descriptors are the package's own: Go's poller would look at each packet too.
	if f.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("flood: create epoll set: %w", err)
	}
	for i := range f.conns {
		f.conns[i].fd = -1
	}
	for i := range f.conns {
		if err := f.connect(i, to); err != nil {
			f.Close()
			return nil, fmt.Errorf("flood: connect: %w", err)
		}
	}
	return f, nil
}

func (f *Flood) connect(i int, to *net.TCPAddr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	f.conns[i].fd = fd
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
		return err
	}
	err = errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), unix.SetNonblock(fd, true))
	return errors.Join(err, f.watch(unix.EPOLL_CTL_ADD, i, unix.EPOLLIN))
}

// watch has the epoll set tell of a connection's events.
func (f *Flood) watch(op, i int, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(i)}
	return unix.EpollCtl(f.epoll, op, f.conns[i].fd, &event)
}

// Close closes the connections; Run has returned.
func (f *Flood) Close() {
	for _, c := range f.conns {
		if c.fd >= 0 {
			_ = unix.Close(c.fd)
		}
	}
	_ = unix.Close(f.epoll)
}

// Answered is how many answers have come so far, of the status wanted.
func (f *Flood) Answered() int64 { return f.answered.Load() }

// Failed is how many have come of another.
func (f *Flood) Failed() int64 { return f.failed.Load() }

// Failure is how the first answer of another status began, "" if there was none;
// Run has returned.
func (f *Flood) Failure() string { return f.failure }

// Run keeps a request on every connection for d, then takes the answers that
// are still to come. It returns the answers within d, and d as it was. A
// connection that breaks is an error.
func (f *Flood) Run(d time.Duration) (answered int, spent time.Duration, err error) {
	begin, before := time.Now(), f.Answered()
	for i := range f.conns {
		if err := f.ask(i); err != nil {
			return 0, 0, err
		}
	}
	events := make([]unix.EpollEvent, 256)
	more := true
	for busy := len(f.conns); busy > 0; {
		n, err := unix.EpollWait(f.epoll, events, int(timeout.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return 0, 0, errors.Join(fmt.Errorf("flood: no answer in %v", timeout), err)
		}
		for _, event := range events[:n] {
			done, err := f.ready(int(event.Fd), event.Events)
			if err == nil && done && more {
				err = f.ask(int(event.Fd))
			} else if done {
				busy--
			}
			if err != nil {
				return 0, 0, err
			}
		}
		if more && time.Since(begin) >= d {
			more, spent, answered = false, time.Since(begin), int(f.Answered()-before)
		}
	}
	return answered, spent, nil
}

// ask begins a request on an idle connection.
func (f *Flood) ask(i int) error {
	f.conns[i].begin(f.request)
	return f.send(i)
}

// send sends what the socket takes of the request, and has the rest sent when it
// takes more.
func (f *Flood) send(i int) error {
	c := &f.conns[i]
	n, err := unix.Write(c.fd, c.unsent)
	if err == unix.EAGAIN || err == unix.EINTR {
		n, err = 0, nil
	}
	if err != nil {
		return fmt.Errorf("flood: send: %w", err)
	}
	c.unsent = c.unsent[n:]
	if full := len(c.unsent) > 0; full != c.full {
		c.full = full
		events := uint32(unix.EPOLLIN)
		if full {
			events |= unix.EPOLLOUT
		}
		return f.watch(unix.EPOLL_CTL_MOD, i, events)
	}
	return nil
}

// ready takes what a connection is ready for, and reports whether its answer has
// ended.
func (f *Flood) ready(i int, events uint32) (done bool, err error) {
	c := &f.conns[i]
	if events&unix.EPOLLOUT != 0 && len(c.unsent) > 0 {
		if err := f.send(i); err != nil {
			return false, err
		}
	}
	if events&^unix.EPOLLOUT == 0 {
		return false, nil
	}
	n, err := unix.Read(c.fd, f.buffer)
	if err == unix.EAGAIN || err == unix.EINTR {
		return false, nil
	}
	if err != nil || n == 0 || !c.busy {
		return false, errors.Join(errors.New("flood: the server closed a connection"), err)
	}
	good, done, err := c.take(f.buffer[:n], f.begins)
	switch {
	case err != nil:
		return false, err
	case done && good:
		f.answered.Add(1)
	case done:
		f.failed.Add(1)
		if f.failure == "" {
			f.failure = string(c.header[:min(len(c.header), failureBytes)])
		}
	}
	if done && len(c.unsent) > 0 {
		return false, errors.New("flood: an answer to half a request of " + strconv.Itoa(len(f.request)) + " bytes")
	}
	return done, nil
}
