// Command slo measures what an objective for the time between two tokens does for the
// streams that have it, and what it costs prompts.
//
//	slo -server=build/bin/weir
//
// Some clients stream. First they are alone: their median gap is what objectives are
// multiples of. Then, for each objective, they stream for a while with it, and other
// clients begin to send long prompts, each the next once the last is answered; so
// also, at last, without an objective. The server is one process for all of it, and
// has not seen a prompt before the first objective.
//
// Gaps count from the moment when the prompts begin, taken at the client. What was computed of prompts is the server's count, at /metrics.
package main

import (
	"context"
	"errors"
	"flag"
	"runtime"
	"strconv"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
	"github.com/weirgo/weir/bench/slo"
)

var (
	serverPath   = flag.String("server", "build/bin/weir", "the server's `binary`")
	model        = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	factors      = flag.String("factors", "3,10", "objectives, as `multiples` of the median gap of the streams alone")
	streams      = flag.Int("streams", 8, "clients that stream")
	prompters    = flag.Int("prompters", 2, "clients that send prompts")
	promptTokens = flag.Int("prompt-tokens", 4000, "tokens of a prompt, nearly")
	alone        = flag.Float64("alone-seconds", 1.5, "time of the streams alone")
	lead         = flag.Float64("lead-seconds", 0.5, "time of the streams before the prompts begin")
	seconds      = flag.Float64("seconds", 3.5, "time with prompts, for each objective")
	threads      = flag.Int("threads", max(1, runtime.NumCPU()-1), "the engine's threads (-t)")
)

// spare is a sequence's room beside a prompt: for its number, and what follows.
const spare = 96

func main() { sample.Main(slo.Experiment, measure) }

func measure(r *sample.Recorder) (err error) {
	multiples, err := sample.Counts("factors", *factors, 1, 1000)
	if err != nil {
		return err
	}
	if *streams < 1 || *prompters < 1 || *promptTokens < 8 || *alone <= 0 || *lead < 0 || *seconds <= 0 {
		return errors.New("streams, prompters, alone-seconds and seconds must be positive, prompt-tokens at least 8, lead-seconds not negative")
	}
	ctx := context.Background()
	sequences := *streams + *prompters
	s, err := served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
		"-m", *model, "-np", strconv.Itoa(sequences), "-c", strconv.Itoa(sequences * (*promptTokens + spare)),
		"-t", strconv.Itoa(*threads), "--prefill-tokens", strconv.Itoa(unlimitedTokens),
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	prompt, err := promptOf(ctx, s.URL, *promptTokens)
	if err != nil {
		return err
	}
	run := &session{server: s, prompt: prompt}
	before, err := run.phase(ctx, "alone", 0, duration(*lead), duration(*alone), false)
	if err != nil {
		return err
	}
	gap := before.Quantile(0.5)
	if gap == 0 {
		return errors.New("no stream got two tokens without prompts: give more -alone-seconds")
	}
	outcomes := make([]*outcome, len(multiples))
	for i, times := range multiples {
		outcomes[i], err = run.phase(ctx, "x"+strconv.Itoa(times), time.Duration(times)*gap, duration(*lead), duration(*seconds), true)
		if err != nil {
			return err
		}
	}
	unlimited, err := run.phase(ctx, "unlimited", 0, duration(*lead), duration(*seconds), true)
	if err != nil {
		return err
	}
	before.record(r)
	unlimited.record(r)
	for _, o := range outcomes {
		o.record(r)
		o.recordObjective(r, gap, unlimited)
	}
	r.Set("prompt_tokens", float64(prompt.tokens))
	r.Set("errors", float64(run.failed))
	return nil
}

// unlimitedTokens is more than a batch holds.
const unlimitedTokens = 1 << 20

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
