package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/weirgo/weir/sched/schedtrace"
	"github.com/weirgo/weir/sched/schedtrace/plots"
)

// traceOptions are the flags of weir trace.
type traceOptions struct {
	config schedtrace.Config
	json   bool
	plot   string
	limits []schedtrace.Limit
}

// traceCommand is `weir trace FILE`.
func traceCommand(args []string, stdin io.Reader, stdout io.Writer) error {
	var o traceOptions
	o.config = schedtrace.Config{Park: schedtrace.DefaultPark, Run: schedtrace.DefaultRun, Worst: schedtrace.DefaultWorst}
	f := newFlagSet("trace", "Reads a Go execution trace (runtime/trace, go test -trace, /debug/pprof/trace) of any\n"+
		"program, and tells how long goroutines that could run did not, and why. FILE may\n"+
		"be -, for stdin.", "FILE")
	f.truth(&o.json, "json", "JSON, with everything, instead of text")
	f.named(&o.plot, "plot", "DIR", "also draw park.svg, run.svg and causes.svg there")
	f.each("limit", "LIMIT", "fail if the trace is above it, as park=5ms, run.p99=100us,\n"+
		"                                    park.over=1% or park.p99@GROUP=1ms; may be given several times", func(text string) error {
		l, err := schedtrace.ParseLimit(text)
		o.limits = append(o.limits, l)
		return err
	})
	f.DurationVar(&o.config.Park, f.describe("park", "TIME", "what park→scheduled is abnormal above (80us)")[0], o.config.Park, "")
	f.DurationVar(&o.config.Run, f.describe("run", "TIME", "what schedule→execute is abnormal above (25us)")[0], o.config.Run, "")
	f.whole(&o.config.Worst, "worst", "N", "so many of the worst of each are told with what ran instead (10)")
	named, err := f.parseNamed(args, stdout)
	if err != nil {
		return err
	}
	switch {
	case o.config.Park <= 0 || o.config.Run <= 0:
		return usageErrorf("trace: --park is %v and --run %v: give times above zero", o.config.Park, o.config.Run)
	case o.config.Worst < 0 || o.config.Worst > schedtrace.MaxWorst:
		return usageErrorf("trace: --worst is %d: give a number from 0 to %d", o.config.Worst, schedtrace.MaxWorst)
	case o.config.Worst == 0:
		o.config.Worst = -1 // which the package takes for none
	}
	return o.run(named[0], stdin, stdout)
}

// run reads the trace, shows what it tells, and checks the limits.
func (o *traceOptions) run(name string, in io.Reader, stdout io.Writer) error {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("trace: %w", err)
		}
		defer file.Close()
		in = file
	}
	report, err := schedtrace.Read(in, o.config)
	if err != nil {
		return fmt.Errorf("trace: %s: %w", name, err)
	}
	if o.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.WriteText(stdout)
	}
	if err != nil {
		return fmt.Errorf("trace: write the report: %w", err)
	}
	if o.plot != "" {
		if err := plots.Draw(o.plot, report); err != nil {
			return fmt.Errorf("trace: %w", err)
		}
	}
	var crossed []error
	for _, l := range o.limits {
		if err := report.Check(l); err != nil {
			crossed = append(crossed, fmt.Errorf("trace: %s: %w", name, err))
		}
	}
	return errors.Join(crossed...)
}
