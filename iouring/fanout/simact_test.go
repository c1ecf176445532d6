package fanout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/iouring"
)

// act does one thing that peers or the program might do.
func (s *simulation) act() {
	p := s.peers[s.rng.Intn(len(s.peers))]
	switch n := s.rng.Intn(100); {
	case p.gone:
	case n < 25:
		s.peerSends(p)
	case n < 26 && !p.ending:
		p.ending = true
		s.k.sockets[p.fd].eof = true
	case n < 27:
		p.gone = true
		s.k.sockets[p.fd].reset = true
	case n < 28:
		s.pass(time.Duration(s.rng.Int63n(int64(2 * simIdleTimeout))))
	case p.conn == nil:
		s.fan.Flush()
	case p.stream != nil && n < 70:
		s.append(p)
	case p.stream != nil && n < 76:
		s.close(p)
	case p.stream != nil && n < 77:
		p.gone = true
		p.stream.Abort(nil)
	case p.stream != nil && n < 78: // who may know it by its request
		p.gone = true
		_ = p.conn.Close()
		s.draws["closed while lent"]++
	case p.stream == nil && n < 60:
		s.open(p)
	case p.stream == nil && n < 61:
		p.gone = true
		_ = p.conn.Close()
	default:
		s.fan.Flush()
	}
}

// pass lets time go by, and finds what timers have closed: connections that wait
// for their next request, streams whose clients take nothing.
func (s *simulation) pass(d time.Duration) {
	s.k.timers.Lock()
	s.k.timers.Unlock()
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
	for _, p := range s.peers {
		if socket := s.k.sockets[p.fd]; !p.gone && socket.fin && !p.ending {
			p.gone = true
			if p.stream != nil && errors.Is(p.stream.Err(), ErrSlowClient) {
				s.draws["slow client"]++
			} else {
				s.draws["idle timeout"]++
			}
		}
	}
}

func (s *simulation) peerSends(p *simPeer) {
	if p.ending {
		return
	}
	data := make([]byte, 1+s.rng.Intn(200))
	s.rng.Read(data)
	p.sent = append(p.sent, data...)
	s.k.sockets[p.fd].arriving = append(s.k.sockets[p.fd].arriving, data...)
}

// open makes a stream of the connection's response, as FanOut.Open does after
// the hijack; the HTTP server may have read ahead.
func (s *simulation) open(p *simPeer) {
	ahead := make([]byte, s.rng.Intn(50))
	n, err := p.conn.Read(ahead)
	if err != nil && err != errWouldBlock {
		s.ended(p, err)
		return
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(iouring.ConnContext(context.Background(), p.conn))
	r.Close = s.rng.Intn(5) == 0
	p.keep = !r.Close
	p.stream, err = s.fan.Open(&simWriter{header: http.Header{}, conn: p.conn, ahead: ahead[:n]}, r, nil)
	if err != nil {
		s.fatalf("Open: %v", err)
	}
	s.draws["stream"]++
}

// append adds a frame. Between Reserve and Commit others may get on.
func (s *simulation) append(p *simPeer) {
	b, err := p.stream.Reserve()
	if err == nil {
		frame := make([]byte, s.rng.Intn(300))
		s.rng.Read(frame)
		switch s.rng.Intn(8) {
		case 0:
			s.r.Step()
		case 1:
			s.fan.Flush()
		}
		if err = p.stream.Commit(append(b, frame...)); err == nil && len(frame) > 0 {
			p.framed = fmt.Appendf(p.framed, "%x\r\n%s\r\n", len(frame), frame)
		}
	}
	if err != nil && p.stream.Err() != err && !errors.Is(err, ErrStreamFull) {
		s.fatalf("frame: %v", err)
	}
}

// close ends the stream; its connection is the listener's from here on, or
// nobody's.
func (s *simulation) close(p *simPeer) {
	if b, err := p.stream.Reserve(); err == nil { // the last frame is not there yet
		_ = p.stream.Close()
		if s.rng.Intn(2) == 0 {
			s.r.Step()
		}
		if p.stream.Commit(append(b, "last"...)) == nil {
			p.framed = append(p.framed, "4\r\nlast\r\n"...)
		}
	}
	if p.stream.Err() == nil {
		p.framed = append(p.framed, lastChunk...)
	}
	_ = p.stream.Close()
	p.conn = nil
	p.gone = p.gone || !p.keep
}

// abortLate has somebody abort a stream whose connection is on its way back to
// the listener: that response is complete, the next request may be there.
func (s *simulation) abortLate(p *simPeer) {
	if p.stream == nil || s.rng.Intn(3) != 0 {
		return
	}
	p.stream.Abort(nil)
	if err := p.stream.Err(); err != nil {
		s.wrong("connection %d: a complete response was ended with %v", p.fd, err)
	}
	s.draws["late abort"]++
}

// accept takes what an acceptor that is blocked in Accept would get. A connection
// that nobody woke it for is missed by check.
func (s *simulation) accept() {
	for s.net.returns() {
		c, err := s.ln.Accept()
		if err == errWouldBlock {
			continue
		}
		if err != nil {
			s.fatalf("Accept: %v", err)
		}
		p := s.peers[c.RemoteAddr().(*net.TCPAddr).Port-simFirstDescriptor]
		if p.first != nil {
			s.draws["accepted again"]++
			if p.first != c {
				s.fatalf("connection %d came back as another", p.fd)
			}
		}
		p.first, p.conn, p.stream = c.(*iouring.Conn), c.(*iouring.Conn), nil
	}
}

// readAll reads what each connection in a handler's hands has.
func (s *simulation) readAll(most int) {
	for _, p := range s.peers {
		for p.conn != nil && p.stream == nil && most > 0 {
			b := make([]byte, 1+s.rng.Intn(100))
			n, err := p.conn.Read(b)
			p.read = append(p.read, b[:n]...)
			if err == errWouldBlock {
				break
			}
			if err != nil {
				s.ended(p, err)
			}
			most--
		}
	}
}

// ended is what a handler does whose Read fails.
func (s *simulation) ended(p *simPeer, err error) {
	switch {
	case err == io.EOF:
		if len(p.read) != len(p.sent) {
			s.fatalf("connection %d: EOF after %d bytes of %d", p.fd, len(p.read), len(p.sent))
		}
	case !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, net.ErrClosed):
		s.fatalf("Read: %v", err)
	}
	p.gone = true
	_ = p.conn.Close()
	p.conn = nil
}
