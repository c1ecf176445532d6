package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/c07"
	"github.com/weirgo/weir/bench/c07/measure/internal/sys"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/iouring"
)

// TestMain lets the test's own binary be the server.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveRole {
		if err := serve(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// requireRing skips where the kernel has no io_uring.
func requireRing(t *testing.T) {
	t.Helper()
	features, err := iouring.Probe()
	if err == nil {
		err = features.Missing()
	}
	if err != nil {
		t.Skipf("not supported here: %v", err)
	}
}

func TestEveryArmServesEveryToken(t *testing.T) {
	requireRing(t)
	*streams, *posts, *seconds, *stuck, *shortest = "1,7,100", "1,5", 0.02, 3, 2*time.Millisecond
	*fileMiB = 2
	for name := range arms {
		t.Run(name, func(t *testing.T) {
			*armName = name
			r := sample.NewRecorder(c07.Experiment)
			if err := measure(r); err != nil {
				t.Fatal(err)
			}
			found := r.Measurements()
			if found["errors"] != 0 {
				t.Errorf("%v streams failed", found["errors"])
			}
			for _, cell := range []string{"streams1/", "streams7/", "streams100/"} {
				for _, what := range []string{"cpu_us_per_token", "inter_token_p50_us"} {
					if found[cell+what] <= 0 {
						t.Errorf("%s%s is %v", cell, what, found[cell+what])
					}
				}
			}
			switch name {
			case "fanout":
				if found["posts5/per_second"] <= 0 || found["stuck/inter_token_p50_us"] <= 0 {
					t.Errorf("posts or the stuck client are missing: %v", found)
				}
				for _, what := range []string{"files/rate_vs_dd", "ends/close_to_fin_ms", "ends/cancelled_read_ms"} {
					if found[what] <= 0 {
						t.Errorf("%s is %v", what, found[what])
					}
				}
			case "floor":
				if sends := found["streams7/sends_per_token"]; sends != 1 {
					t.Errorf("%v sends a token", sends)
				}
			}
		})
	}
}

// The arms that differ in how a frame is made make the same frame.
func TestFramesAreEqual(t *testing.T) {
	for n := range 3 {
		byHand, marshalled := appendFrames(n), marshalFrames(n)
		for _, text := range words {
			var a, b any
			for dst, frame := range map[*any][]byte{&a: byHand.text(nil, text), &b: marshalled.text(nil, text)} {
				data, ok := bytes.CutPrefix(frame, []byte("data: "))
				if err := json.Unmarshal(data, dst); err != nil || !ok || !bytes.HasSuffix(frame, []byte("\n\n")) {
					t.Fatalf("%q: %v", frame, err)
				}
			}
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("by hand %v, marshalled %v", a, b)
			}
			if x, y := len(byHand.text(nil, text)), len(marshalled.text(nil, text)); x != y {
				t.Errorf("%d and %d bytes", x, y)
			}
		}
	}
}

func TestBadFlags(t *testing.T) {
	for _, test := range []struct{ arm, streams string }{{"kqueue", "1"}, {"append", "0"}, {"append", "many"}, {"append", "100000"}} {
		*armName, *streams = test.arm, test.streams
		if err := measure(sample.NewRecorder(c07.Experiment)); err == nil {
			t.Errorf("%+v: no error", test)
		}
	}
}

func TestPlan(t *testing.T) {
	p := newPlan(1000, 3, 50*time.Microsecond, time.Millisecond)
	if p.step != 50*time.Millisecond || p.counted != 60 || p.traced != 15 || p.tokens() != 60+15+warmSteps {
		t.Errorf("%+v", p)
	}
	if p = newPlan(1, 0.001, 50*time.Microsecond, time.Millisecond); p.step != time.Millisecond || p.counted != fewestSteps {
		t.Errorf("%+v", p)
	}
}

func TestPosterSeesFailures(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
	}))
	p, err := newPoster(listener.Addr().String(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if _, _, err := p.run(time.Second); err == nil {
		t.Error("a server that closes connections is not noticed")
	}
}

func TestAnswerBody(t *testing.T) {
	for _, test := range []struct {
		data, body string
		length     int
		ok         bool
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "ab", 5, true},
		{"HTTP/1.1 200 OK\r\nContent-Len", "", 0, false},
		{"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nab", "", 0, false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", 0, false},
	} {
		body, length, ok := answerBody([]byte(test.data))
		if string(body) != test.body || length != test.length || ok != test.ok {
			t.Errorf("%q: %q, %d, %v", test.data, body, length, ok)
		}
	}
}

func TestRingSendsInOrder(t *testing.T) {
	requireRing(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ring, err := sys.New(4)
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	for i := range 10 { // more than it has entries
		if err := ring.Send(fds[0], []byte{'0' + byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := ring.Submit(); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 16)
	if n, err := unix.Read(fds[1], got); err != nil || string(got[:n]) != "0123456789" || ring.Sends != 10 {
		t.Errorf("got %q, %v after %d sends", got[:max(n, 0)], err, ring.Sends)
	}
	_ = unix.Close(fds[0])
	if err := ring.Send(-1, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := ring.Submit(); err == nil {
		t.Error("a send to no socket: no error")
	}
}
