package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

// measureServer starts the server and streams from it at each size.
func measureServer(ctx context.Context, r *sample.Recorder, sizes []int) (err error) {
	s, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	failed := 0
	for _, size := range sizes {
		if _, err := stream(ctx, s, size, min(*tokens, 16)); err != nil { // warm up
			return err
		}
		var waves []wave
		var reports []*load.Report
		cpuBefore, err := sample.ProcessCPU(s.PID)
		if err != nil {
			return err
		}
		err = repeat(func() error {
			report, err := stream(ctx, s, size, *tokens)
			if err != nil {
				return err
			}
			reports = append(reports, report)
			if n := report.Failed(); n > 0 {
				failed += n
				fmt.Fprintf(os.Stderr, "%d streams: %v\n", size, report.Errors())
				return nil // counted; a wave with errors has no rate
			}
			tokens, window, err := report.Steady()
			waves = append(waves, wave{tokens, window})
			return err
		})
		if err != nil {
			return err
		}
		cpuAfter, err := sample.ProcessCPU(s.PID)
		if err != nil {
			return err
		}
		record(r, size, waves, reports, cpuAfter-cpuBefore)
	}
	r.Set("errors", float64(failed))
	return nil
}

// record sets what the waves of one size measured.
func record(r *sample.Recorder, size int, waves []wave, reports []*load.Report, serverCPU time.Duration) {
	first, between := reports[0].FirstToken, reports[0].InterToken
	made, clientCPU := 0, time.Duration(0)
	for i, report := range reports {
		made += report.Tokens()
		clientCPU += report.ClientCPU
		if i > 0 {
			first.Merge(report.FirstToken)
			between.Merge(report.InterToken)
		}
	}
	r.Set(name(size, "tokens_per_s"), rate(waves))
	for what, h := range map[string]*hdrhistogram.Histogram{"first_token": first, "inter_token": between} {
		r.Set(name(size, what+"_p50_us"), float64(h.ValueAtQuantile(50)))
		r.Set(name(size, what+"_p99_us"), float64(h.ValueAtQuantile(99)))
	}
	r.Set(name(size, "cpu_us_per_token"), perToken(serverCPU, made))
	r.Set(name(size, "client_cpu_us_per_token"), perToken(clientCPU, made))
}

// startServer starts the server with room for all sequences.
func startServer(ctx context.Context) (*served.Server, error) {
	return served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
		"-m", *model, "-np", strconv.Itoa(*sequences), "-c", strconv.Itoa(*sequences * *contextOf), "-t", strconv.Itoa(*threads),
	}})
}

// stream runs one wave.
func stream(ctx context.Context, s *served.Server, size, n int) (*load.Report, error) {
	return load.Run(ctx, load.Config{
		URL: s.URL + "/v1/completions", Request: request(n), Streams: size, KeepArrivals: true,
	})
}
