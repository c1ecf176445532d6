package streamed

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/source"
)

// Outcome is what both sides found of a cell.
type Outcome struct {
	source.Served
	Report *load.Report

	cell source.Cell
	plan source.Plan
}

// Measure runs the streams of a cell to their end. Where ahead is not 0, a server
// may give a stream up to so many tokens before the first step of the plan: it asks
// for as many more, and is content with less.
func (s *Server) Measure(ctx context.Context, c source.Cell, p source.Plan, sampling load.Sampling, ahead int) (*Outcome, error) {
	report, err := load.Run(ctx, load.Config{
		URL: "http://" + s.Address + "/v1/completions", Streams: c.Size, KeepArrivals: true,
		Request: load.Request{Prompt: "Once", MaxTokens: p.Tokens() + ahead, Sampling: sampling, StopAtEnd: ahead > 0},
	})
	if err != nil {
		return nil, err
	}
	o := &Outcome{Report: report, cell: c, plan: p}
	if err := json.NewDecoder(s.output).Decode(&o.Served); err != nil {
		return nil, fmt.Errorf("streamed: read what the server found: %w", err)
	}
	return o, nil
}

// Failed is how many streams failed, or got fewer frames than the plan has steps.
func (o *Outcome) Failed() (n int) {
	for _, g := range o.Report.Generations {
		if g.Err != nil || len(g.Arrivals) < o.plan.Tokens() {
			n++
		}
	}
	return n
}

// Record sets what a cell measured, behind its prefix.
func (o *Outcome) Record(r delay.Setter) {
	perToken := func(v float64) float64 { return v / float64(max(1, o.Tokens)) }
	set := func(name string, value float64) { r.Set(o.cell.Prefix()+name, value) }
	set("cpu_us_per_token", perToken(float64(o.CPUNs)/1000))
	set("switches_per_token", perToken(float64(o.Switches)))
	set("allocs_per_token", perToken(float64(o.Allocs)))
	if o.Sends > 0 {
		set("enters_per_token", perToken(float64(o.Enters)))
		set("sends_per_token", perToken(float64(o.Sends)))
	}
	set("late_steps", float64(o.LateSteps))
	if o.NoSyscalls == "" {
		set("syscalls_per_token", float64(o.Syscalls)/float64(max(1, o.Traced)))
	} else {
		fmt.Fprintln(os.Stderr, o.NoSyscalls)
	}
	if o.cell.Size >= 100 { // below, the noise of the rest of the process is larger
		set("idle_bytes_per_stream", float64(o.IdleBytes))
	}
	between := o.interTokens()
	set("inter_token_p50_us", float64(between.ValueAtQuantile(50)))
	set("inter_token_p99_us", float64(between.ValueAtQuantile(99)))
	made := max(1, o.Report.Tokens())
	set("client_cpu_us_per_token", float64(o.Report.ClientCPU.Microseconds())/float64(made))
}

// interTokens are the times between tokens of the counted steps, in µs.
func (o *Outcome) interTokens() *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, time.Minute.Microseconds(), 3)
	for _, g := range o.Report.Generations {
		ahead := len(g.Arrivals) - o.plan.Tokens()
		if g.Err != nil || ahead < 0 {
			continue // counted among the failures
		}
		// The first counted token comes after the pause for the idle memory.
		for i := o.plan.Warm + ahead + 1; i < o.plan.Warm+o.plan.Counted; i++ {
			_ = h.RecordValue(max(1, g.Arrivals[i].Sub(g.Arrivals[i-1]).Microseconds()))
		}
	}
	return h
}
