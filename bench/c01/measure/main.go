// Command c01 measures a service of a language model under the article's load:
// many connections that stream as many tokens each.
//
//	c01 -arm=flask -generator=Locked [-workers=0]
//	c01 -arm=flask -generator=Batched
//	c01 -arm=server -server=build/bin/weir
//
// The service is a process of its own, or several, on the same engine library,
// model, engine threads, context and sampling; the clients are this process, on
// loopback. All requests are sent at once: a request's time counts from then on,
// so it holds its wait.
//
// The Flask service runs on Debian's packages:
//
//	apt-get install python3-flask gunicorn
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/weirgo/weir/bench/c01"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
)

var (
	arm         = flag.String("arm", "server", "what to measure: flask or server")
	generator   = flag.String("generator", "Locked", "how the Flask service makes tokens: Locked or Batched")
	python      = flag.String("python", "/usr/bin/python3", "`interpreter` that has Flask and gunicorn")
	workers     = flag.Int("workers", 1, "gunicorn's worker processes, with the model in each; 0: as many as cores")
	serverPath  = flag.String("server", "build/bin/weir", "our server's `binary`")
	model       = flag.String("model", "build/models/tiny.gguf", "the model's `file`")
	connections = flag.Int("connections", 100, "connections, each with one request")
	tokens      = flag.Int("tokens", 1000, "tokens of a request")
	promptRoom  = flag.Int("prompt-room", 24, "tokens of context for a request's prompt")
	threads     = flag.Int("threads", max(1, runtime.NumCPU()-1), "the engine's threads")
	prompt      = flag.String("prompt", "Once upon a time", "each request's prompt; its number is added")
	steps       = load.DefaultSampling
)

func main() {
	steps.AddFlags(flag.CommandLine)
	sample.Main(c01.Experiment, measure, requirements)
}

func measure(r *sample.Recorder) (err error) {
	ctx := context.Background()
	cfg, end, err := service()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	s, err := served.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if _, err := stream(ctx, s, min(*tokens, 16)); err != nil { // warm up
		return err
	}
	before, err := usageOf(s.PID)
	if err != nil {
		return err
	}
	report, err := stream(ctx, s, *tokens)
	if err != nil {
		return err
	}
	after, err := usageOf(s.PID)
	if err != nil {
		return err
	}
	record(r, report, after.cpu-before.cpu, after.residentBytes)
	return nil
}

// stream has each connection stream n tokens.
func stream(ctx context.Context, s *served.Server, n int) (*load.Report, error) {
	return load.Run(ctx, load.Config{
		URL: s.URL + "/v1/completions", Streams: *connections, Timeout: c01.Timeout,
		Request: load.Request{Prompt: *prompt, MaxTokens: n, Sampling: steps},
	})
}

// record sets what the clients saw and what the service took for it.
func record(r *sample.Recorder, report *load.Report, cpu time.Duration, residentBytes uint64) {
	failed := report.Failed()
	if failed > 0 {
		fmt.Fprintf(os.Stderr, "%v\n", report.Errors())
	}
	var times delay.Set
	for _, g := range report.Generations {
		times.Add(g.End.Sub(g.Due))
	}
	for _, percent := range []int{50, 99} {
		name := func(what string) string { return fmt.Sprintf("%s_p%d_ms", what, percent) }
		r.Set(name("request"), delay.Milliseconds.In(times.Quantile(float64(percent)/100)))
		r.Set(name("first_token"), float64(report.FirstToken.ValueAtQuantile(float64(percent)))/1000)
		r.Set(name("inter_token"), float64(report.InterToken.ValueAtQuantile(float64(percent)))/1000)
	}
	r.Set("tokens_per_s", report.TokensPerSecond())
	r.Set("cpu_us_per_token", load.PerToken(cpu, report.Tokens()))
	r.Set("client_cpu_us_per_token", load.PerToken(report.ClientCPU, report.Tokens()))
	r.Set("resident_mib", float64(residentBytes)/(1<<20))
	r.Set("errors", float64(failed))
}
