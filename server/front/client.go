package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/reply"
)

// client is who waits for the answer to a request that has arrived.
//
// One that ends its sending (FIN, or TLS's close_notify) may have gone, or may
// wait for its answer: TCP cannot tell until something is sent to it. net/http
// takes it for gone. Here it is sent something that means nothing: before the
// answer an interim response, 100 Continue, which every HTTP/1.1 client skips
// (RFC 9110, section 15.2), and in an event stream a comment. One that has gone
// answers with a reset within a round trip, and its work ends; one that waits
// gets its answer. HTTP/1.0 has no interim responses, and the proxies that speak
// it do not end their sending while they wait: there, the end means gone until a
// stream has begun.
//
//	answering  meaning                              moved by
//	false      nothing of the answer is sent, so    -
//	           a probe may be
//	true       the connection is the answer's       the handler, once
type client struct {
	conn    net.Conn // nil: not known, or HTTP/2, where a stream's end is told
	interim bool     // speaks HTTP/1.1
	timeout time.Duration

	cancel  context.CancelCauseFunc
	unwatch func() bool // of the request's context
	left    chan struct{}
	over    chan struct{} // closed: doubt has ended

	mu        sync.Mutex
	answering bool
	stream    *reply.Reply
}

var errClientGone = errors.New("front: the client has gone")

// attend returns the context of what is done for a client whose request has
// arrived, and the client. The context ends when the client has gone. The
// handler calls leave before it returns.
func attend(q *http.Request, timeout time.Duration) (context.Context, *client) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(q.Context()))
	c := &client{interim: q.ProtoAtLeast(1, 1), timeout: timeout, cancel: cancel, left: make(chan struct{}), over: make(chan struct{})}
	if q.ProtoMajor == 1 {
		c.conn = connection(q.Context())
	}
	c.unwatch = context.AfterFunc(q.Context(), c.doubt)
	return ctx, c
}

// doubt is run when net/http has read the end of what the client sends, or an
// error.
func (c *client) doubt() {
	defer close(c.over)
	if c.conn == nil || !c.probe() || iouring.AwaitPeerGone(c.left, socket(c.conn)) {
		c.cancel(errClientGone)
	}
}

// probe sends something to the client that means nothing. It reports false if
// the client has gone, or must be taken for gone.
func (c *client) probe() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answering {
		if c.stream != nil {
			c.stream.Probe()
		}
		return true // else the answer is the probe
	}
	if !c.interim {
		return false
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.timeout)) // the answer sets its own
	_, err := io.WriteString(c.conn, "HTTP/1.1 100 Continue\r\n\r\n")
	return err == nil
}

// answer says that the answer comes next: the connection is the HTTP server's
// again. A stream is named so that probes can go through it.
func (c *client) answer(stream *reply.Reply) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answering, c.stream = true, stream
}

// leave ends the attendance.
func (c *client) leave() {
	if c == nil {
		return
	}
	if !c.unwatch() {
		close(c.left)
		<-c.over
	}
	c.cancel(nil)
}

type connKey struct{}

// ConnContext is for http.Server.ConnContext. It does what iouring.ConnContext
// does, and lets a handler know connections that are not package iouring's, such
// as TLS's.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	switch c := c.(type) {
	case *iouring.Conn:
		return iouring.ConnContext(ctx, c)
	case *strictConn:
		return iouring.ConnContext(ctx, c.Conn)
	case *strictTLSConn:
		return context.WithValue(ctx, connKey{}, net.Conn(c.Conn))
	}
	return context.WithValue(ctx, connKey{}, c)
}

// connection gives the connection of a request, or nil.
func connection(ctx context.Context) net.Conn {
	if c := iouring.FromContext(ctx); c != nil {
		return c
	}
	c, _ := ctx.Value(connKey{}).(net.Conn)
	return c
}

// socket is what a connection's bytes come through.
func socket(c net.Conn) net.Conn {
	if secure, ok := c.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return c
}
