// Command load measures what the clients of an OpenAI-compatible server see:
// tokens per second, time to first token, time between tokens, errors.
//
//	go run ./bench/load -url http://127.0.0.1:8080/v1/completions -streams 64
//	go run ./bench/load -url ... -streams 200 -requests 1000 -rate 20
//
// It exits with 1 if a request failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/weirgo/weir/bench/internal/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg := load.Config{Request: load.Request{Sampling: load.DefaultSampling}}
	flag.StringVar(&cfg.URL, "url", "http://127.0.0.1:8080/v1/completions", "the `endpoint`: completions or chat/completions")
	flag.StringVar(&cfg.APIKey, "api-key", os.Getenv("OPENAI_API_KEY"), "sent as bearer token")
	flag.IntVar(&cfg.Streams, "streams", 1, "connections, each with one request at a time")
	flag.IntVar(&cfg.Requests, "requests", 0, "requests in all (default: one a stream)")
	flag.Float64Var(&cfg.Rate, "rate", 0, "requests a second, at random times whether earlier ones ended or not (default: as fast as they end)")
	flag.DurationVar(&cfg.Timeout, "timeout", load.DefaultTimeout, "how long a request may go without a byte")
	flag.StringVar(&cfg.Request.Model, "model", "", "the request's model, where the server wants one")
	flag.StringVar(&cfg.Request.Prompt, "prompt", "Once upon a time", "the prompt; the request's number is added")
	flag.IntVar(&cfg.Request.MaxTokens, "tokens", 256, "tokens a request")
	flag.BoolVar(&cfg.Request.StopAtEnd, "stop-at-end", false, "let the model end a generation before that")
	cfg.Request.Sampling.AddFlags(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("load: unexpected argument %q: it takes flags only, see -h", flag.Arg(0))
	}
	report, err := load.Run(ctx, cfg)
	if err != nil {
		return err
	}
	report.WriteText(os.Stdout)
	if report.Failed() > 0 {
		return errors.New("load: there were errors")
	}
	return nil
}
