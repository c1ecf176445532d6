package fanout

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
)

// What a program can do wrong, or do twice, is the same on every back end, and
// what the documentation says.

var errOfTheirs = errors.New("an error of the caller's")

// misuses are what a handler does with a stream that it has opened, and what comes
// of it.
var misuses = []struct {
	name    string
	handle  func(t *testing.T, s *Stream)
	body    string // of a complete response; "" for a broken one
	err     error  // the stream's
	unserve bool   // Serve is not called
}{
	{name: "close twice", body: "x", handle: func(t *testing.T, s *Stream) {
		want(t, s.Append([]byte("x")), nil)
		want(t, s.Close(), nil)
		want(t, s.Close(), nil)
		want(t, s.Append([]byte("y")), ErrStreamClosed)
	}},
	{name: "no frames", body: "", err: nil, handle: func(t *testing.T, s *Stream) { want(t, s.Close(), nil) }},
	{name: "empty frames", body: "x", handle: func(t *testing.T, s *Stream) {
		want(t, s.Append(nil), nil)
		want(t, s.Append([]byte("x")), nil)
		want(t, s.Append([]byte{}), nil)
		want(t, s.Close(), nil)
	}},
	{name: "abort with nil", err: ErrStreamAborted, handle: func(t *testing.T, s *Stream) { s.Abort(nil) }},
	{name: "abort with an error", err: errOfTheirs, handle: func(t *testing.T, s *Stream) { s.Abort(errOfTheirs) }},
	{name: "abort after frames", err: errOfTheirs, handle: func(t *testing.T, s *Stream) {
		want(t, s.Append([]byte("half")), nil)
		s.fan.Flush()
		s.Abort(errOfTheirs)
	}},
	{name: "use after abort", err: errOfTheirs, handle: func(t *testing.T, s *Stream) {
		s.Abort(errOfTheirs)
		s.Abort(ErrStreamClosed)
		want(t, s.Append([]byte("x")), errOfTheirs)
		want(t, s.Close(), nil)
		<-s.Done()
	}},
	{name: "panic", err: ErrNotServed, unserve: true, handle: func(t *testing.T, s *Stream) {
		want(t, s.Append([]byte("half")), nil)
		panic(http.ErrAbortHandler)
	}},
	{name: "no Serve", err: ErrNotServed, unserve: true, handle: func(t *testing.T, s *Stream) {
		want(t, s.Append([]byte("half")), nil)
	}},
	{name: "reserve twice", body: "x", handle: func(t *testing.T, s *Stream) {
		b, err := s.Reserve()
		want(t, err, nil)
		wantPanic(t, "fanout: Reserve twice without Commit", func() { _, _ = s.Reserve() })
		want(t, s.Commit(append(b, "x"...)), nil)
		want(t, s.Close(), nil)
	}},
	{name: "commit what was not reserved", body: "x", handle: func(t *testing.T, s *Stream) {
		const text = "fanout: Commit of something else than what Reserve gave"
		wantPanic(t, text, func() { _ = s.Commit([]byte("mine")) })
		b, err := s.Reserve()
		want(t, err, nil)
		if len(b) > 0 {
			wantPanic(t, text, func() { _ = s.Commit(b[:0]) })
		}
		want(t, s.Commit(append(b, "x"...)), nil)
		wantPanic(t, text, func() { _ = s.Commit(b) })
		want(t, s.Close(), nil)
	}},
}

func want(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	}
}

func wantPanic(t *testing.T, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != text {
			t.Errorf("panic %v, want %q", got, text)
		}
	}()
	f()
}

func TestMisuse(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		for _, m := range misuses {
			t.Run(m.name, func(t *testing.T) {
				fan := newFanOut(t, cfg)
				opened := make(chan *Stream, 1)
				ln := serve(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := fan.Open(w, r, nil)
					if err != nil {
						t.Errorf("Open: %v", err)
						return
					}
					opened <- s
					m.handle(t, s)
					if m.unserve {
						return
					}
					func() { // a second one does as the first
						defer func() { _ = recover() }()
						_ = s.Serve()
					}()
					_ = s.Serve()
				}))
				_, r := dialStream(t, ln)
				got, err := answer(r)
				if complete := m.err == nil; complete != (err == nil) || complete && got != m.body {
					t.Errorf("the client sees %q, %v", got, err)
				}
				want(t, ended(t, <-opened), m.err)
				want(t, fan.Wait(t.Context()), nil)
				if n := fan.Len(); n != 0 {
					t.Errorf("%d streams are left", n)
				}
			})
		}
	})
}

// answer reads a response to its end.
func answer(r *bufio.Reader) (string, error) {
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return "", err
	}
	got, err := io.ReadAll(res.Body)
	return string(got), err
}

