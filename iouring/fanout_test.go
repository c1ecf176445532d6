package iouring

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// streamServer opens every request as a stream of fan and hands it to source.
func streamServer(fan *FanOut, source func(s *Stream, r *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stream" {
			_, _ = io.WriteString(w, "plain "+r.URL.Path)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		s, err := fan.Open(w, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		go source(s, r)
		_ = s.Serve()
	})
}

func newFanOut(t testing.TB, cfg FanOutConfig) *FanOut {
	t.Helper()
	f, err := NewFanOut(cfg)
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
	cfg  FanOutConfig
}{
	{"ring", FanOutConfig{Backend: BackendURing, DirectLimit: -1}},
	{"direct", FanOutConfig{Backend: BackendURing, DirectLimit: 32}},
	{"ordinary", FanOutConfig{Backend: BackendNet}},
}

func eachFanOut(t *testing.T, f func(t *testing.T, cfg FanOutConfig, network string, opts ...Option)) {
	for _, b := range fanBackends {
		t.Run(b.name, func(t *testing.T) {
			eachVariant(t, func(t *testing.T, network string, opts ...Option) {
				f(t, b.cfg, network, opts...)
			})
		})
	}
}

func TestStreamCarriesEveryFrameAndKeepsTheConnection(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg FanOutConfig, network string, opts ...Option) {
		fan := newFanOut(t, cfg)
		_, ln := serveHTTP(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			for i := range 100 {
				if err := s.Append([]byte(fmt.Sprintf("data: %d\n\n", i))); err != nil {
					t.Error(err)
				}
				if i%3 == 0 {
					fan.Flush()
				}
			}
			_ = s.Close()
		}), opts...)
		var want strings.Builder
		for i := range 100 {
			fmt.Fprintf(&want, "data: %d\n\n", i)
		}
		c := dialRaw(t, ln)
		r := bufio.NewReader(c)
		// Streams and ordinary requests take turns on one connection, one of
		// them pipelined behind a stream.
		for round := range 5 {
			_, _ = io.WriteString(c, "POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"+
				"GET /pipelined HTTP/1.1\r\nHost: x\r\n\r\n")
			for i, wantBody := range []string{want.String(), "plain /pipelined"} {
				res, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatalf("round %d, response %d: %v", round, i, err)
				}
				if got, err := io.ReadAll(res.Body); string(got) != wantBody || err != nil {
					t.Fatalf("round %d, response %d: %q, %v", round, i, got, err)
				}
			}
			_, _ = io.WriteString(c, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("round %d, next request: %v", round, err)
			}
			if got, _ := io.ReadAll(res.Body); string(got) != "plain /next" {
				t.Fatalf("round %d, next request: %q", round, got)
			}
		}
		if n := settle(0, fan.Len); n != 0 {
			t.Errorf("%d streams left", n)
		}
	})
}

func TestManyStreamsGetTheirOwnFrames(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg FanOutConfig, network string, opts ...Option) {
		const streams, frames = 200, 50
		fan := newFanOut(t, cfg)
		opened := make(chan *Stream, streams)
		names := sync.Map{}
		_, ln := serveHTTP(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			names.Store(s, r.URL.RawQuery)
			opened <- s
		}), opts...)
		c := client(t, ln)
		var wg sync.WaitGroup
		for i := range streams {
			wg.Go(func() {
				res, err := c.Get(fmt.Sprintf("http://x/stream?%d", i))
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				got, err := io.ReadAll(res.Body)
				var want bytes.Buffer
				for k := range frames {
					fmt.Fprintf(&want, "%d:%d\n", i, k)
				}
				if err != nil || !bytes.Equal(got, want.Bytes()) {
					t.Errorf("stream %d: %d bytes of %d, %v", i, len(got), want.Len(), err)
				}
			})
		}
		all := make([]*Stream, streams)
		for i := range all {
			all[i] = <-opened
		}
		for k := range frames {
			for _, s := range all {
				name, _ := names.Load(s)
				if err := s.Append([]byte(fmt.Sprintf("%s:%d\n", name, k))); err != nil {
					t.Error(err)
				}
			}
			fan.Flush()
		}
		for _, s := range all {
			_ = s.Close()
		}
		wg.Wait()
	})
}

