// Command drafts measures speculative decoding: tokens that are looked up in the sequence
// itself, or guessed by a draft model, against none.
//
//	drafts -demo=build/models/demo.gguf
//
// A text (texts.go) is an engine with questions whose answers repeat what was said, or do
// not. Requests are submitted to batch loops in the process that measures, without HTTP,
// one loop for each way to guess. They take turns: in each, every loop has the same
// questions answered, by one stream and by several. The first turns are for the loops to
// learn in. Answers are greedy, and compared token by token with those without guesses.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/drafts"
	"github.com/weirgo/weir/bench/internal/sample"
)

var (
	demo    = flag.String("demo", "build/models/demo.gguf", "the `file` of a model that answers questions")
	tiny    = flag.String("tiny", "build/models/tiny.gguf", "the `file` of a model with random weights, whose text nobody guesses")
	threads = flag.Int("threads", max(1, runtime.NumCPU()-1), "the engines' threads")
	streams = flag.String("streams", "1,8", "`numbers` of streams")
	turns   = flag.Int("turns", 3, "turns that count")
	warm    = flag.Int("warm-turns", 2, "turns before them")
	tokens  = flag.Int("tokens", 32, "tokens of an answer of the engine that is made up")

	stepTime = flag.Duration("step", 2*time.Millisecond, "time of a step of the engine that is made up")
	rowTime  = flag.Duration("row", 20*time.Microsecond, "and of each of its rows")
)

func main() { sample.Main(drafts.Experiment, measure) }

func measure(r *sample.Recorder) (err error) {
	counts, err := sample.Counts("streams", *streams, 1, 64)
	if err != nil {
		return err
	}
	if *turns < 1 || *warm < 1 || *tokens < 2 || *stepTime < 0 || *rowTime < 0 || *threads < 1 {
		return errors.New("turns, warm-turns and threads must be positive, tokens at least 2, step and row not negative")
	}
	all, closeAll, err := texts(context.Background())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	failed, parted := 0, 0
	for _, t := range all {
		for _, n := range counts {
			c, err := compare(t, n)
			if err != nil {
				return fmt.Errorf("%s, %d streams: %w", t.name, n, err)
			}
			c.record(r, t.name, n)
			failed, parted = failed+c.failed, parted+c.parted
		}
	}
	r.Set("parted", float64(parted))
	r.Set("errors", float64(failed))
	return nil
}
