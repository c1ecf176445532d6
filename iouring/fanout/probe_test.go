package fanout

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A client that ends its sending is probed: one that reads gets the probe and
// the rest, one that has gone ends its stream though nothing else is sent.
func TestHalfClosedClientIsProbed(t *testing.T) {
	const probe = ":\n\n"
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		cfg.Probe = []byte(probe)
		fan := newFanOut(t, cfg)
		if fan.lane == nil {
			t.Skip("not supported here: on the ordinary path whoever gives the request's context decides")
		}
		streams := make(chan *Stream, 1)
		ln := serve(t, network, streamServer(fan, func(s *Stream, _ *http.Request) { streams <- s }))

		c, lines := dialStream(t, ln)
		response, err := http.ReadResponse(lines, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := <-streams
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(probe))
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != probe {
			t.Fatalf("the probe: %q, %v", got, err)
		}
		frames(t, s, 2)
		_ = s.Close()
		if rest, err := io.ReadAll(response.Body); err != nil || string(rest) != "frameframe" {
			t.Errorf("the rest: %q, %v", rest, err)
		}
		if err := ended(t, s); err != nil {
			t.Errorf("ended with %v", err)
		}

		c, lines = dialStream(t, ln)
		if _, err := http.ReadResponse(lines, nil); err != nil {
			t.Fatal(err)
		}
		s = <-streams
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := ended(t, s); !errors.Is(err, ErrPeerGone) {
			t.Errorf("ended with %v", err)
		}
	})
}

// While a frame is being added, or waits, a probe adds nothing.
func TestProbeOnlyWhereNothingIsOnItsWay(t *testing.T) {
	f := newOn(nil, Config{Probe: []byte("p")})
	s := openStuck(t, f, 0, nil)
	b, err := s.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	s.Probe()
	if err := s.Commit(append(b, 'x')); err != nil {
		t.Fatal(err)
	}
	s.Probe()
	if string(s.pending) != "x" {
		t.Errorf("%q waits", s.pending)
	}
	s.Abort(nil)
	s.Probe()
	if s = openStuck(t, newOn(nil, Config{}), 0, nil); s.Buffered() != 0 {
		t.Error("something waits")
	}
	s.Probe()
	if s.Buffered() != 0 {
		t.Error("a probe without one")
	}
	s.Abort(nil)
	w, r := newStuckWriter(0), httptest.NewRequest("GET", "/", nil)
	if s, err = f.Open(w, r, nil); err != nil {
		t.Fatal(err)
	}
	s.Probe()
	s.Probe()
	if string(s.pending) != "p" {
		t.Errorf("%q waits", s.pending)
	}
	s.Abort(net.ErrClosed)
	if s, err = f.OpenProbed(newStuckWriter(0), r, nil, []byte("own")); err != nil {
		t.Fatal(err)
	}
	s.Probe()
	if string(s.pending) != "own" {
		t.Errorf("%q waits", s.pending)
	}
	s.Abort(net.ErrClosed)
}
