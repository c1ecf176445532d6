package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

// measureServed streams from the server while a flood goes on, for some seconds.
func measureServed(ctx context.Context, r *sample.Recorder) (err error) {
	if err := os.Setenv("WEIR_CORES", *cores); err != nil { // the server's
		return err
	}
	s, err := served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
		"-m", *model, "-np", strconv.Itoa(*sequences), "-c", strconv.Itoa(*sequences * contextTokens), "-t", "1",
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if _, err := stream(ctx, s, 16); err != nil { // warm up
		return err
	}
	f, err := startFlood(s.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	before, err := f.count()
	if err != nil {
		return err
	}
	first, failed := time.Now(), 0
	tokens, times := 0, (*load.Report)(nil)
	for times == nil || time.Since(first) < *window {
		report, err := stream(ctx, s, contextTokens-64) // leaves room for the prompt
		if err != nil {
			return err
		}
		failed += report.Failed()
		tokens += report.Tokens()
		if times == nil {
			times = report
		} else {
			times.InterToken.Merge(report.InterToken)
		}
	}
	spent := time.Since(first).Seconds()
	after, err := f.count()
	if err != nil {
		return err
	}
	r.Set("served/tokens_per_s", float64(tokens)/spent)
	r.Set("served/inter_token_p50_us", float64(times.InterToken.ValueAtQuantile(50)))
	r.Set("served/inter_token_p99_us", float64(times.InterToken.ValueAtQuantile(99)))
	r.Set("served/flood_per_s", float64(after.answered-before.answered)/spent)
	r.Set("served/errors", float64(failed+after.failed))
	return nil
}

// stream has all streams make n tokens each.
func stream(ctx context.Context, s *served.Server, n int) (*load.Report, error) {
	return load.Run(ctx, load.Config{
		URL: s.URL + "/v1/completions", Streams: *sequences,
		Request: load.Request{Prompt: "Once upon a time", MaxTokens: n, Sampling: steps},
	})
}
