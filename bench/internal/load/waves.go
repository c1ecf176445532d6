package load

import (
	"context"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/weirgo/weir/bench/internal/delay"
)

// leastWaves are run however long they take.
const leastWaves = 2

// Waves are runs of the same streams one after the other: all start together,
// make the same number of tokens, and end before the next ones start.
type Waves struct {
	FirstToken, InterToken *hdrhistogram.Histogram // of all, in µs
	Wall, ClientCPU        time.Duration
	Tokens                 int            // of requests without error
	Failed                 int            // requests
	Errors                 map[string]int // by what happened

	steadyTokens float64
	steady       time.Duration
}

// RunWaves runs waves until the time is up, two at least: the wave under way is
// finished. With Config.KeepArrivals they have a steady rate, for which all
// streams of a wave must decode at the same time for a while.
func RunWaves(ctx context.Context, cfg Config, budget time.Duration) (*Waves, error) {
	cfg.Requests = cfg.Streams
	var all *Waves
	for begin, n := time.Now(), 0; n < leastWaves || time.Since(begin) < budget; n++ {
		report, err := Run(ctx, cfg)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = &Waves{FirstToken: report.FirstToken, InterToken: report.InterToken, Errors: make(map[string]int)}
		} else {
			all.FirstToken.Merge(report.FirstToken)
			all.InterToken.Merge(report.InterToken)
		}
		if err := all.add(report, cfg.KeepArrivals); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// add counts a wave. One with errors has no steady rate.
func (w *Waves) add(report *Report, steady bool) error {
	w.Wall += report.Wall
	w.ClientCPU += report.ClientCPU
	w.Tokens += report.Tokens()
	failed := report.Failed()
	w.Failed += failed
	for text, n := range report.Errors() {
		w.Errors[text] += n
	}
	if failed > 0 || !steady {
		return nil
	}
	tokens, window, err := report.Steady()
	w.steadyTokens += tokens
	w.steady += window
	return err
}

// Rate is the tokens per second of all the time, prompts and ends included.
func (w *Waves) Rate() float64 { return float64(w.Tokens) / w.Wall.Seconds() }

// SteadyRate is the tokens per second of the time in which all streams decode,
// as [Report.Steady] has it; 0 if every wave had an error.
func (w *Waves) SteadyRate() float64 {
	if w.steady == 0 {
		return 0
	}
	return w.steadyTokens / w.steady.Seconds()
}

// Record sets what the clients saw, each measurement's name behind a prefix:
// first_token_p50_us and _p99_us, inter_token_p50_us and _p99_us, and
// client_cpu_us_per_token.
func (w *Waves) Record(r delay.Setter, prefix string) {
	for what, h := range map[string]*hdrhistogram.Histogram{"first_token": w.FirstToken, "inter_token": w.InterToken} {
		r.Set(prefix+what+"_p50_us", float64(h.ValueAtQuantile(50)))
		r.Set(prefix+what+"_p99_us", float64(h.ValueAtQuantile(99)))
	}
	r.Set(prefix+"client_cpu_us_per_token", PerToken(w.ClientCPU, w.Tokens))
}

// PerToken shares CPU time out among tokens, in µs; without a token, it is all of
// it.
func PerToken(cpu time.Duration, tokens int) float64 {
	return delay.Microseconds.In(cpu) / float64(max(1, tokens))
}
