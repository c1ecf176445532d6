// Command gang measures C calls that compute beside goroutines that want every
// processor.
//
// Two parts. The loop (loop.go): a bare decode loop over the engine library, on
// one thread and on two, alone and beside CPU-bound goroutines. The library's
// threads spin where they meet. The server (served.go): eight streams beside
// connections that have long texts tokenised by the same server, all they can.
//
// With -cores=free a decode has no cores of its own, neither in the loop nor in
// the server; on stock Go the loop never has.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/weirgo/weir/bench/gang"
	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
)

var (
	processors = flag.Int("procs", 2, "GOMAXPROCS of the loop")
	threads    = flag.String("threads", "1,2", "the loop's engine threads")
	cores      = flag.String("cores", "shared", "shared: a decode has cores of its own; free: it has not")
	window     = flag.Duration("window", 2*time.Second, "time for each measurement")
	hogs       = flag.Int("hogs", 4, "CPU-bound goroutines beside the loop")
	sequences  = flag.Int("sequences", 8, "sequences decoded together, and streams of the server")
	model      = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	serverPath = flag.String("server", "build/bin/weir", "the server's `binary`")
	flooders   = flag.Int("flood", 64, "connections that have texts tokenised")
	textBytes  = flag.Int("text", 4600, "bytes of such a text")
	floodOf    = flag.String("flood-of", "", "be the flood of the server at this `url` until the input ends")
	steps      = load.DefaultSampling
)

// contextTokens are those of each sequence.
const contextTokens = 512

func main() {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "-flood-of=") {
		flag.Parse()
		if err := runFlood(*floodOf, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "flood:", err)
			os.Exit(1)
		}
		return
	}
	sample.Main(gang.Experiment, measure)
}

func measure(r *sample.Recorder) error {
	counts, err := sample.Counts("threads", *threads, 1, 1024)
	if err != nil {
		return err
	}
	if len(counts) == 0 || *processors < 1 || *hogs < 1 || *sequences < 1 || *flooders < 1 || *textBytes < 1 || *window <= 0 {
		return errors.New("threads, procs, hogs, sequences, flood, text and window must be positive")
	}
	if *cores != "shared" && *cores != "free" {
		return fmt.Errorf("-cores=%s is neither shared nor free", *cores)
	}
	before := runtime.GOMAXPROCS(*processors)
	worst := math.Inf(1)
	for _, n := range counts {
		kept, err := measureLoop(r, n)
		if err != nil {
			return err
		}
		worst = min(worst, kept)
	}
	r.Set("worst/kept", worst)
	runtime.GOMAXPROCS(before) // the clients'
	return measureServed(context.Background(), r)
}
