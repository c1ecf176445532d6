package fanout

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/sched/mailbox"
)

func TestStreamCarriesEveryFrameAndKeepsTheConnection(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		fan := newFanOut(t, cfg)
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			for i := range 100 {
				if err := s.Append([]byte(fmt.Sprintf("data: %d\n\n", i))); err != nil {
					t.Error(err)
				}
				if i%3 == 0 {
					fan.Flush()
				}
			}
			_ = s.Close()
		}))
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
		if err := fan.Wait(t.Context()); err != nil || fan.Len() != 0 {
			t.Errorf("%d streams left, %v", fan.Len(), err)
		}
	})
}

func TestManyStreamsGetTheirOwnFrames(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		const streams, frames = 200, 50
		fan := newFanOut(t, cfg)
		opened := make(chan *Stream, streams)
		names := sync.Map{}
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			names.Store(s, r.URL.RawQuery)
			opened <- s
		}))
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
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		fan := newFanOut(t, cfg)
		opened := make(chan *Stream, 1)
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }))
		c, _ := dialStream(t, ln)
		s := <-opened
		_ = c.Close()
		if !errors.Is(ended(t, s), ErrPeerGone) || !errors.Is(s.Append([]byte("x")), ErrPeerGone) {
			t.Errorf("Err %v", s.Err())
		}
	})
}

// A client that does not read fills its stream, which then is not Ready, takes
// no more, and is dropped; the stream beside it never notices.
func TestSlowClientIsDroppedAndHoldsNobodyUp(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		cfg.LimitBytes, cfg.PauseBytes, cfg.DropAfter = 64<<10, 8<<10, 200*time.Millisecond
		fan := newFanOut(t, cfg)
		opened := make(chan *Stream, 1)
		stream := func(fan *FanOut) (*Stream, *bufio.Reader) {
			ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }))
			_, r := dialStream(t, ln)
			return <-opened, r
		}
		slow, _ := stream(fan)
		cfg.DropAfter = 0 // on a busy machine even our own thread may take longer
		quick, lively := stream(newFanOut(t, cfg))

		frame := bytes.Repeat([]byte{'s'}, 4096)
		sawFull := false
		for slow.Err() == nil {
			err := slow.Append(frame)
			fan.Flush()
			if n := slow.Buffered(); n > cfg.LimitBytes+len(frame)+64 {
				t.Fatalf("%d bytes buffered, limit %d and a frame", n, cfg.LimitBytes)
			}
			switch {
			case errors.Is(err, ErrStreamFull):
				if !sawFull && slow.Ready() && slow.Buffered() > cfg.PauseBytes {
					t.Error("a full stream is Ready")
				}
				sawFull = true
				runtime.Gosched() // full: of frames, or of all the kernel takes
			case err != nil && !errors.Is(err, ErrSlowClient):
				t.Fatal(err)
			}
		}
		if !sawFull {
			t.Error("a client that never reads never filled its stream")
		}
		_ = quick.Append([]byte("alive"))
		_ = quick.Close()
		res, err := http.ReadResponse(lively, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(res.Body); string(got) != "alive" {
			t.Fatalf("the other stream got %q, %v", got, err)
		}
		if err := ended(t, slow); !errors.Is(err, ErrSlowClient) {
			t.Errorf("Err %v, want ErrSlowClient", err)
		}
	})
}

// The entry is posted when a paused stream is Ready again, and at its end.
func TestOwnerIsTold(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		cfg.LimitBytes, cfg.PauseBytes = 8<<20, 64<<10
		fan := newFanOut(t, cfg)
		feed, told := mailbox.NewFeed(), new(mailbox.Entry)
		opened := make(chan *Stream, 1)
		ln := serve(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			told.Init(feed, "stream")
			s, err := fan.Open(w, r, told)
			if err != nil {
				t.Error(err)
			}
			opened <- s
			_ = s.Serve()
		}))
		next := func() {
			t.Helper()
			posted := make(chan []*mailbox.Entry, 1)
			go func() {
				feed.Wait()
				posted <- feed.Take(nil)
			}()
			select {
			case got := <-posted:
				if len(got) != 1 || got[0].Owner() != "stream" {
					t.Fatalf("told of %v", got)
				}
			case <-time.After(time.Minute):
				t.Fatal("nobody is told")
			}
		}
		_, answer := dialStream(t, ln)
		s := <-opened
		frame, sent := bytes.Repeat([]byte{'z'}, 32<<10), 0
		for s.Ready() {
			if err := s.Append(frame); err != nil {
				t.Fatal(err)
			}
			sent += len(frame)
			fan.Flush()
		}
		got := make(chan int, 1)
		go func() {
			res, err := http.ReadResponse(answer, nil)
			if err != nil {
				t.Error(err)
				got <- 0
				return
			}
			n, _ := io.Copy(io.Discard, res.Body)
			got <- int(n)
		}()
		for next(); !s.Ready(); { // it may have been ready, and told of, while it was filled
			next()
		}
		_ = s.Close()
		for over := false; !over; {
			next()
			select {
			case <-s.Done():
				over = true
			default: // ready once more before the end
			}
		}
		if n := <-got; n != sent {
			t.Errorf("the client got %d bytes of %d", n, sent)
		}
	})
}

func TestStreamOverTLSAndHTTP2TakesTheOrdinaryPath(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("http2=%v", http2), func(t *testing.T) {
			fan := newFanOut(t, Config{})
			srv := httptest.NewUnstartedServer(streamServer(fan, func(s *Stream, r *http.Request) {
				if r.URL.RawQuery == "abort" {
					_ = s.Append([]byte("half"))
					s.Abort(nil)
					return
				}
				for i := range 10 {
					_ = s.Append([]byte(fmt.Sprint(i)))
					fan.Flush()
				}
				_ = s.Close()
			}))
			_ = srv.Listener.Close()
			srv.Listener = listen(t, "tcp")
			srv.Config.ConnContext = iouring.ConnContext
			srv.EnableHTTP2 = http2
			srv.StartTLS()
			defer srv.Close()
			c := srv.Client()
			for range 3 {
				res, err := c.Get(srv.URL + "/stream")
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if string(got) != "0123456789" || err != nil || (res.ProtoMajor == 2) != http2 {
					t.Fatalf("%q, %v over %s", got, err, res.Proto)
				}
			}
			if got, err := body(c, srv.URL+"/stream?abort"); err == nil {
				t.Errorf("an aborted response looks complete: %q", got)
			}
		})
	}
}

func body(c *http.Client, url string) ([]byte, error) {
	res, err := c.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// Without ConnContext, or on another listener, a ring's fan-out serves through
// net/http.
func TestStreamOnForeignListener(t *testing.T) {
	fan := newFanOut(t, Config{Backend: iouring.BackendURing})
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
	if got, err := body(srv.Client(), srv.URL+"/stream"); string(got) != "onetwo" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	res, err := srv.Client().Get(srv.URL + "/stream?hang")
	if err != nil {
		t.Fatal(err)
	}
	s := <-opened
	_ = res.Body.Close()
	if err := ended(t, s); !errors.Is(err, ErrPeerGone) {
		t.Errorf("Err %v", err)
	}
}