// Over HTTP/1.0 the end of the connection is the end of the body: only a reset
// says that it is not whole.
func TestAbortOverHTTP10(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		if network == "unix" {
			return // which knows no reset
		}
		fan := newFanOut(t, cfg)
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			_ = s.Append([]byte("half"))
			fan.Flush()
			s.Abort(nil)
		}))
		c := dialRaw(t, ln)
		_, _ = io.WriteString(c, "GET /stream HTTP/1.0\r\nHost: x\r\n\r\n")
		if got, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client sees %q, %v", got, err)
		}
		want(t, fan.Wait(t.Context()), nil)
	})
}

func TestZeroValues(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	var f FanOut
	f.Flush()
	want(t, f.Wait(done), nil)
	want(t, f.Close(done), nil)
	if s, err := f.Open(nil, nil, nil); s != nil || !errors.Is(err, ErrFanOutClosed) || f.Len() != 0 {
		t.Errorf("Open: %v, %v", s, err)
	}
	var s Stream
	s.Probe()
	s.Abort(nil)
	want(t, s.Append([]byte("x")), ErrStreamClosed)
	want(t, s.Close(), nil)
	want(t, s.Err(), nil)
	want(t, s.Serve(), ErrStreamClosed)
	<-s.Done()
	if s.Buffered() != 0 {
		t.Error("a zero Stream holds something")
	}
	wantPanic(t, "fanout: Commit of something else than what Reserve gave", func() { _ = s.Commit(nil) })
}

func TestAbsurdConfig(t *testing.T) {
	for _, cfg := range []Config{
		{StreamsLimit: -1}, {LimitBytes: -1}, {PauseBytes: -1}, {Backend: -1}, {Backend: 99},
	} {
		if f, err := New(cfg); err == nil {
			t.Errorf("%+v was accepted: %v", cfg, f)
		}
	}
	// The least of each serves.
	for _, backend := range []iouring.Backend{iouring.BackendNet, iouring.BackendURing} {
		fan := newFanOut(t, Config{StreamsLimit: 1, LimitBytes: 1, PauseBytes: 1, DropAfter: -1, DirectLimit: -1000, Backend: backend})
		ln := serve(t, "tcp", streamServer(fan, func(s *Stream, r *http.Request) {
			_ = s.Append([]byte("whole"))
			_ = s.Close()
		}))
		if got, err := body(client(t, ln), "http://x/stream"); string(got) != "whole" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestFanOutAfterClose(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		fan := newFanOut(t, cfg)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { want(t, fan.Close(t.Context()), nil) })
		}
		wg.Wait()
		fan.Flush()
		want(t, fan.Wait(t.Context()), nil)
		ln := serve(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s, err := fan.Open(w, r, nil); s != nil || !errors.Is(err, ErrFanOutClosed) {
				t.Errorf("Open: %v, %v", s, err)
			}
			http.Error(w, "closed", http.StatusServiceUnavailable)
		}))
		_, r := dialStream(t, ln)
		res, err := http.ReadResponse(r, nil)
		if err != nil || res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%v, %v", res, err)
		}
	})
}

// Everything at once: frames, ends of every kind, and the fan-out's.
func TestConcurrentEnds(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		for range 10 {
			fan := newFanOut(t, cfg)
			const streams = 8
			opened := make(chan *Stream, streams)
			ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }))
			var conns []net.Conn
			var wg sync.WaitGroup
			for range streams {
				c, _ := dialStream(t, ln)
				conns = append(conns, c)
			}
			var all []*Stream // before any client goes: its stream might not open
			for range streams {
				all = append(all, <-opened)
			}
			for i, s := range all {
				wg.Go(func() {
					for s.Append([]byte("frame")) == nil {
						fan.Flush()
					}
				})
				wg.Go(func() {
					switch i % 4 {
					case 0:
						_ = s.Close()
					case 1:
						s.Abort(nil)
					case 2:
						_ = conns[i].Close()
					}
				})
				wg.Go(func() { <-s.Done(); _, _ = s.Ready(), s.Buffered() })
			}
			over, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_ = fan.Close(over)
			cancel()
			wg.Wait()
			if n := fan.Len(); n != 0 {
				t.Errorf("%d streams are left", n)
			}
		}
	})
}

// A source that ends many streams at once has one submission for all of them.
func TestEndsAreSentTogether(t *testing.T) {
	fan := newFanOut(t, Config{Backend: iouring.BackendURing})
	const streams = 64
	opened := make(chan *Stream, streams)
	ln := serve(t, "tcp", streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }))
	answers := make(chan string, streams)
	for range streams {
		_, r := dialStream(t, ln)
		go func() {
			got, err := answer(r)
			if err != nil {
				t.Error(err)
			}
			answers <- got
		}()
	}
	var all []*Stream
	for range streams {
		all = append(all, <-opened)
	}
	before := fan.lane.ring.Stats()
	for _, s := range all {
		want(t, s.Append([]byte("last")), nil)
		want(t, s.Close(), nil)
	}
	for range streams {
		if got := <-answers; got != "last" {
			t.Errorf("%q", got)
		}
	}
	if n := fan.lane.ring.Stats().Submissions - before.Submissions; n < streams {
		t.Errorf("%d of %d ends were sent by the ring", n, streams)
	}
}
