// Command c07 measures what streaming a token costs a server: net/http as
// people write it, net/http with frames appended by hand, fan-out, and a floor
// that only submits the sends.
//
//	c07 -arm=idiomatic
//	c07 -arm=fanout -streams=1000 -posts=
//
// The server is this binary again, as a process of its own, or, of the floor,
// the command in bench/c07/floor, which -floor names; its clients are this one.
// A source in the server gives each stream one token a step, at a steady pace,
// so that every arm does the same work in the same time. For each number of
// streams it measures the server's CPU time, system calls, context switches,
// allocations and memory, and the time between tokens at the client; bench/c07
// lists the metrics.
//
// Fan-out also runs with one client more that stops reading (stuck/).
//
// And for each number of connections the rate of small POSTs, one at a time on
// each: package net's listener with arm idiomatic, ours with fanout.
//
// Fan-out's arm also reads a file past the page cache, by turns with
// dd iflag=direct (files/), and brings connections to their end (ends/: the
// longest times until the peer has its end of file, and until a blocked Read
// returns).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/weirgo/weir/bench/c07"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/source"
)

var (
	armName   = flag.String("arm", "fanout", "what to measure: idiomatic, append, fanout or floor")
	floorPath = flag.String("floor", "", "the floor's `binary`, of bench/c07/floor")
	streams   = flag.String("streams", "1,100,1000,8000", "numbers of streams")
	posts     = flag.String("posts", "1,64,1000", "numbers of connections that POST; empty: none")
	seconds   = flag.Float64("seconds", 3, "`time` of the steps that are measured, for each number of streams or connections")
	perToken  = flag.Duration("per-token", 50*time.Microsecond, "time from step to step, for each stream: the pace of all together")
	shortest  = flag.Duration("shortest-step", time.Millisecond, "time from step to step at least")
	fileMiB   = flag.Int("file-mib", 512, "size of the file that fan-out's arm reads; 0: none")
	stuck     = flag.Int("stuck", 1000, "streams beside a client that stops reading, of fan-out; 0: none")
)

// As the first argument these make this process a server of the arm that the
// second names: of streams, or of POSTs.
const (
	serveRole = "serve"
	postsRole = "posts"
)

// arms are the ways to serve that this binary has.
var arms = map[string]func() source.Arm{
	"idiomatic": func() source.Arm { return &handlers{frames: source.MarshalFrames} },
	"append":    func() source.Arm { return &handlers{frames: source.AppendFrames} },
	"fanout":    func() source.Arm { return new(fanned) },
}

func main() {
	if served, err := serve(os.Args[1:]); served {
		if err != nil {
			fmt.Fprintln(os.Stderr, "c07:", err)
			os.Exit(1)
		}
		return
	}
	sample.Main(c07.Experiment, measure)
}

// serve is a server's process, if the arguments make this one that.
func serve(args []string) (served bool, err error) {
	if len(args) < 2 {
		return false, nil
	}
	switch args[0] {
	case serveRole:
		return true, source.Serve(arms[args[1]](), args[2:])
	case postsRole:
		return true, servePosts(args[1])
	}
	return false, nil
}

func measure(r *sample.Recorder) error {
	if arms[*armName] == nil && *armName != "floor" {
		return fmt.Errorf("-arm=%s is none of idiomatic, append, fanout, floor", *armName)
	}
	if *armName == "floor" && *floorPath == "" {
		return errors.New("-arm=floor needs -floor=binary: go build -tags=giouring -ldflags=-checklinkname=0 ./bench/c07/floor")
	}
	if *fileMiB < 0 || *fileMiB > 64<<10 {
		return errors.New("file-mib must be from 0 to 65536")
	}
	if *seconds <= 0 || *perToken <= 0 || *shortest <= 0 {
		return errors.New("seconds, per-token and shortest-step must be positive")
	}
	sizes, err := sample.Counts("streams", *streams, 1, maxCount)
	if err != nil {
		return err
	}
	ctx := context.Background()
	failed := 0
	for _, size := range sizes {
		if err := measureStreams(ctx, r, source.Cell{Size: size}, &failed); err != nil {
			return err
		}
	}
	if *armName == "fanout" && *stuck > 0 {
		if err := measureStreams(ctx, r, source.Cell{Size: *stuck, Stuck: true}, &failed); err != nil {
			return err
		}
	}
	r.Set("errors", float64(failed))
	if *armName != "idiomatic" && *armName != "fanout" {
		return nil
	}
	counts, err := sample.Counts("posts", *posts, 1, maxCount)
	if err != nil {
		return err
	}
	if err := measurePosts(ctx, r, counts); err != nil || *armName != "fanout" {
		return err
	}
	// Last: both use rings in this process, which is the others' client.
	return errors.Join(measureFiles(ctx, r, *fileMiB<<20), measureEnds(ctx, r))
}

// maxCount leaves room for both ends' descriptors below a limit of 20 000.
const maxCount = 9000
