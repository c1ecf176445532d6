package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/flood"
	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

// tail is for how long streams and flood go on when what is counted has ended.
const tail = 100 * time.Millisecond

// stalled is a gap that counts though the token after it did not come in time.
const stalled = 100 * time.Millisecond

// alone is the phase without a flood.
const alone = "alone"

// stream has all streams run for a time.
func stream(ctx context.Context, server *served.Server, d time.Duration) (*load.Report, error) {
	return load.Run(ctx, load.Config{
		URL: server.URL + "/v1/completions", Streams: *streams, Window: d, KeepArrivals: true,
		Request: load.Request{Prompt: "Once upon a time", MaxTokens: *contextTokens - 64, Sampling: load.DefaultSampling}, // leaves room for the prompt
	})
}

// phase has the streams run, after the lead a flood beside them, and after
// another counts what becomes of both in a window.
func (s *session) phase(ctx context.Context, server *served.Server, name string) error {
	window := duration(*seconds)
	end, err := open(server, name, duration(*lead)+window+tail)
	if err != nil {
		return err
	}
	var report *load.Report
	done := make(chan error, 1)
	go func() {
		var err error
		report, err = stream(ctx, server, 2*duration(*lead)+window+tail)
		done <- err
	}()
	<-time.After(duration(*lead))
	run := end.begin()
	<-time.After(duration(*lead))
	from, err := read(server, end)
	if err != nil {
		return err
	}
	<-time.After(window)
	to, err := read(server, end)
	if err := errors.Join(err, <-done, <-run); err != nil {
		return err
	}
	end.close()
	s.record(name, report, from, to)
	s.fail(name, report, end)
	return nil
}

// fail counts what has failed, and says what it was.
func (s *session) fail(name string, report *load.Report, f *running) {
	if n := report.Failed(); n > 0 {
		s.failed += n
		fmt.Fprintf(os.Stderr, "%s: streams failed: %v\n", name, report.Errors())
	}
	if f.flood != nil && f.flood.Failed() > 0 {
		s.failed += int(f.flood.Failed())
		fmt.Fprintf(os.Stderr, "%s: %d requests of the flood failed: %s\n", name, f.flood.Failed(), f.flood.Failure())
	}
}

// record sets what a phase came to between two readings.
func (s *session) record(name string, report *load.Report, from, to reading) {
	wall := to.at.Sub(from.at).Seconds()
	set := func(what string, value float64) { s.recorder.Set(name+"/"+what, value) }
	gaps := load.GapsOf(report.Generations, from.at, to.at, stalled)
	set("tokens_per_s", float64(len(gaps))/wall)
	set("inter_token_p50_us", delay.Microseconds.In(gaps.Quantile(0.5)))
	set("inter_token_p99_us", delay.Microseconds.In(gaps.Quantile(0.99)))
	set("server_cpu_share", (to.server-from.server).Seconds()/wall)
	set("client_cpu_share", (to.client-from.client).Seconds()/wall)
	if name != alone {
		set("answered_per_s", float64(to.answered-from.answered)/wall)
	}
}

// reading is the clocks and counts at one moment.
type reading struct {
	at             time.Time
	server, client time.Duration // CPU time
	answered       int64
}

func read(server *served.Server, f *running) (r reading, err error) {
	r.at = time.Now()
	if f.flood != nil {
		r.answered = f.flood.Answered()
	}
	serverCPU, err := sample.ProcessClock(server.PID)
	clientCPU, clientErr := sample.ProcessClock(os.Getpid())
	r.server, r.client = serverCPU, clientCPU
	return r, errors.Join(err, clientErr)
}

// running is a flood, or none.
type running struct {
	flood *flood.Flood
	time  time.Duration
}

// open connects the flood of a phase, which is to last for d.
func open(server *served.Server, name string, d time.Duration) (*running, error) {
	if name == alone {
		return new(running), nil
	}
	of := kinds[name]
	request, err := of.request()
	if err != nil {
		return nil, err
	}
	f, err := flood.Open(strings.TrimPrefix(server.URL, "http://"), *connections, request, of.status)
	return &running{f, d}, err
}

// begin has it run; what is returned gives its end.
func (f *running) begin() <-chan error {
	end := make(chan error, 1)
	if f.flood == nil {
		end <- nil
		return end
	}
	go func() {
		_, _, err := f.flood.Run(f.time)
		end <- err
	}()
	return end
}

func (f *running) close() {
	if f.flood != nil {
		f.flood.Close()
	}
}
