package load

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// Who is stopped waits for what is under way, and sends no more.
func TestStop(t *testing.T) {
	for name, rate := range map[string]float64{"closed loop": 0, "open loop": 1e5} {
		t.Run(name, func(t *testing.T) {
			stop := make(chan struct{})
			var sent atomic.Int32
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				a := readRequest(t, r)
				if sent.Add(1) == 20 {
					close(stop)
				}
				generate(w, a.MaxTokens, time.Millisecond)
			})
			report, err := Run(t.Context(), Config{
				URL: server.URL + "/v1/completions", Streams: 3, Requests: 10_000, Rate: rate, Stop: stop, Request: Request{MaxTokens: 4},
			})
			if err != nil {
				t.Fatal(err)
			}
			// Those that were sent before the stop was seen.
			if n := len(report.Generations); n != int(sent.Load()) || report.Failed() != 0 || n == 10_000 {
				t.Errorf("%d generations of %d sent, %d failed", n, sent.Load(), report.Failed())
			}
		})
	}
}
