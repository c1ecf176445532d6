package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// dialTimeout bounds the making of a connection.
const dialTimeout = 10 * time.Second

// stream is one connection and the request on it. It moves
//
//	idle -> begin -> sending -> receiving -> finish -> idle
//
// and from any of them to idle by broken, without a connection; the next
// begin dials again.
type stream struct {
	loop       *loop
	fd         int // -1: not connected
	busy       bool
	unsent     []byte
	writable   bool // the epoll set watches for room to write
	response   response
	generation Generation
	progress   time.Time // last byte in or out
	now        time.Time // of the read being parsed
}

func newStream(l *loop) *stream {
	s := &stream{loop: l, fd: -1}
	s.response.frame = func(data []byte) {
		before, frames := s.generation.Last, s.generation.Frames
		s.generation.take(data, s.now, l.cfg.KeepArrivals)
		if frames > 0 && s.generation.Frames > frames {
			record(l.report.InterToken, s.now.Sub(before))
		}
	}
	return s
}

// dial connects. The net package resolves and connects; the descriptor then
// leaves its poller for ours.
func (s *stream) dial() error {
	conn, err := net.DialTimeout("tcp", s.loop.target.address, dialTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	defer file.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("duplicate descriptor: %w", err)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)}
	err = unix.SetNonblock(fd, true)
	if err == nil {
		err = unix.EpollCtl(s.loop.epoll, unix.EPOLL_CTL_ADD, fd, &event)
	}
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("watch descriptor: %w", err)
	}
	s.fd, s.writable = fd, false
	if s.loop.byFD == nil {
		s.loop.byFD = make(map[int32]*stream)
	}
	s.loop.byFD[int32(fd)] = s
	return nil
}

// hangUp closes the connection, if there is one.
func (s *stream) hangUp() {
	if s.fd >= 0 {
		delete(s.loop.byFD, int32(s.fd))
		unix.Close(s.fd) // leaves the epoll set with it
		s.fd = -1
	}
}

// begin sends a request.
func (s *stream) begin(due time.Time, message []byte) {
	s.busy, s.unsent, s.progress = true, message, time.Now()
	s.generation = Generation{Due: due}
	if s.loop.cfg.KeepArrivals {
		s.generation.Arrivals = make([]time.Time, 0, s.loop.cfg.Request.MaxTokens)
	}
	s.response.reset()
	if s.fd < 0 {
		if err := s.dial(); err != nil {
			s.broken(err)
			return
		}
	}
	s.write()
}

// write sends what is left of the request, and watches for room if the socket
// takes no more.
func (s *stream) write() {
	for len(s.unsent) > 0 {
		n, err := unix.Write(s.fd, s.unsent)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			s.broken(fmt.Errorf("send: %w", err))
			return
		}
		s.unsent, s.progress = s.unsent[n:], time.Now()
	}
	if want := len(s.unsent) > 0; want != s.writable {
		event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(s.fd)}
		if want {
			event.Events |= unix.EPOLLOUT
		}
		if err := unix.EpollCtl(s.loop.epoll, unix.EPOLL_CTL_MOD, s.fd, &event); err != nil {
			s.broken(fmt.Errorf("watch for room: %w", err))
			return
		}
		s.writable = want
	}
}

// ready takes what the epoll set reports.
func (s *stream) ready(events uint32, buffer []byte) {
	if events&unix.EPOLLOUT != 0 && s.busy {
		s.write()
	}
	if events&^uint32(unix.EPOLLOUT) == 0 || s.fd < 0 {
		return
	}
	n, err := unix.Read(s.fd, buffer)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != nil:
		s.broken(fmt.Errorf("receive: %w", err))
	case n == 0:
		s.ended()
	case !s.busy:
		s.hangUp() // bytes that nobody asked for
	default:
		s.receive(buffer[:n])
	}
}

func (s *stream) receive(data []byte) {
	s.now = time.Now()
	s.progress = s.now
	if err := s.response.feed(data); err != nil {
		s.broken(err)
		return
	}
	if s.response.done() {
		s.complete()
	}
}

// ended takes the end of the connection.
func (s *stream) ended() {
	switch {
	case !s.busy: // the server closed an idle connection
		s.hangUp()
	case s.response.closed():
		s.complete()
	default:
		s.broken(fmt.Errorf("receive: %w", io.ErrUnexpectedEOF))
	}
}

// complete ends a request whose response came whole.
func (s *stream) complete() {
	wantTokens := s.loop.cfg.Request.MaxTokens
	if s.loop.cfg.Request.StopAtEnd {
		wantTokens = 0
	}
	s.generation.complete(&s.response, wantTokens)
	if len(s.unsent) > 0 {
		s.generation.fail(errors.New("the response came before the request was sent"))
	}
	if s.response.closes || len(s.unsent) > 0 {
		s.hangUp()
	}
	s.generation.End = time.Now()
	s.loop.finish(s)
}

// broken ends a request, if there is one, and the connection.
func (s *stream) broken(err error) {
	s.hangUp()
	if !s.busy {
		return
	}
	s.generation.fail(err)
	s.generation.End = time.Now()
	s.loop.finish(s)
}
