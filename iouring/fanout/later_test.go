package fanout

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"testing"
)

// laterServer serves streams that begin later; each handler has gone when its stream
// comes out of the channel.
func laterServer(t *testing.T, fan *FanOut, streams chan<- *Stream) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Kept", "for the head")
		s, err := fan.OpenLater(w, r, nil, []byte(":\n\n"))
		if err != nil || s == nil {
			t.Errorf("%v, %v", s, err)
			return
		}
		go func() {
			<-r.Context().Done() // which ends when the handler has left
			streams <- s
		}()
	})
}

// eachRing is eachFanOut on a ring, over a server of streams that begin later.
func eachRing(t *testing.T, f func(t *testing.T, ask func() (io.Closer, *bufio.Reader), streams <-chan *Stream, fan *FanOut)) {
	for _, b := range fanBackends[:2] {
		t.Run(b.name, func(t *testing.T) {
			fan := newFanOut(t, b.cfg)
			streams := make(chan *Stream, 1)
			ln := serve(t, "tcp", laterServer(t, fan, streams))
			f(t, func() (io.Closer, *bufio.Reader) { return dialStream(t, ln) }, streams, fan)
		})
	}
}

// response reads one, whose body the caller reads.
func response(t *testing.T, lines *bufio.Reader) *http.Response {
	t.Helper()
	got, err := http.ReadResponse(lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// again asks for another stream on the same connection.
func again(t *testing.T, c io.Closer, streams <-chan *Stream) *Stream {
	t.Helper()
	if _, err := io.WriteString(c.(io.Writer), "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return <-streams
}

// The head goes out in front of the first frame, or of the end, when the handler has
// gone, and the connection serves the next request.
func TestStreamBeginsWithItsFirstFrame(t *testing.T) {
	eachRing(t, func(t *testing.T, ask func() (io.Closer, *bufio.Reader), streams <-chan *Stream, fan *FanOut) {
		c, lines := ask()
		s := <-streams
		for _, n := range []int{2, 0, 1} {
			if s.Buffered() != 0 || s.Header().Get("X-Kept") == "" {
				t.Errorf("%d bytes are buffered, header %v", s.Buffered(), s.Header())
			}
			frames(t, s, n)
			_ = s.Close()
			fan.Flush()
			got := response(t, lines)
			if got.StatusCode != http.StatusOK || got.Header.Get("X-Kept") == "" || got.Header.Get("Date") == "" || got.TransferEncoding[0] != "chunked" {
				t.Errorf("%v %v", got.Status, got.Header)
			}
			if text, err := io.ReadAll(got.Body); err != nil || len(text) != n*len("frame") {
				t.Errorf("%q, %v", text, err)
			}
			if err := ended(t, s); err != nil || s.Header() != nil {
				t.Errorf("ended with %v, header %v", err, s.Header())
			}
			s = again(t, c, streams)
		}
	})
}

// What fails before the first frame is a whole response, and the connection serves the
// next request.
func TestAnswerInsteadOfAStream(t *testing.T) {
	eachRing(t, func(t *testing.T, ask func() (io.Closer, *bufio.Reader), streams <-chan *Stream, _ *FanOut) {
		c, lines := ask()
		s := <-streams
		for range 2 {
			s.Header().Set("Retry-After", "7")
			if err := s.Answer(http.StatusServiceUnavailable, []byte("busy")); err != nil {
				t.Fatal(err)
			}
			got := response(t, lines)
			text, err := io.ReadAll(got.Body)
			if got.StatusCode != http.StatusServiceUnavailable || got.ContentLength != 4 || got.Header.Get("Retry-After") != "7" || string(text) != "busy" || err != nil {
				t.Errorf("%v %v: %q, %v", got.Status, got.Header, text, err)
			}
			if err := ended(t, s); err != nil {
				t.Errorf("ended with %v", err)
			}
			if err := s.Answer(http.StatusOK, nil); err == nil {
				t.Error("an answer behind the end")
			}
			s = again(t, c, streams)
		}
		frames(t, s, 1)
		defer func() {
			if recover() == nil {
				t.Error("an answer to a stream that has begun")
			}
		}()
		_ = s.Answer(http.StatusOK, nil)
	})
}

// A client that waits for the first frame and has ended its sending is asked by an
// interim response whether it is there; one that has gone ends the stream.
func TestClientGoesBeforeTheFirstFrame(t *testing.T) {
	eachRing(t, func(t *testing.T, ask func() (io.Closer, *bufio.Reader), streams <-chan *Stream, fan *FanOut) {
		c, lines := ask()
		s := <-streams
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := response(t, lines); got.StatusCode != http.StatusContinue {
			t.Errorf("asked by %v", got.Status)
		}
		frames(t, s, 1)
		_ = s.Close()
		fan.Flush()
		got := response(t, lines)
		if text, err := io.ReadAll(got.Body); got.StatusCode != http.StatusOK || string(text) != "frame" || err != nil {
			t.Errorf("%v: %q, %v", got.Status, text, err)
		}
		if err := ended(t, s); err != nil {
			t.Errorf("ended with %v", err)
		}

		c, _ = ask()
		s = <-streams
		_ = c.Close()
		if err := ended(t, s); !errors.Is(err, ErrPeerGone) {
			t.Errorf("ended with %v", err)
		}
	})
}

// Where no ring takes a connection over, nothing is opened, and Open is for it.
func TestOpenLaterOnTheOrdinaryPath(t *testing.T) {
	fan := newFanOut(t, Config{Backend: fanBackends[2].cfg.Backend})
	ln := serve(t, "tcp", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, err := fan.OpenLater(w, r, nil, nil); s != nil || err != nil || fan.Leaves(r) || fan.Len() != 0 {
			t.Errorf("%v, %v", s, err)
		}
		_, _ = io.WriteString(w, "the handler's own")
	}))
	if got, err := body(client(t, ln), "http://x/"); err != nil || string(got) != "the handler's own" {
		t.Errorf("%q, %v", got, err)
	}
}