func TestStreamLearnsThatItsClientHasGone(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg FanOutConfig, network string, opts ...Option) {
		fan := newFanOut(t, cfg)
		opened := make(chan *Stream, 1)
		_, ln := serveHTTP(t, network, streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }), opts...)
		c := dialRaw(t, ln)
		_, _ = io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
		s := <-opened
		_ = c.Close()
		select {
		case <-s.Done():
		case <-time.After(time.Minute):
			t.Fatal("the stream lives on")
		}
		if !errors.Is(s.Err(), ErrPeerGone) || !errors.Is(s.Append([]byte("x")), ErrPeerGone) {
			t.Errorf("Err %v", s.Err())
		}
	})
}

func TestSlowClientPausesThenIsDroppedAndHoldsNobodyUp(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg FanOutConfig, network string, opts ...Option) {
		cfg.LimitBytes, cfg.PauseBytes, cfg.DropAfter = 64<<10, 8<<10, 200*time.Millisecond
		fan := newFanOut(t, cfg)
		opened := make(chan *Stream, 2)
		_, ln := serveHTTP(t, network, streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }), opts...)
		stuck := dialRaw(t, ln)
		_, _ = io.WriteString(stuck, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
		slow := <-opened
		lively := dialRaw(t, ln)
		_, _ = io.WriteString(lively, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
		quick := <-opened

		frame := bytes.Repeat([]byte{'s'}, 4096)
		sawFull := false
		for slow.Err() == nil {
			err := slow.Append(frame)
			fan.Flush()
			if n := slow.Buffered(); n > cfg.LimitBytes+1024 {
				t.Fatalf("%d bytes buffered, limit %d", n, cfg.LimitBytes)
			}
			switch {
			case errors.Is(err, ErrStreamFull):
				sawFull = true
				time.Sleep(time.Millisecond) // full: of frames, or of all the kernel takes
			case err != nil && !errors.Is(err, ErrSlowClient):
				t.Fatal(err)
			}
		}
		if !sawFull {
			t.Error("a client that never reads never filled its stream")
		}
		_ = quick.Append([]byte("alive"))
		_ = quick.Close()
		res, err := http.ReadResponse(bufio.NewReader(lively), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(res.Body); string(got) != "alive" {
			t.Fatalf("the other stream got %q, %v", got, err)
		}
		<-slow.Done()
		if !errors.Is(slow.Err(), ErrSlowClient) {
			t.Errorf("Err %v, want ErrSlowClient", slow.Err())
		}
	})
}

func TestPausedStreamResumes(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg FanOutConfig, network string, opts ...Option) {
		cfg.LimitBytes, cfg.PauseBytes = 8<<20, 64<<10
		ready := make(chan *Stream, 64)
		cfg.OnReady = func(s *Stream) {
			select {
			case ready <- s:
			default:
			}
		}
		fan := newFanOut(t, cfg)
		opened := make(chan *Stream, 1)
		_, ln := serveHTTP(t, network, streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }), opts...)
		c := dialRaw(t, ln)
		_, _ = io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
		s := <-opened
		frame, sent := bytes.Repeat([]byte{'z'}, 32<<10), 0
		for s.Ready() {
			if err := s.Append(frame); err != nil {
				t.Fatal(err)
			}
			sent += len(frame)
			fan.Flush()
		}
		done := make(chan int)
		go func() {
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Error(err)
				close(done)
				return
			}
			n, _ := io.Copy(io.Discard, res.Body)
			done <- int(n)
		}()
		if err := s.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := <-ready; got != s {
			t.Error("OnReady for another stream")
		}
		_ = s.Close()
		if n := <-done; n != sent {
			t.Errorf("client got %d bytes of %d", n, sent)
		}
	})
}

func TestStreamOverTLSAndHTTP2TakesTheOrdinaryPath(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("http2=%v", http2), func(t *testing.T) {
			fan := newFanOut(t, FanOutConfig{})
			srv := httptest.NewUnstartedServer(streamServer(fan, func(s *Stream, r *http.Request) {
				for i := range 10 {
					_ = s.Append([]byte(fmt.Sprint(i)))
					fan.Flush()
				}
				_ = s.Close()
			}))
			_ = srv.Listener.Close()
			ln := listen(t, "tcp")
			srv.Listener = ln
			srv.EnableHTTP2 = http2
			srv.StartTLS()
			defer srv.Close()
			c := client(t, ln)
			c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
			c.Transport.(*http.Transport).ForceAttemptHTTP2 = http2
			for range 3 {
				res, err := c.Get("https://x/stream")
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if string(got) != "0123456789" || err != nil || (res.ProtoMajor == 2) != http2 {
					t.Fatalf("%q, %v over %s", got, err, res.Proto)
				}
			}
		})
	}
}

