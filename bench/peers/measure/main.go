// Command peers measures our server, or another one that runs already, at
// several numbers of streams.
//
//	peers -arm=server -server=build/bin/weir
//	peers -arm=llama-server -llama-server=http://127.0.0.1:8081 -llama-server-pid=4711
//	peers -arm=kronk -kronk=http://127.0.0.1:8082/v1/chat/completions -kronk-model=tiny
//
// A URL without a path is that of a completions endpoint, /v1/completions; one of
// chat completions gets chat requests, whose template adds to the prompt. All run
// waves: all streams start together and make the same number of tokens, and a rate
// counts all the time from the first request to the last token. A peer that cannot
// be told to go on where the model ends, as Kronk, wants -stop-at-end, which holds
// for all arms.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
	"github.com/weirgo/weir/bench/peers"
)

var (
	arm        = flag.String("arm", "server", "what to measure: server, llama-server or kronk")
	serverPath = flag.String("server", "build/bin/weir", "our server's `binary`")
	model      = flag.String("model", "build/models/tiny.gguf", "the model's `file`, of our server")
	streams    = flag.String("streams", "1,8,64", "numbers of streams")
	tokens     = flag.Int("tokens", 256, "tokens of a stream")
	seconds    = flag.Float64("seconds", 3, "time for each number of streams, in seconds: the wave under way is finished")
	contextOf  = flag.Int("sequence-context", 512, "tokens of context for each stream, of our server")
	threads    = flag.Int("threads", max(1, runtime.NumCPU()-1), "the engine's threads, of our server")
	prompt     = flag.String("prompt", "Once upon a time", "each stream's prompt; its number is added")
	stopAtEnd  = flag.Bool("stop-at-end", false, "let the model end a stream before its last token")
	steps      = load.DefaultSampling
)

// peer is a server that runs already.
type peer struct {
	url   *string
	pid   *int
	model *string
}

// known are those that flags name.
var known = map[string]peer{"llama-server": peerFlags("llama-server"), "kronk": peerFlags("kronk")}

func peerFlags(name string) peer {
	return peer{
		url:   flag.String(name, "", "`URL` of a "+name+" that runs"),
		pid:   flag.Int(name+"-pid", 0, "its process, for its CPU time; 0: not measured"),
		model: flag.String(name+"-model", "", "the model's name in requests to it, where it wants one"),
	}
}

func main() {
	steps.AddFlags(flag.CommandLine)
	sample.Main(peers.Experiment, measure, named)
}

// named is an error if no flag names what the arm compares.
func named() error {
	p, ok := known[*arm]
	if ok && *p.url == "" {
		return fmt.Errorf("no flag names a %s that runs: -args='-%s=http://HOST:PORT'", *arm, *arm)
	}
	if !ok && *known["llama-server"].url == "" && *known["kronk"].url == "" {
		return errors.New("no flag names a peer that runs: -args='-llama-server=http://HOST:PORT -kronk=http://HOST:PORT'")
	}
	return nil
}

// target is what is measured.
type target struct {
	url, model string
	pid        int // 0: not known
}

func measure(r *sample.Recorder) (err error) {
	ctx := context.Background()
	sizes, err := sample.Counts("streams", *streams, 1, 256)
	if err != nil {
		return err
	}
	if len(sizes) == 0 {
		return errors.New("-streams is empty: name a number")
	}
	to, end, err := reach(ctx, slices.Max(sizes))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	failed := 0
	for _, size := range sizes {
		n, err := to.waves(ctx, r, size)
		if err != nil {
			return err
		}
		failed += n
	}
	r.Set("errors", float64(failed))
	return nil
}

// reach returns what the arm measures, our server started with room for all
// streams, and what to call at the end.
func reach(ctx context.Context, sequences int) (to target, end func() error, err error) {
	nothing := func() error { return nil }
	if p, ok := known[*arm]; ok {
		to, err = p.target()
		return to, nothing, err
	}
	if *arm != "server" {
		return to, nil, fmt.Errorf("-arm=%s is neither server nor a peer", *arm)
	}
	s, err := served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
		"-m", *model, "-np", strconv.Itoa(sequences), "-c", strconv.Itoa(sequences * *contextOf), "-t", strconv.Itoa(*threads),
	}})
	if err != nil {
		return to, nil, err
	}
	return target{url: s.URL + "/v1/completions", pid: s.PID}, s.Stop, nil
}

// target returns where a peer is.
func (p peer) target() (target, error) {
	u, err := url.Parse(*p.url)
	if err != nil {
		return target{}, fmt.Errorf("parse a peer's URL: %w", err)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/completions"
	}
	return target{url: u.String(), model: *p.model, pid: *p.pid}, nil
}

// cpu is the CPU time of the target's process so far, 0 if that is not known.
func (t target) cpu() (time.Duration, error) {
	if t.pid == 0 {
		return 0, nil
	}
	return sample.ProcessCPU(t.pid)
}

// waves streams for some seconds and sets what that measured.
func (t target) waves(ctx context.Context, r *sample.Recorder, size int) (failed int, err error) {
	request := load.Request{Model: t.model, Prompt: *prompt, MaxTokens: min(*tokens, 16), Sampling: steps, StopAtEnd: *stopAtEnd}
	cfg := load.Config{URL: t.url, Streams: size, Request: request}
	if _, err := load.Run(ctx, cfg); err != nil { // warm up
		return 0, err
	}
	cfg.Request.MaxTokens = *tokens
	before, err := t.cpu()
	if err != nil {
		return 0, err
	}
	waves, err := load.RunWaves(ctx, cfg, time.Duration(*seconds*float64(time.Second)))
	if err != nil {
		return 0, err
	}
	after, err := t.cpu()
	if err != nil {
		return 0, err
	}
	if waves.Failed > 0 {
		fmt.Fprintf(os.Stderr, "%d streams: %v\n", size, waves.Errors)
	}
	cell := fmt.Sprintf("streams%d/", size)
	r.Set(cell+"tokens_per_s", waves.Rate())
	waves.Record(r, cell)
	if t.pid != 0 {
		r.Set(cell+"cpu_us_per_token", load.PerToken(after-before, waves.Tokens))
	}
	return waves.Failed, nil
}
