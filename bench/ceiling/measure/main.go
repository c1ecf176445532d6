// Command ceiling measures how many tokens a second a bare decode loop makes,
// or a server over the same library, model, threads and sampler, at several
// numbers of sequences.
//
//	ceiling -arm=loop
//	ceiling -arm=server -server=build/bin/weir
//
// The loop decodes and samples, no more: no text, no sockets, no other
// goroutine. The server is a process of its own, its clients are this one:
// they stream /v1/completions on loopback.
//
// Both run waves: all sequences start together from short prompts and make the
// same number of tokens. A wave is timed from the moment when the last sequence
// has its first token to the moment when the first has its last, so that all
// sequences decode all the time. Waves are repeated for some seconds. The server
// runs them twice: for any text, and with each text held to a JSON schema.
//
// cpu_us_per_token is the CPU time of the process that holds the engine, the
// loop's or the server's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/ceiling"
	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/server/ask"
)

var (
	arm        = flag.String("arm", "loop", "what to measure: loop or server")
	serverPath = flag.String("server", "build/bin/weir", "the server's `binary`")
	model      = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	batches    = flag.String("batches", "1,8,64,128", "numbers of sequences decoded together")
	tokens     = flag.Int("tokens", 256, "tokens of a sequence")
	seconds    = flag.Float64("seconds", 3, "time for each number of sequences, in seconds: the wave under way is finished")
	sequences  = flag.Int("sequences", 128, "sequences that the engine's context holds (-np)")
	contextOf  = flag.Int("sequence-context", 512, "tokens of context for each sequence")
	threads    = flag.Int("threads", max(1, runtime.NumCPU()-1), "the engine's threads (-t)")
	prompt     = flag.String("prompt", "Once upon a time", "each sequence's prompt; its number is added")
	steps      = load.DefaultSampling
)

func main() {
	steps.AddFlags(flag.CommandLine)
	sample.Main(ceiling.Experiment, measure)
}

func measure(r *sample.Recorder) error {
	sizes, err := sample.Counts("batches", *batches, 1, *sequences)
	if err != nil {
		return err
	}
	if *tokens < 2 || *tokens >= *contextOf {
		return errors.New("tokens must be at least 2 and less than sequence-context")
	}
	switch ctx := context.Background(); *arm {
	case "loop":
		return measureLoop(ctx, r, sizes)
	case "server":
		return measureServer(ctx, r, sizes)
	}
	return fmt.Errorf("-arm=%s is neither loop nor server", *arm)
}

// request is what each sequence generates.
func request(n int) load.Request {
	return load.Request{Prompt: *prompt, MaxTokens: n, Sampling: steps}
}

// samplerConfig is the engine's form of request n's sampling.
func samplerConfig(n int) ask.Sampling {
	return ask.Sampling{
		Temperature: float32(steps.Temperature), TopK: steps.TopK,
		TopP: float32(steps.TopP), MinP: float32(steps.MinP), Seed: steps.Seed + uint32(n),
	}
}

// A wave is what all sequences of one start made in the time that counts.
type wave struct {
	tokens float64
	window time.Duration
}

// rate joins waves to tokens per second.
func rate(waves []wave) float64 {
	var total wave
	for _, w := range waves {
		total.tokens += w.tokens
		total.window += w.window
	}
	if total.window == 0 {
		return 0
	}
	return total.tokens / total.window.Seconds()
}

// budget is the time for each number of sequences.
func budget() time.Duration { return time.Duration(*seconds * float64(time.Second)) }

// repeat runs waves until the time is up; two at least.
func repeat(run func() error) error {
	for begin, n := time.Now(), 0; n < 2 || time.Since(begin) < budget(); n++ {
		if err := run(); err != nil {
			return err
		}
	}
	return nil
}

// name of a measurement at a number of sequences.
func name(size int, what string) string { return fmt.Sprintf("batch%d/%s", size, what) }
