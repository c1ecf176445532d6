package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const postMessage = "POST /v1/echo HTTP/1.1\r\nHost: c07\r\nContent-Type: application/json\r\nContent-Length: 64\r\n\r\n" +
	`{"prompt":"a small request of sixty-four bytes","max_tokens":16}`

// poster sends small requests on many connections, one at a time on each, from
// one goroutine and one epoll set.
type poster struct {
	epoll int
	conns []postConn
}

// postConn is one connection; left is what is to come of the answer, once its
// header is known.
type postConn struct {
	fd      int
	partial []byte
	left    int
	busy    bool
}

// newPoster connects. Descriptors are the package's own: Go's poller would
// look at each packet too.
func newPoster(address string, n int) (*poster, error) {
	to, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("post: %w", err)
	}
	p := &poster{conns: make([]postConn, n)}
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("post: create epoll set: %w", err)
	}
	for i := range p.conns {
		p.conns[i].fd = -1
	}
	for i := range p.conns {
		if err := p.connect(i, to); err != nil {
			p.close()
			return nil, fmt.Errorf("post: connect: %w", err)
		}
	}
	return p, nil
}

func (p *poster) connect(i int, to *net.TCPAddr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	p.conns[i].fd = fd
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
		return err
	}
	err = errors.Join(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1), unix.SetNonblock(fd, true))
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
	return errors.Join(err, unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

func (p *poster) close() {
	for _, c := range p.conns {
		if c.fd >= 0 {
			_ = unix.Close(c.fd)
		}
	}
	_ = unix.Close(p.epoll)
}

// postTimeout bounds the wait for any answer at all.
const postTimeout = time.Minute

// run keeps a request on every connection for d, then takes the answers that
// are still to come. It returns the answers within d, and d as it was.
func (p *poster) run(d time.Duration) (answered int, spent time.Duration, err error) {
	begin := time.Now()
	for i := range p.conns {
		if err := p.conns[i].send(); err != nil {
			return 0, 0, err
		}
	}
	events := make([]unix.EpollEvent, 256)
	buffer := make([]byte, 64<<10)
	more := true
	for busy := len(p.conns); busy > 0; {
		n, err := unix.EpollWait(p.epoll, events, int(postTimeout.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return 0, 0, errors.Join(fmt.Errorf("post: no answer in %v", postTimeout), err)
		}
		for _, event := range events[:n] {
			c := &p.conns[event.Fd]
			if done, err := c.receive(buffer); err != nil {
				return 0, 0, err
			} else if !done {
				continue
			}
			if more {
				answered++
				err = c.send()
			} else {
				busy--
			}
			if err != nil {
				return 0, 0, err
			}
		}
		if more && time.Since(begin) >= d {
			more, spent = false, time.Since(begin)
		}
	}
	return answered, spent, nil
}

func (c *postConn) send() error {
	c.partial, c.left, c.busy = c.partial[:0], -1, true
	if n, err := unix.Write(c.fd, []byte(postMessage)); n != len(postMessage) {
		return fmt.Errorf("post: send: %d of %d bytes: %w", n, len(postMessage), err)
	}
	return nil
}

// receive reads once and reports whether the answer is complete.
func (c *postConn) receive(buffer []byte) (done bool, err error) {
	n, err := unix.Read(c.fd, buffer)
	if err == unix.EAGAIN || err == unix.EINTR {
		return false, nil
	}
	if err != nil || n == 0 || !c.busy {
		return false, errors.Join(errors.New("post: the server closed a connection"), err)
	}
	data := buffer[:n]
	if c.left < 0 {
		if len(c.partial) > 0 {
			c.partial = append(c.partial, data...)
			data = c.partial
		}
		body, length, ok := answerBody(data)
		if !ok {
			if len(c.partial) == 0 {
				c.partial = append(c.partial, data...)
			}
			return false, nil
		}
		data, c.left = body, length
	}
	if c.left -= len(data); c.left < 0 {
		return false, errors.New("post: bytes after the answer")
	}
	c.busy = c.left > 0
	return !c.busy, nil
}

// answerBody finds what has come of the body, and its length.
func answerBody(data []byte) (body []byte, length int, ok bool) {
	header, body, ok := bytes.Cut(data, []byte("\r\n\r\n"))
	if !ok || !bytes.HasPrefix(header, []byte("HTTP/1.1 200 ")) {
		return nil, 0, false
	}
	_, rest, ok := bytes.Cut(header, []byte("Content-Length: "))
	if !ok {
		return nil, 0, false
	}
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(line))
	return body, length, err == nil
}
