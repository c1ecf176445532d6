package fanout

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
)

// A client sees an aborted response as broken, whatever Abort was given.
func TestAbort(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		fan := newFanOut(t, cfg)
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			_ = s.Append([]byte("half of it"))
			fan.Flush()
			b, err := s.Reserve()
			if err != nil {
				t.Error(err)
			}
			s.Abort(nil)
			if err := s.Commit(append(b, "the rest"...)); !errors.Is(err, ErrStreamAborted) {
				t.Errorf("Commit after the end: %v", err)
			}
			if _, err := s.Reserve(); !errors.Is(err, ErrStreamAborted) || !errors.Is(s.Err(), ErrStreamAborted) {
				t.Errorf("Reserve after the end: %v", err)
			}
		}))
		if got, err := body(client(t, ln), "http://x/stream"); err == nil {
			t.Errorf("an aborted response looks complete: %q", got)
		}
		if err := fan.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What Close finds reserved is sent before the end.
func TestCommitAfterClose(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		fan := newFanOut(t, cfg)
		refused := make(chan error, 1)
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			_ = s.Append([]byte("one "))
			b, err := s.Reserve()
			if err != nil {
				t.Error(err)
			}
			_ = s.Close()
			if err := s.Commit(append(b, "two"...)); err != nil {
				t.Error(err)
			}
			refused <- s.Append([]byte("three"))
		}))
		if got, err := body(client(t, ln), "http://x/stream"); string(got) != "one two" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if err := <-refused; !errors.Is(err, ErrStreamClosed) {
			t.Errorf("a closed stream took a frame: %v", err)
		}
	})
}

func TestConnectionCloseIsObeyed(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		fan := newFanOut(t, cfg)
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			_ = s.Append([]byte("last"))
			_ = s.Close()
		}))
		for _, proto := range []string{"1.1", "1.0"} {
			c := dialRaw(t, ln)
			_, _ = io.WriteString(c, "GET /stream HTTP/"+proto+"\r\nHost: x\r\nConnection: close\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(res.Body); string(got) != "last" || err != nil {
				t.Fatalf("HTTP/%s: %q, %v", proto, got, err)
			}
			if n, err := c.Read(make([]byte, 1)); err != io.EOF {
				t.Fatalf("HTTP/%s: after the end %d, %v; want EOF", proto, n, err)
			}
		}
	})
}

func TestReturnedConnectionIsClosedWhenIdle(t *testing.T) {
	fan := newFanOut(t, Config{Backend: iouring.BackendURing})
	end := func(s *Stream, r *http.Request) { _ = s.Append([]byte("x")); _ = s.Close() }
	for name, timeout := range map[string]time.Duration{"idle timeout": time.Millisecond, "no reuse": 0, "listener closed": time.Hour} {
		t.Run(name, func(t *testing.T) {
			ln := serve(t, "tcp", streamServer(fan, end), iouring.WithIdleTimeout(timeout))
			_, r := dialStream(t, ln)
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Fatal(err)
			}
			if timeout == time.Hour {
				if err := fan.Wait(t.Context()); err != nil { // it is back
					t.Fatal(err)
				}
				_ = ln.Close()
			}
			if _, err := r.ReadByte(); err != io.EOF {
				t.Fatalf("got %v, want EOF", err)
			}
		})
	}
}

func TestFanOutCloseWaitsThenAborts(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		fan := newFanOut(t, cfg)
		opened := make(chan *Stream, 1)
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }))
		c := dialRaw(t, ln)
		_, _ = io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
		s := <-opened
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := fan.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("Wait: %v", err)
		}
		if err := fan.Close(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("Close: %v", err)
		}
		if err := ended(t, s); !errors.Is(err, ErrFanOutClosed) {
			t.Errorf("Err %v", err)
		}
		if err := fan.Close(context.Background()); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

// closingWriter closes the fan-out in the middle of Open.
type closingWriter struct {
	http.ResponseWriter
	fan *FanOut
}

func (w closingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w closingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.fan.Close(ctx)
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// A stream that is ended while it is being opened leaves no connection behind.
func TestFanOutClosedDuringOpen(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		fan := newFanOut(t, Config{Backend: iouring.BackendURing})
		opened := make(chan error, 1)
		ln := serve(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := fan.Open(closingWriter{w, fan}, r, nil)
			opened <- err
		}))
		c := dialRaw(t, ln)
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if err := <-opened; !errors.Is(err, ErrFanOutClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("Open: %v", err)
		}
		answer, err := io.ReadAll(c)
		if bytes.Contains(answer, []byte(lastChunk)) {
			t.Errorf("a broken response looks complete: %q, %v", answer, err)
		}
		if n := fan.Len(); n != 0 {
			t.Errorf("%d streams are left", n)
		}
	}
}

// flushClosingWriter closes the fan-out when the header of an ordinary stream has
// been sent.
type flushClosingWriter struct {
	http.ResponseWriter
	fan *FanOut
}

func (w flushClosingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w flushClosingWriter) FlushError() error {
	err := http.NewResponseController(w.ResponseWriter).Flush()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.fan.Close(ctx)
	return err
}

// Nor is a stream of the ordinary path, whose header is out already, completed.
func TestFanOutClosedDuringOrdinaryOpen(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		fan := newFanOut(t, Config{Backend: iouring.BackendNet})
		opened := make(chan error, 1)
		ln := serve(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := fan.Open(flushClosingWriter{w, fan}, r, nil)
			opened <- err
		}))
		_, r := dialStream(t, ln)
		if got, err := answer(r); err == nil {
			t.Errorf("a broken response looks complete: %q", got)
		}
		if err := <-opened; !errors.Is(err, ErrFanOutClosed) || fan.Len() != 0 {
			t.Errorf("Open: %v, %d streams are left", err, fan.Len())
		}
	}
}
