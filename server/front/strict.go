package front

import (
	"context"
	"crypto/tls"
	"io"
	"net"

	"github.com/weirgo/weir/iouring"
)

// Strict makes of a listener one whose connections refuse what net/http takes
// from HTTP/1 though two servers may read it in two ways: a proxy before this one
// would pass a request on that it did not see. See [framing] for what. net/http
// answers 400 and closes. The listener is package iouring's, or package tls's around
// one. HTTP/2 is left as it is: under TLS where it was agreed on, and else on a
// connection that begins with its preface.
//
// It costs a look at each byte of a header, none of a body, and no allocation.
func Strict(l net.Listener) net.Listener { return strictListener{l} }

type strictListener struct{ net.Listener }

func (l strictListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return c, err
	}
	switch c := c.(type) {
	case *iouring.Conn:
		return &strictConn{Conn: c}, nil
	case *tls.Conn:
		return &strictTLSConn{Conn: c}, nil
	}
	return c, nil
}

// strictConn is a connection whose bytes are looked at as they are read. It holds
// none of them.
type strictConn struct {
	*iouring.Conn
	strictness
}

// Carries implements what package fanout asks of a connection around its own.
func (c *strictConn) Carries(inner *iouring.Conn) bool { return c.err == nil && c.Conn == inner }

// Read implements net.Conn.
func (c *strictConn) Read(p []byte) (int, error) { return c.read(c.Conn, p) }

// strictTLSConn is strictConn within TLS. net/http shakes hands before it reads.
type strictTLSConn struct {
	*tls.Conn
	strictness
}

// HandshakeContext does what tls.Conn's does; net/http calls it.
func (c *strictTLSConn) HandshakeContext(ctx context.Context) error {
	err := c.Conn.HandshakeContext(ctx)
	c.http2 = c.ConnectionState().NegotiatedProtocol == "h2"
	return err
}

// Read implements net.Conn.
func (c *strictTLSConn) Read(p []byte) (int, error) { return c.read(c.Conn, p) }

// strictness is how far a connection has been read, and what was found.
type strictness struct {
	framing framing
	err     error // what follows what was read is refused
	preface int   // so much of HTTP/2's has come, and nothing else
	other   bool  // than it
	http2   bool  // agreed on, or begun; it has frames of its own
}

// preface is what a client of HTTP/2 begins with (RFC 9113, section 3.4). It was
// chosen to be well-formed HTTP/1.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// begins looks for the preface at the connection's beginning, and returns how much
// of p is HTTP/1, or that.
func (s *strictness) begins(p []byte) int {
	if s.other {
		return len(p)
	}
	n := min(len(preface)-s.preface, len(p))
	if string(p[:n]) != preface[s.preface:s.preface+n] {
		s.other = true
		return len(p)
	}
	if s.preface += n; s.preface < len(preface) {
		return len(p)
	}
	s.http2 = true
	return n
}

func (s *strictness) read(from io.Reader, p []byte) (int, error) {
	switch {
	case s.http2:
		return from.Read(p)
	case s.err != nil:
		return 0, s.err
	}
	n, err := from.Read(p)
	if accepted, refused := s.framing.scan(p[:s.begins(p[:n])]); refused != nil {
		s.err = refused
		if n, err = accepted, nil; n == 0 {
			err = refused
		}
	}
	return n, err
}
