package fanout

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
)

// streamServer opens every request for /stream as a stream of fan and hands it
// to source.
func streamServer(fan *FanOut, source func(s *Stream, r *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stream" {
			_, _ = io.WriteString(w, "plain "+r.URL.Path)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		s, err := fan.Open(w, r, nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		go source(s, r)
		_ = s.Serve()
	})
}

func newFanOut(t testing.TB, cfg Config) *FanOut {
	t.Helper()
	f, err := New(cfg)
	if err != nil {
		t.Skipf("not supported here: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = f.Close(ctx)
	})
	return f
}

// fanBackends are the two ways of a stream and the two of sending on a ring.
var fanBackends = []struct {
	name string
	cfg  Config
}{
	{"ring", Config{Backend: iouring.BackendURing, DirectLimit: -1}},
	{"direct", Config{Backend: iouring.BackendURing, DirectLimit: 32}},
	{"ordinary", Config{Backend: iouring.BackendNet}},
}

func eachFanOut(t *testing.T, f func(t *testing.T, cfg Config, network string)) {
	for _, b := range fanBackends {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(b.name+"/"+network, func(t *testing.T) { f(t, b.cfg, network) })
		}
	}
}

func listen(t testing.TB, network string, opts ...iouring.Option) *iouring.Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	ln, err := iouring.Listen(network, address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.(*iouring.Listener)
}

// serve runs handler on a listener until the test ends.
func serve(t testing.TB, network string, handler http.Handler, opts ...iouring.Option) *iouring.Listener {
	t.Helper()
	ln := listen(t, network, opts...)
	srv := &http.Server{Handler: handler, ConnContext: iouring.ConnContext}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return ln
}

// client speaks HTTP to ln through package net.
func client(t testing.TB, ln net.Listener) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, ln.Addr().Network(), ln.Addr().String())
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func dialRaw(t testing.TB, ln net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// dialStream asks for a stream and gives the connection and what reads it.
func dialStream(t testing.TB, ln net.Listener) (net.Conn, *bufio.Reader) {
	t.Helper()
	c := dialRaw(t, ln)
	if _, err := io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// ended waits for the stream's end and gives its error.
func ended(t testing.TB, s *Stream) error {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(time.Minute):
		t.Fatal("the stream lives on")
	}
	return s.Err()
}
