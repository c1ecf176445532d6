package front

import (
	"net"

	"github.com/weirgo/weir/iouring"
)

// Strict makes of a listener one whose connections refuse what net/http takes
// from HTTP/1 though two servers may read it in two ways: a proxy before this one
// would pass a request on that it did not see. See [framing] for what. net/http
// answers 400 and closes. It is for plain HTTP; what comes over TLS is not seen.
//
// It costs a look at each byte of a header, none of a body, and no allocation.
func Strict(l net.Listener) net.Listener { return strictListener{l} }

type strictListener struct{ net.Listener }

func (l strictListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if own, ok := c.(*iouring.Conn); ok && err == nil {
		return &strictConn{Conn: own}, nil
	}
	return c, err
}

// strictConn is a connection whose bytes are looked at as they are read. It holds
// none of them.
type strictConn struct {
	*iouring.Conn
	framing framing
	err     error // what follows what was read is refused
}

// Carries implements what package fanout asks of a connection around its own.
func (c *strictConn) Carries(inner *iouring.Conn) bool { return c.err == nil && c.Conn == inner }

// Read implements net.Conn.
func (c *strictConn) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.Conn.Read(p)
	if accepted, refused := c.framing.scan(p[:n]); refused != nil {
		c.err = refused
		if n, err = accepted, nil; n == 0 {
			err = refused
		}
	}
	return n, err
}
