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
// one; HTTP/2 is left as it is.
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
	http2 bool // agreed on; it has frames of its own
}

// HandshakeContext does what tls.Conn's does; net/http calls it.
func (c *strictTLSConn) HandshakeContext(ctx context.Context) error {
	err := c.Conn.HandshakeContext(ctx)
	c.http2 = c.ConnectionState().NegotiatedProtocol == "h2"
	return err
}

// Read implements net.Conn.
func (c *strictTLSConn) Read(p []byte) (int, error) {
	if c.http2 {
		return c.Conn.Read(p)
	}
	return c.read(c.Conn, p)
}

// strictness is how far a connection has been read, and what was found.
type strictness struct {
	framing framing
	err     error // what follows what was read is refused
}

func (s *strictness) read(from io.Reader, p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := from.Read(p)
	if accepted, refused := s.framing.scan(p[:n]); refused != nil {
		s.err = refused
		if n, err = accepted, nil; n == 0 {
			err = refused
		}
	}
	return n, err
}
