package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

// answers is what a text is held to where it is held to a schema: more records
// than any text here gets to, so that a form holds to the last token.
//
//go:embed records.json
var answers []byte

// measureServer starts the server and streams from it at each size, first any
// text and then what the schema allows.
func measureServer(ctx context.Context, r *sample.Recorder, sizes []int) (err error) {
	s, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	failed := 0
	for _, size := range sizes {
		for _, kind := range []struct {
			name   string
			schema []byte
		}{{"batch", nil}, {"schema", answers}} {
			n, err := measureStreams(ctx, r, s, fmt.Sprintf("%s%d/", kind.name, size), size, kind.schema)
			if err != nil {
				return err
			}
			failed += n
		}
	}
	r.Set("errors", float64(failed))
	return nil
}

// measureStreams runs waves of one size and sets what they measured.
func measureStreams(ctx context.Context, r *sample.Recorder, s *served.Server, cell string, size int, schema []byte) (failed int, err error) {
	cfg := load.Config{URL: s.URL + "/v1/completions", Streams: size, Request: request(min(*tokens, 16)), KeepArrivals: true}
	cfg.Request.Schema = schema
	if _, err := load.Run(ctx, cfg); err != nil { // warm up
		return 0, err
	}
	cfg.Request.MaxTokens = *tokens
	before, err := sample.ProcessCPU(s.PID)
	if err != nil {
		return 0, err
	}
	waves, err := load.RunWaves(ctx, cfg, budget())
	if err != nil {
		return 0, err
	}
	after, err := sample.ProcessCPU(s.PID)
	if err != nil {
		return 0, err
	}
	if waves.Failed > 0 {
		fmt.Fprintf(os.Stderr, "%s: %v\n", cell, waves.Errors)
	}
	r.Set(cell+"tokens_per_s", waves.SteadyRate())
	waves.Record(r, cell)
	r.Set(cell+"cpu_us_per_token", load.PerToken(after-before, waves.Tokens))
	return waves.Failed, nil
}

// startServer starts the server with room for all sequences.
func startServer(ctx context.Context) (*served.Server, error) {
	return served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
		"-m", *model, "-np", strconv.Itoa(*sequences), "-c", strconv.Itoa(*sequences * *contextOf), "-t", strconv.Itoa(*threads),
	}})
}
