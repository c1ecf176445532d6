package fanout

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// oneConn is a listener with one connection, in memory.
type oneConn struct {
	conns chan net.Conn
	addr  net.Addr
}

func (l *oneConn) Accept() (net.Conn, error) {
	c, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return l.addr }

// An HTTP/2 stream is reset when its write deadline passes, even if nobody
// writes: a source that pauses must not be taken for a client that does.
func TestHTTP2OutlivesASilentSource(t *testing.T) {
	const silence = 5 * testDropAfter // of the bubble
	synctest.Test(t, func(t *testing.T) {
		fan := newOn(nil, Config{DropAfter: testDropAfter})
		ours, theirs := net.Pipe()
		ln := &oneConn{make(chan net.Conn, 1), ours.LocalAddr()}
		ln.conns <- ours
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		server := &http.Server{Protocols: protocols, Handler: streamServer(fan, func(s *Stream, r *http.Request) {
			_ = s.Append([]byte("before"))
			time.Sleep(silence)
			_ = s.Append([]byte(", after"))
			_ = s.Close()
		})}
		go func() { _ = server.Serve(ln) }()
		tr := &http.Transport{Protocols: protocols, DialContext: func(context.Context, string, string) (net.Conn, error) { return theirs, nil }}
		res, err := (&http.Client{Transport: tr}).Get("http://x/stream")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(res.Body); string(got) != "before, after" || err != nil || res.ProtoMajor != 2 {
			t.Errorf("%q, %v over %s", got, err, res.Proto)
		}
		tr.CloseIdleConnections()
		close(ln.conns)
		_ = server.Close()
		time.Sleep(silence) // the source comes to its end too
	})
}
