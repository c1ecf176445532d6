// Command whole measures what streaming a token costs a server's process.
//
//	whole -server=build/bench/bin/weir/server
//
// The server is bench/whole/server, or the floor of c07: a process that serves
// the streams of one cell, each step a token, and says what it has spent. Its
// clients are this process.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/source"
	"github.com/weirgo/weir/bench/internal/streamed"
	"github.com/weirgo/weir/bench/whole"
)

var (
	serverPath = flag.String("server", "", "the server's `binary`, of bench/whole/server or bench/c07/floor")
	streams    = flag.String("streams", "1000,8000", "numbers of streams")
	seconds    = flag.Float64("seconds", 3, "`time` of the steps that are measured, for each number of streams")
	perToken   = flag.Duration("per-token", 50*time.Microsecond, "time from step to step, for each stream: the pace of all together")
	shortest   = flag.Duration("shortest-step", time.Millisecond, "time from step to step at least")
)

// ahead is more than the tokens that a stream may have while others' prompts are
// computed.
const ahead = 3

// maxStreams leaves room for both ends' descriptors below a limit of 20 000.
const maxStreams = 9000

func main() { sample.Main(whole.Experiment, measure) }

func measure(r *sample.Recorder) error {
	sizes, err := sample.Counts("streams", *streams, 1, maxStreams)
	if err != nil {
		return err
	}
	if *serverPath == "" || *seconds <= 0 || *perToken <= 0 || *shortest <= 0 {
		return errors.New("-server must name a binary; seconds, per-token and shortest-step must be positive")
	}
	failed := 0
	for _, size := range sizes {
		n, err := measureStreams(context.Background(), r, source.Cell{Size: size})
		if err != nil {
			return err
		}
		failed += n
	}
	r.Set("errors", float64(failed))
	return nil
}

// measureStreams runs one cell against a fresh server, and returns how many
// streams failed.
func measureStreams(ctx context.Context, r *sample.Recorder, c source.Cell) (failed int, err error) {
	p := source.NewPlan(c.Size, *seconds, *perToken, *shortest)
	server, err := streamed.Start(exec.CommandContext(ctx, *serverPath, source.Arguments(c, p)...))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	outcome, err := server.Measure(ctx, c, p, load.Sampling{Seed: 1}, ahead) // the likeliest token
	if err != nil {
		return 0, err
	}
	outcome.Record(r)
	if failed = outcome.Failed(); failed > 0 {
		fmt.Fprintf(os.Stderr, "%s%v\n", c.Prefix(), outcome.Report.Errors())
	}
	return failed, nil
}