func TestStreamOnForeignListener(t *testing.T) {
	fan := newFanOut(t, FanOutConfig{Backend: BackendURing})
	opened := make(chan *Stream, 1)
	srv := httptest.NewServer(streamServer(fan, func(s *Stream, r *http.Request) {
		if r.URL.RawQuery == "hang" {
			opened <- s
			return
		}
		_ = s.Append([]byte("one"))
		_ = s.Append([]byte("two"))
		_ = s.Close()
	}))
	defer srv.Close()
	res, err := http.Get(srv.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); string(got) != "onetwo" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	if res, err = http.Get(srv.URL + "/stream?hang"); err != nil {
		t.Fatal(err)
	}
	s := <-opened
	_ = res.Body.Close()
	<-s.Done()
	if !errors.Is(s.Err(), ErrPeerGone) {
		t.Errorf("Err %v", s.Err())
	}
}

func TestConnectionCloseIsObeyed(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg FanOutConfig, network string, opts ...Option) {
		fan := newFanOut(t, cfg)
		_, ln := serveHTTP(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			_ = s.Append([]byte("last"))
			_ = s.Close()
		}), opts...)
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
	requireBackend(t, WithBackend(BackendURing))
	fan := newFanOut(t, FanOutConfig{Backend: BackendURing})
	end := func(s *Stream, r *http.Request) { _ = s.Append([]byte("x")); _ = s.Close() }
	for name, shut := range map[string]func(*http.Server, *Listener){
		"idle timeout":    func(*http.Server, *Listener) {},
		"server shutdown": func(s *http.Server, _ *Listener) { _ = s.Shutdown(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			timeout := time.Hour
			if name == "idle timeout" {
				timeout = 50 * time.Millisecond
			}
			srv, ln := serveHTTP(t, "tcp", streamServer(fan, end), WithBackend(BackendURing), WithIdleTimeout(timeout))
			c := dialRaw(t, ln)
			_, _ = io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
			r := bufio.NewReader(c)
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			settle(1, func() int { return 2 - ln.idleCount() }) // until it is back
			shut(srv, ln)
			if _, err := r.ReadByte(); err != io.EOF {
				t.Fatalf("got %v, want EOF", err)
			}
		})
	}
}

func TestFanOutCloseWaitsThenAborts(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg FanOutConfig, network string, opts ...Option) {
		fan := newFanOut(t, cfg)
		opened := make(chan *Stream, 1)
		_, ln := serveHTTP(t, network, streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }), opts...)
		c := dialRaw(t, ln)
		_, _ = io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
		s := <-opened
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := fan.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Close: %v", err)
		}
		<-s.Done()
		if !errors.Is(s.Err(), ErrFanOutClosed) {
			t.Errorf("Err %v", s.Err())
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
	eachVariant(t, func(t *testing.T, network string, opts ...Option) {
		fan := newFanOut(t, FanOutConfig{Backend: BackendURing})
		opened := make(chan error, 1)
		_, ln := serveHTTP(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := fan.Open(closingWriter{w, fan}, r)
			opened <- err
		}), opts...)
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
	})
}

func TestAppendChunk(t *testing.T) {
	for _, n := range []int{1, 15, 16, 255, 256, 4095, 4096, 70_000} {
		data := bytes.Repeat([]byte{'q'}, n)
		b := append(appendChunk(nil, data), lastChunk...)
		got, err := io.ReadAll(http.MaxBytesReader(nil, io.NopCloser(chunkReader(b)), 1<<20))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back as %d, %v", n, len(got), err)
		}
	}
}

func chunkReader(b []byte) io.Reader {
	head := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	res, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(head), bytes.NewReader(b))), nil)
	if err != nil {
		panic(err)
	}
	return res.Body
}

var _ net.Conn = (*Conn)(nil)
