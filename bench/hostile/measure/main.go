// Command hostile measures what streams feel while another client sends a
// server the worst bodies of 8 MiB.
//
//	hostile -server=build/bin/weir
//
// Streams of a few clients run alone and then beside each kind of attack, in
// waves, for some seconds. Then the attackers leave, nobody asks for anything,
// and one more body is sent whose client resets its connection once the server
// works on it: how long the server goes on working is read off its CPU clock.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/weirgo/weir/bench/hostile"
	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

var (
	serverPath = flag.String("server", "build/bin/weir", "the server's `binary`")
	model      = flag.String("model", "build/models/15m.gguf", "the model's `file`")
	attacks    = flag.String("attacks", "sink,run,specials,messages,pieces,key", "kinds of bodies")
	streams    = flag.Int("streams", 4, "clients that stream")
	attackers  = flag.Int("attackers", 1, "connections that send bodies, each the next once the last is answered")
	tokens     = flag.Int("tokens", 128, "tokens of a stream")
	seconds    = flag.Float64("seconds", 3, "time for each attack, in seconds: the wave under way is finished")
	bodyBytes  = flag.Int("body-bytes", 8<<20, "bytes of a body")
)

func main() { sample.Main(hostile.Experiment, measure) }

func measure(r *sample.Recorder) (err error) {
	ctx := context.Background()
	s, err := served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
		"-m", *model, "-np", strconv.Itoa(2 * *streams), "-c", strconv.Itoa(2 * *streams * 512),
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	failed, err := wavesOf(ctx, r, s, "alone")
	if err != nil {
		return err
	}
	for kind := range strings.SplitSeq(*attacks, ",") {
		n, err := beside(ctx, r, s, kind)
		if err != nil {
			return fmt.Errorf("beside %s: %w", kind, err)
		}
		failed += n
	}
	r.Set("errors", float64(failed))
	return nil
}

// beside measures one attack.
func beside(ctx context.Context, r *sample.Recorder, s *served.Server, kind string) (failed int, err error) {
	message, err := attackMessage(kind, *bodyBytes)
	if err != nil {
		return 0, err
	}
	before, err := sample.ProcessMemory(s.PID)
	if err != nil {
		return 0, err
	}
	if err := sample.ResetPeak(s.PID); err != nil {
		return 0, err
	}
	url := s.URL
	if kind == sink {
		var end func()
		url, end = openSink()
		defer end()
	}
	a, err := attack(url, message, *attackers)
	if err != nil {
		return 0, err
	}
	failed, err = wavesOf(ctx, r, s, kind)
	r.Set(kind+"/bodies", float64(a.stop()))
	if err != nil {
		return 0, err
	}
	after, err := sample.ProcessMemory(s.PID)
	if err != nil {
		return 0, err
	}
	r.Set(kind+"/rss_growth_mib", (float64(after.PeakBytes)-float64(before.ResidentBytes))/(1<<20))
	stop := time.Duration(0)
	if kind != sink {
		stop, err = timeToStop(s, message)
	}
	r.Set(kind+"/stop_ms", float64(stop.Microseconds())/1000)
	return failed, err
}

// wavesOf streams until the time is up and records what the clients saw.
func wavesOf(ctx context.Context, r *sample.Recorder, s *served.Server, what string) (failed int, err error) {
	var between *hdrhistogram.Histogram
	made, wall := 0, time.Duration(0)
	budget := time.Duration(*seconds * float64(time.Second))
	for begin := time.Now(); between == nil || time.Since(begin) < budget; {
		report, err := load.Run(ctx, load.Config{
			URL: s.URL + "/v1/completions", Streams: *streams,
			Request: load.Request{Prompt: "Once upon a time", MaxTokens: *tokens, Sampling: load.DefaultSampling},
		})
		if err != nil {
			return failed, err
		}
		if n := report.Failed(); n > 0 {
			failed += n
			fmt.Fprintf(os.Stderr, "%s: %v\n", what, report.Errors())
		}
		made, wall = made+report.Tokens(), wall+report.Wall
		if between == nil {
			between = report.InterToken
		} else {
			between.Merge(report.InterToken)
		}
	}
	r.Set(what+"/inter_token_p50_us", float64(between.ValueAtQuantile(50)))
	r.Set(what+"/inter_token_p99_us", float64(between.ValueAtQuantile(99)))
	r.Set(what+"/tokens_per_s", float64(made)/wall.Seconds())
	return failed, nil
}
