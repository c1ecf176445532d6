package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/hostile"
	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/served"
)

func TestBodies(t *testing.T) {
	const size = 4096
	for kind, b := range bodies {
		message, err := attackMessage(kind, size)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(message))))
		if err != nil || request.URL.Path != b.path {
			t.Fatalf("%s: %v, %v", kind, request, err)
		}
		body, err := io.ReadAll(request.Body)
		if err != nil || len(body) > size || len(body) < size-64 || !json.Valid(body) {
			t.Errorf("%s: %d bytes, %v: %.80q", kind, len(body), err, body)
		}
	}
	if _, err := attackMessage("kindness", size); err == nil {
		t.Error("an unknown kind has a body")
	}
}

// A server may answer, or refuse and close.
func TestAttackersCountAnswers(t *testing.T) {
	enough := make(chan struct{})
	asked := 0
	turn := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		turn <- struct{}{}
		defer func() { <-turn }()
		if asked++; asked == 20 {
			close(enough)
		}
		if asked%2 == 0 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	message, err := attackMessage("run", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	a, err := attack(server.URL, message, 2)
	if err != nil {
		t.Fatal(err)
	}
	<-enough
	if n := a.stop(); n < 5 {
		t.Errorf("%d answers", n)
	}
}

func TestTimeToStop(t *testing.T) {
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(gone)
	}))
	defer server.Close()
	message, err := attackMessage("run", 1000)
	if err != nil {
		t.Fatal(err)
	}
	// This process stands for the server's.
	d, err := timeToStop(&served.Server{URL: server.URL, PID: os.Getpid()}, message)
	if err != nil || d < 0 || d > settling+quiet {
		t.Errorf("%v, %v", d, err)
	}
	<-gone // the connection was reset
}

func TestWorst(t *testing.T) {
	m := experiment.Measurements{
		"alone/inter_token_p99_us": 100, "sink/inter_token_p99_us": 120, "run/inter_token_p99_us": 120, "key/inter_token_p99_us": 150,
		"sink/rss_growth_mib": 9, "run/rss_growth_mib": 5, "key/rss_growth_mib": 3, "run/stop_ms": 0, "key/stop_ms": 12,
	}
	if err := hostile.Experiment.Derive(experiment.Round{"weir": m}); err != nil {
		t.Fatal(err)
	}
	if m["worst/inter_token_p99_ratio"] != 1.5 || m["worst/inter_token_p99_beyond_sink"] != 1.25 || m["worst/rss_growth_mib"] != 5 || m["worst/stop_ms"] != 12 {
		t.Errorf("derived %v", m)
	}
	if err := hostile.Experiment.Derive(experiment.Round{"weir": {}}); err == nil {
		t.Error("nothing measured, and something derived")
	}
}
