// Command c08 measures an inference loop beside a logger and JSON churn in one
// process.
//
// The loop (engine.go) is a goroutine with a thread of its own: each step calls C
// for 5 ms, samples a token for each sequence of its batch, and hands the tokens
// to an emitter. Beside it (monitor.go) a logger writes 1 000 lines a second, and
// others decode and encode JSON, as much on both toolchains.
package main

import (
	"errors"
	"flag"
	"os"
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/c08"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
)

var (
	processors = flag.Int("procs", 2, "GOMAXPROCS")
	window     = flag.Duration("window", 8*time.Second, "time measured")

	step       = flag.Duration("step", 5*time.Millisecond, "length of a step in C")
	sequences  = flag.Int("sequences", 8, "requests in a batch; one that ends is replaced")
	tokens     = flag.Int("tokens", 100, "tokens of a request")
	tokenWork  = flag.Duration("token-work", 10*time.Microsecond, "computation for sampling a token")
	tokenBytes = flag.Int("token-bytes", 2048, "garbage of a token")
	deferral   = flag.Float64("deferral", 1, "how far over where it is due the heap may grow before a collection begins, as a part of that")

	linesPerSecond = flag.Int("lines", 1000, "log lines a second")
	churners       = flag.Int("churners", 8, "goroutines that decode and encode JSON, all at the same times")
	churnEvery     = flag.Duration("churn-every", 40*time.Millisecond, "time between two beginnings of their work")
	documents      = flag.Int("documents", 16, "documents of each of them each time")
	liveMiB        = flag.Int("live", 48, "live heap that each collection marks, in MiB, as small linked objects")
)

func main() { sample.Main(c08.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *processors < 1 || *sequences < 1 || *tokens < 1 || *linesPerSecond < 1 || *churners < 1 || *documents < 1 {
		return errors.New("procs, sequences, tokens, lines, churners and documents must be positive")
	}
	if *window <= 0 || *step <= 0 || *churnEvery <= 0 || *tokenWork < 0 || *tokenBytes < 1 || *liveMiB < 0 {
		return errors.New("window, step, churn-every and token-bytes must be positive, token-work and live at least 0")
	}
	runtime.GOMAXPROCS(*processors)
	live := liveHeap(*liveMiB)
	defer runtime.KeepAlive(live)
	e, err := newEngine()
	if err != nil {
		return err
	}
	m, err := newMonitor()
	if err != nil {
		return err
	}
	runtime.GC()
	if err := sample.ResetPeak(os.Getpid()); err != nil {
		return err
	}
	before := readCollector()
	ends := time.Now().Add(*window)
	if err := errors.Join(m.start(ends), e.start(ends)); err != nil {
		return err
	}
	e.done.Wait()
	after := readCollector()
	m.done.Wait()
	memory, err := sample.ProcessMemory(os.Getpid())
	if err := errors.Join(err, crowd.Shutdown(e.group), crowd.Shutdown(m.group)); err != nil {
		return err
	}
	e.record(r)
	m.record(r)
	after.record(r, before)
	r.Set("peak_mib", float64(memory.PeakBytes)/(1<<20))
	return nil
}

// A node is a piece of the live heap.
type node struct {
	next *node
	_    [48]byte
}

// liveHeap returns linked nodes of the size asked for, as lists that several
// workers can mark.
func liveHeap(mib int) []*node {
	heads := make([]*node, 1024)
	for i := range mib << 20 / 56 {
		head := &heads[i%len(heads)]
		*head = &node{next: *head}
	}
	return heads
}
