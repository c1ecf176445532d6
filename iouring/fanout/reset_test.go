package fanout

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	streamRequest = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"
	bodyRequest   = "POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
)

// resetMoments are when a client resets its connection. Each gives what the client
// does before it.
var resetMoments = []struct {
	name   string
	before func(t *testing.T, c net.Conn, r *bufio.Reader)
}{
	{"before the request", func(*testing.T, net.Conn, *bufio.Reader) {}},
	{"in the request line", send(streamRequest[:5])},
	{"in the header", send(streamRequest[:25])},
	{"before the last byte of the header", send(streamRequest[:len(streamRequest)-1])},
	{"before the body", send(bodyRequest)},
	{"in the body", send(bodyRequest + "half")},
	{"with the request", send(streamRequest)},
	{"with the body", send(bodyRequest + strings.Repeat("x", 1000))},
	{"after the header of the response", func(t *testing.T, c net.Conn, r *bufio.Reader) {
		send(streamRequest)(t, c, r)
		readUntil(t, r, "\r\n\r\n")
	}},
	{"after a frame", func(t *testing.T, c net.Conn, r *bufio.Reader) {
		send(streamRequest)(t, c, r)
		readUntil(t, r, "frame")
	}},
	{"in the middle of a frame", func(t *testing.T, c net.Conn, r *bufio.Reader) {
		send(streamRequest)(t, c, r)
		readUntil(t, r, "fra")
	}},
	{"in the next request, sent ahead", func(t *testing.T, c net.Conn, r *bufio.Reader) {
		send(streamRequest+streamRequest[:7])(t, c, r)
		readUntil(t, r, "frame")
	}},
	{"before the last chunk", func(t *testing.T, c net.Conn, r *bufio.Reader) {
		send(strings.Replace(streamRequest, "stream", "stream?few", 1))(t, c, r)
		readUntil(t, r, "last")
	}},
	{"after the end", func(t *testing.T, c net.Conn, r *bufio.Reader) {
		send(strings.Replace(streamRequest, "stream", "stream?few", 1))(t, c, r)
		readUntil(t, r, lastChunk)
	}},
	{"in the next request", func(t *testing.T, c net.Conn, r *bufio.Reader) {
		send(strings.Replace(streamRequest, "stream", "stream?few", 1))(t, c, r)
		readUntil(t, r, lastChunk)
		send(streamRequest[:7])(t, c, r)
	}},
	{"in the next stream", func(t *testing.T, c net.Conn, r *bufio.Reader) {
		send(strings.Replace(streamRequest, "stream", "stream?few", 1))(t, c, r)
		readUntil(t, r, lastChunk)
		send(streamRequest)(t, c, r)
		readUntil(t, r, "frame")
	}},
	{"with everything full", func(t *testing.T, c net.Conn, r *bufio.Reader) {
		send(strings.Replace(streamRequest, "stream", "stream?large", 1))(t, c, r)
		readUntil(t, r, "frame")
	}},
}

func send(text string) func(*testing.T, net.Conn, *bufio.Reader) {
	return func(t *testing.T, c net.Conn, _ *bufio.Reader) {
		if _, err := io.WriteString(c, text); err != nil {
			t.Error(err)
		}
	}
}

func readUntil(t *testing.T, r *bufio.Reader, end string) {
	t.Helper()
	var got []byte
	for !bytes.HasSuffix(got, []byte(end)) {
		b, err := r.ReadByte()
		if err != nil {
			t.Errorf("%d bytes without %q, then %v", len(got), end, err)
			return
		}
		got = append(got, b)
	}
}

// Whenever a client resets its connection, its stream ends, and nothing is left:
// no stream, no descriptor, no goroutine, no request in a ring.
func TestResetAtEachMoment(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		if network == "unix" {
			return // which knows no reset
		}
		fan := newFanOut(t, cfg)
		var sources atomic.Int64
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			sources.Add(1)
			defer sources.Add(-1)
			feed(fan, s, r.URL.RawQuery)
		}))
		each := func(times int) {
			for _, m := range resetMoments {
				for range times {
					c, err := net.Dial("tcp", ln.Addr().String())
					if err != nil {
						t.Fatal(err)
					}
					m.before(t, c, bufio.NewReader(c))
					_ = c.(*net.TCPConn).SetLinger(0)
					_ = c.Close()
				}
				eventually(t, m.name+": streams are left", func() bool { return fan.Len() == 0 && sources.Load() == 0 })
			}
		}
		users := func() int {
			if fan.lane == nil {
				return 1
			}
			return fan.lane.ring.Users()
		}
		each(1) // what is made once and kept does not count
		eventually(t, "connections of the first round are left", func() bool { return users() == 1 })
		fds, goroutines := openDescriptors(t), runtime.NumGoroutine()
		each(10)
		eventually(t, "the ring has users", func() bool { return users() == 1 })
		eventually(t, "descriptors are left", func() bool { return openDescriptors(t) <= fds })
		eventually(t, "goroutines are left", func() bool { return runtime.NumGoroutine() <= goroutines })
		if got, err := body(client(t, ln), "http://x/stream?few"); !strings.HasSuffix(string(got), "last") || err != nil {
			t.Errorf("afterwards: %q, %v", got, err)
		}
	})
}

// feed is a source: of a few frames, or of small or large ones without end.
func feed(fan *FanOut, s *Stream, kind string) {
	frame := []byte("frame")
	if kind == "large" {
		frame = append(make([]byte, 100_000), frame...)
	}
	for n := 0; kind != "few" || n < 3; n++ {
		for !s.Ready() && s.Err() == nil {
			runtime.Gosched()
		}
		if err := s.Append(frame); err != nil && !errors.Is(err, ErrStreamFull) {
			return
		}
		fan.Flush()
		runtime.Gosched()
	}
	_ = s.Append([]byte("last"))
	_ = s.Close()
}

// eventually waits for something that nothing announces.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !holds(); runtime.Gosched() {
		if time.Now().After(limit) {
			t.Fatal(what)
		}
	}
}

// openDescriptors counts this process's, one that reads the directory among them.
func openDescriptors(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}
