package load

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// TestWavesAddUp: two at least, of which one that fails counts its errors and
// has no share in the steady rate.
func TestWavesAddUp(t *testing.T) {
	var asked atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		a := readRequest(t, r)
		if asked.Add(1) == 1 {
			http.Error(w, "queue full", http.StatusTooManyRequests)
			return
		}
		generate(w, a.MaxTokens, 0)
	})
	waves, err := RunWaves(t.Context(), Config{URL: server.URL, Streams: 3, Request: Request{MaxTokens: 4}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if waves.Failed != 1 || waves.Errors["status 429: queue full"] != 1 || waves.Tokens != 5*4 {
		t.Errorf("waves are %+v", waves)
	}
	if waves.FirstToken.TotalCount() != 5 || waves.Rate() <= 0 || waves.SteadyRate() != 0 {
		t.Errorf("%d first tokens, %v tokens/s, %v steady", waves.FirstToken.TotalCount(), waves.Rate(), waves.SteadyRate())
	}
}

func TestWavesHaveASteadyRate(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	good := Report{
		Generations: []Generation{{First: at(0), Last: at(10), Frames: 2, Tokens: 2, Arrivals: []time.Time{at(0), at(10)}}},
		Wall:        20 * time.Millisecond, FirstToken: hdrhistogram.New(shortestUs, longestUs, digits),
	}
	var waves Waves
	for range 2 {
		if err := waves.add(&good, true); err != nil {
			t.Fatal(err)
		}
	}
	if waves.SteadyRate() != 100 || waves.Rate() != 100 || PerToken(8*time.Microsecond, waves.Tokens) != 2 {
		t.Errorf("%v steady, %v in all, %v µs", waves.SteadyRate(), waves.Rate(), PerToken(8*time.Microsecond, waves.Tokens))
	}
	apart := Report{Generations: []Generation{{First: at(0), Last: at(1)}, {First: at(2), Last: at(3)}}}
	if err := waves.add(&apart, true); err == nil {
		t.Error("streams one after the other: no error")
	}
}
