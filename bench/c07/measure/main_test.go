package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/c07"
	"github.com/weirgo/weir/bench/c07/internal/ringtest"
	"github.com/weirgo/weir/bench/internal/sample"
)

// TestMain lets the test's own binary be the server.
func TestMain(m *testing.M) {
	if served, err := serve(os.Args[1:]); served {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

func TestEveryArmServesEveryToken(t *testing.T) {
	ringtest.Require(t)
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
			if name == "fanout" {
				if found["posts5/per_second"] <= 0 || found["stuck/inter_token_p50_us"] <= 0 {
					t.Errorf("posts or the stuck client are missing: %v", found)
				}
				for _, what := range []string{"files/rate_vs_dd", "ends/close_to_fin_ms", "ends/cancelled_read_ms"} {
					if found[what] <= 0 {
						t.Errorf("%s is %v", what, found[what])
					}
				}
			}
		})
	}
}

func TestBadFlags(t *testing.T) {
	for _, test := range []struct{ arm, streams string }{{"kqueue", "1"}, {"floor", "1"}, {"append", "0"}, {"append", "many"}, {"append", "100000"}} {
		*armName, *streams = test.arm, test.streams
		if err := measure(sample.NewRecorder(c07.Experiment)); err == nil {
			t.Errorf("%+v: no error", test)
		}
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
