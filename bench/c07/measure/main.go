// Command c07 measures what streaming a token costs a server: net/http as
// people write it, net/http with frames appended by hand, fan-out, and a floor
// that only submits the sends.
//
//	c07 -arm=idiomatic
//	c07 -arm=fanout -streams=1000 -posts=
//
// The server is this binary again, as a process of its own; its clients are
// this one. A source in the server gives each stream one token a step, at a
// steady pace, so that every arm does the same work in the same time. For each
// number of streams:
//
//	cpu_us_per_token       of the server's process, user and system
//	syscalls_per_token     counted by the kernel's tracepoint, in steps of their own
//	switches_per_token     context switches of the server's threads
//	allocs_per_token       objects the server put on its heap
//	enters_per_token       io_uring_enter calls (fan-out and floor)
//	sends_per_token        requests submitted by them; below 1, tokens of a slow
//	                       client or a late thread went out together
//	inter_token_p50_us     between two tokens of a stream at the client, and p99
//	idle_bytes_per_stream  resident memory of the server that a stream between
//	                       two tokens holds, after a collection
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
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/c07"
	"github.com/weirgo/weir/bench/internal/sample"
)

var (
	armName  = flag.String("arm", "fanout", "what to measure: idiomatic, append, fanout or floor")
	streams  = flag.String("streams", "1,100,1000,8000", "numbers of streams")
	posts    = flag.String("posts", "1,64,1000", "numbers of connections that POST; empty: none")
	seconds  = flag.Float64("seconds", 3, "`time` of the steps that are measured, for each number of streams or connections")
	perToken = flag.Duration("per-token", 50*time.Microsecond, "time from step to step, for each stream: the pace of all together")
	shortest = flag.Duration("shortest-step", time.Millisecond, "time from step to step at least")
	fileMiB  = flag.Int("file-mib", 512, "size of the file that fan-out's arm reads; 0: none")
	stuck    = flag.Int("stuck", 1000, "streams beside a client that stops reading, of fan-out; 0: none")
)

// serveRole as the first argument makes this process the server.
const serveRole = "serve"

func main() {
	if len(os.Args) > 1 && os.Args[1] == serveRole {
		if err := serve(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "c07 serve:", err)
			os.Exit(1)
		}
		return
	}
	sample.Main(c07.Experiment, measure)
}

func measure(r *sample.Recorder) error {
	if arms[*armName] == nil {
		return fmt.Errorf("-arm=%s is none of idiomatic, append, fanout, floor", *armName)
	}
	if *fileMiB < 0 || *fileMiB > 64<<10 {
		return errors.New("file-mib must be from 0 to 65536")
	}
	if *seconds <= 0 || *perToken <= 0 || *shortest <= 0 {
		return errors.New("seconds, per-token and shortest-step must be positive")
	}
	sizes, err := parseCounts("streams", *streams)
	if err != nil {
		return err
	}
	ctx := context.Background()
	failed := 0
	for _, size := range sizes {
		if err := measureStreams(ctx, r, cell{size: size}, &failed); err != nil {
			return err
		}
	}
	if *armName == "fanout" && *stuck > 0 {
		if err := measureStreams(ctx, r, cell{size: *stuck, stuck: true}, &failed); err != nil {
			return err
		}
	}
	r.Set("errors", float64(failed))
	if *armName != "idiomatic" && *armName != "fanout" {
		return nil
	}
	counts, err := parseCounts("posts", *posts)
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

func parseCounts(name, list string) ([]int, error) {
	if list == "" {
		return nil, nil
	}
	var counts []int
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > maxCount {
			return nil, fmt.Errorf("-%s: %q is not a number from 1 to %d", name, field, maxCount)
		}
		counts = append(counts, n)
	}
	return counts, nil
}
