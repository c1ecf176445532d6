package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/gang"
	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// TestMeasureLoop runs the loop, small and short.
func TestMeasureLoop(t *testing.T) {
	llamatest.Library(t)
	*model = llamatest.Model(t)
	*sequences, *hogs, *window = 2, 1, 50*time.Millisecond
	for _, *cores = range []string{"shared", "free"} {
		r := sample.NewRecorder(gang.Experiment)
		kept, err := measureLoop(r, 1)
		if err != nil {
			t.Fatal(err)
		}
		got := r.Measurements()
		if kept <= 0 || got["threads1/kept"] != kept || got["threads1/alone_tokens_per_s"] <= 0 || got["threads1/hogs_share"] <= 0 {
			t.Errorf("%s: %v", *cores, got)
		}
	}
}

// TestFlood: each connection asks again when it is answered, and ends with the
// flood.
func TestFlood(t *testing.T) {
	const enough = 100
	var asked atomic.Int64
	seen := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Content string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return // the flood has ended
		}
		if r.URL.Path != "/tokenize" || len(body.Content) != *textBytes {
			t.Errorf("%s, %d bytes", r.URL, len(body.Content))
		}
		_, _ = w.Write([]byte(`{"tokens":[1]}`))
		if asked.Add(1) == enough {
			close(seen)
		}
	}))
	defer server.Close()
	*flooders = 3
	in, count := io.Pipe()
	answers, out := io.Pipe()
	ended := make(chan error)
	go func() { ended <- runFlood(server.URL, in, out) }()
	<-seen
	f := &floodProcess{in: count, out: bufio.NewReader(answers)}
	c, err := f.count()
	if err != nil || c.answered < enough-*flooders || c.failed != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	count.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestGains(t *testing.T) {
	round := experiment.Round{
		"stock": {}, "free": {"served/tokens_per_s": 100, "served/flood_per_s": 10},
		"weir": {"served/tokens_per_s": 160, "served/flood_per_s": 8},
	}
	if err := gang.Experiment.Derive(round); err != nil || round["weir"]["served/tokens_gain"] != 1.6 || round["weir"]["served/flood_gain"] != 0.8 {
		t.Errorf("%v, %v", round, err)
	}
	round["free"] = experiment.Measurements{}
	if err := gang.Experiment.Derive(round); err == nil || !strings.Contains(err.Error(), "free") {
		t.Errorf("without a rate to divide by: %v", err)
	}
}
