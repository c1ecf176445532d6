package fanout

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
)

// A request that does not arrive is no stream, and does not wait for ever.
func TestBodyThatDoesNotArrive(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		for name, test := range map[string]struct {
			end  func(c net.Conn)
			want error
		}{
			"stalls": {func(net.Conn) {}, context.DeadlineExceeded},
			"ends":   {func(c net.Conn) { _ = c.(interface{ CloseWrite() error }).CloseWrite() }, io.ErrUnexpectedEOF},
		} {
			t.Run(name, func(t *testing.T) {
				cfg := cfg
				cfg.DropAfter = 20 * time.Millisecond
				if name == "ends" {
					cfg.DropAfter = time.Hour
				}
				fan := newFanOut(t, cfg)
				failed := make(chan error, 1)
				ln := serve(t, network, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := fan.Open(w, r, nil)
					if s != nil {
						_ = s.Close()
						_ = s.Serve()
					}
					failed <- err
					http.Error(w, "no body", http.StatusRequestTimeout)
				}))
				c := dialRaw(t, ln)
				_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
				test.end(c)
				err := <-failed
				timeout, ok := err.(interface{ Unwrap() error })
				if ok && name == "stalls" {
					if n, isNet := timeout.Unwrap().(net.Error); !isNet || !n.Timeout() {
						t.Errorf("Open: %v", err)
					}
				} else if !errors.Is(err, test.want) {
					t.Errorf("Open: %v", err)
				}
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil || res.StatusCode != http.StatusRequestTimeout {
					t.Errorf("%v, %v", res, err)
				}
			})
		}
	})
}

// A client that is still sending when its stream ends gets all of it: nothing of
// what it sends is answered with a reset.
func TestBodyThatGoesOnDoesNotResetTheStream(t *testing.T) {
	fan := newFanOut(t, Config{Backend: iouring.BackendURing})
	frame := strings.Repeat("frame", 1000)
	ln := serve(t, "tcp", streamServer(fan, func(s *Stream, r *http.Request) {
		_ = s.Append([]byte(frame))
		_ = s.Close()
	}))
	c := dialRaw(t, ln)
	const part = 300 << 10
	_, _ = io.WriteString(c, "POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"+strings.Repeat("x", part))
	r := bufio.NewReader(c)
	if _, err := r.Peek(1); err != nil {
		t.Fatal(err)
	}
	want(t, fan.Wait(t.Context()), nil)
	for range 4 { // the second would find a reset
		if _, err := io.WriteString(c, strings.Repeat("x", part)); err != nil {
			t.Fatalf("the client cannot send: %v", err)
		}
	}
	if got, err := answer(r); got != frame || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("after the response: %v", err)
	}
	_ = c.Close()
}
