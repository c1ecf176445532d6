package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

// waves measures one server and one loop.
type waves struct {
	server *served.Server
	loop   *loop
	tokens int // of a stream
	took   map[string]took
	failed int
}

// took is what the waves of one kind took together.
type took struct {
	tokens    float64
	wall      time.Duration
	cpu       time.Duration // of the server
	cpuTokens float64
}

func (t took) us() float64    { return float64(t.wall.Nanoseconds()) / 1000 / max(t.tokens, 1) }
func (t took) cpuUs() float64 { return float64(t.cpu.Nanoseconds()) / 1000 / max(t.cpuTokens, 1) }

// add adds a wave.
func (m *waves) add(name string, t took) {
	sum := m.took[name]
	sum.tokens += t.tokens
	sum.wall += t.wall
	sum.cpu += t.cpu
	sum.cpuTokens += t.cpuTokens
	m.took[name] = sum
}

// round measures each kind once.
func (m *waves) round(ctx context.Context) error {
	none, five := 0, 5
	all := load.DefaultSampling
	all.TopK = 0
	plain := load.Request{Prompt: "w", MaxTokens: m.tokens, Sampling: load.DefaultSampling}
	with := func(logprobs *int) load.Request {
		r := plain
		r.Logprobs = logprobs
		return r
	}
	fourth := func(s load.Sampling) *load.Request {
		// It begins first and is cut off when the others have ended.
		return &load.Request{Prompt: "v", MaxTokens: contextOf - 16, Sampling: s}
	}
	for _, n := range []int{1, streams} {
		wall, err := m.loop.run(n, m.tokens)
		if err != nil {
			return fmt.Errorf("run bare loop: %w", err)
		}
		m.add("loop "+strconv.Itoa(n), took{tokens: float64(n * (m.tokens - 1)), wall: wall})
		if err := m.wave(ctx, "server "+strconv.Itoa(n), n, plain, nil); err != nil {
			return err
		}
	}
	for _, w := range []struct {
		name    string
		streams int
		request load.Request
		beside  *load.Request
	}{
		{"logprobs 0", streams, with(&none), nil},
		{"logprobs 5", streams, with(&five), nil},
		{"three", streams - 1, plain, nil},
		{"beside default", streams - 1, plain, fourth(load.DefaultSampling)},
		{"beside all", streams - 1, plain, fourth(all)},
	} {
		if err := m.wave(ctx, w.name, w.streams, w.request, w.beside); err != nil {
			return err
		}
	}
	return nil
}

// wave streams one request on each of some connections, beside one that is not
// measured.
func (m *waves) wave(ctx context.Context, name string, n int, request load.Request, beside *load.Request) error {
	url := m.server.URL + "/v1/completions"
	if beside != nil {
		besideCtx, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() {
			_, err := load.Run(besideCtx, load.Config{URL: url, Streams: 1, Request: *beside})
			ended <- err
		}()
		defer func() {
			stop()
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				fmt.Fprintf(os.Stderr, "%s: the fourth stream: %v\n", name, err)
				m.failed++
			}
		}()
	}
	before, err := sample.ProcessCPU(m.server.PID)
	if err != nil {
		return err
	}
	report, err := load.Run(ctx, load.Config{URL: url, Streams: n, Request: request, KeepArrivals: true})
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	after, err := sample.ProcessCPU(m.server.PID)
	if err != nil {
		return err
	}
	if failed := report.Failed(); failed > 0 {
		m.failed += failed
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, report.Errors())
		return nil // counted; it has no pace
	}
	tokens, window, err := report.Steady()
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	m.add(name, took{tokens: tokens, wall: window, cpu: after - before, cpuTokens: float64(report.Tokens())})
	return nil
}
