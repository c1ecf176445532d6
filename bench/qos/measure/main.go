// Command qos measures tiers and keys of a server that has more to do than it can.
//
//	qos -server=build/bin/weir
//
// Clients with a key of tier priority ask one request after the other, of an idle
// server and then of one that a flood of background requests fills: all sequences are
// taken and others wait, so that each priority request takes the place of one. Then
// two keys of weights 3 and 1 both have more waiting than there is room for, the
// smaller one several times as much.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
	"github.com/weirgo/weir/bench/qos"
)

var (
	serverPath = flag.String("server", "build/bin/weir", "the server's `binary`")
	model      = flag.String("model", "build/models/15m.gguf", "the model's `file`")
	sequences  = flag.Int("sequences", 8, "generations that the server decodes together")
	clients    = flag.Int("clients", 1, "priority clients, each asking again once it has its answer")
	flood      = flag.Int("flood", 24, "clients of the flood")
	tokens     = flag.Int("tokens", 64, "tokens of an answer")
	words      = flag.Int("words", 60, "words of a priority prompt; one of the flood has twice as many")
	seconds    = flag.Float64("seconds", 8, "time for each of the three measurements, in seconds")
	warm       = flag.Float64("warm", 2, "time before each, in seconds")
)

func main() { sample.Main(qos.Experiment, measure) }

// keys are those of the key file, and what it says of them.
var keys = map[string]string{
	"high": `"tier":"priority"`, "low": `"tier":"background"`,
	"large": `"weight":` + strconv.Itoa(qos.Weight), "small": `"weight":1`,
}

// writeKeys writes the key file. A key is its name, lengthened.
func writeKeys(dir string) (path string, err error) {
	var entries []json.RawMessage
	for name, says := range keys {
		entries = append(entries, json.RawMessage(fmt.Sprintf(`{"name":%q,"sha256":"%x",%s}`, name, sha256.Sum256([]byte(keyOf(name))), says)))
	}
	file, err := json.Marshal(map[string]any{"keys": entries})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "keys.json")
	return path, os.WriteFile(path, file, 0o600)
}

func keyOf(name string) string { return name + "-key-of-the-experiment" }

func measure(r *sample.Recorder) (err error) {
	if *sequences < 1 || *clients < 1 || *flood < 1 || *tokens < 2 || *words < 1 || *seconds <= 0 || *warm < 0 {
		return errors.New("all numbers must be positive, and -tokens 2 at least")
	}
	dir, err := os.MkdirTemp("", "weir-qos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path, err := writeKeys(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
		"-m", *model, "-np", strconv.Itoa(*sequences), "-c", strconv.Itoa(*sequences * 1024), "--keys", path,
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	failed, err := tiers(ctx, r, s)
	if err != nil {
		return err
	}
	more, err := weights(ctx, r, s)
	if err != nil {
		return err
	}
	r.Set("errors", float64(failed+more))
	return nil
}

// stream is clients of one key that ask until a time is up. No two prompts of any run
// begin alike: nothing is reused.
func stream(ctx context.Context, s *served.Server, key, run string, clients, words int, d time.Duration) (*load.Report, error) {
	stop := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(stop) })
	defer timer.Stop()
	report, err := load.Run(ctx, load.Config{
		URL: s.URL + "/v1/completions", APIKey: keyOf(key), Streams: clients, Requests: 1 << 14, Stop: stop, KeepArrivals: true,
		Request: load.Request{Prompt: run + strings.Repeat(" once", words), NumberFirst: true, MaxTokens: *tokens, Sampling: load.DefaultSampling},
	})
	if err == nil {
		for text, n := range report.Errors() {
			fmt.Fprintf(os.Stderr, "%s: %d × %s\n", key, n, text)
		}
	}
	return report, err
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// tiers measures priority requests without the flood and with it.
func tiers(ctx context.Context, r *sample.Recorder, s *served.Server) (failed int, err error) {
	if _, err := stream(ctx, s, "high", "first", *clients, *words, duration(*warm)); err != nil {
		return 0, err
	}
	alone, err := stream(ctx, s, "high", "alone", *clients, *words, duration(*seconds))
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	var beside, background *load.Report
	group.Go(func() (err error) {
		background, err = stream(ctx, s, "low", "flood", *flood, 2**words, duration(*seconds+2**warm))
		return err
	})
	group.Go(func() (err error) {
		time.Sleep(duration(*warm)) // the flood is there
		if _, err = stream(ctx, s, "high", "then", *clients, *words, duration(*warm)); err == nil {
			beside, err = stream(ctx, s, "high", "beside", *clients, *words, duration(*seconds))
		}
		return err
	})
	if err := group.Wait(); err != nil {
		return 0, err
	}
	ratios := map[string]float64{"first_token": 0, "inter_token": 0}
	for what, report := range map[string]*load.Report{"alone": alone, "beside": beside} {
		if len(report.Generations) == report.Failed() {
			return 0, fmt.Errorf("%s: all priority requests failed", what)
		}
		r.Set(what+"/requests", float64(len(report.Generations)))
		for _, q := range []float64{50, 99} {
			r.Set(fmt.Sprintf("%s/first_token_p%v_us", what, q), float64(report.FirstToken.ValueAtQuantile(q)))
			r.Set(fmt.Sprintf("%s/inter_token_p%v_us", what, q), float64(report.InterToken.ValueAtQuantile(q)))
		}
	}
	ratios["first_token"] = float64(beside.FirstToken.ValueAtQuantile(99)) / float64(max(1, alone.FirstToken.ValueAtQuantile(99)))
	ratios["inter_token"] = float64(beside.InterToken.ValueAtQuantile(99)) / float64(max(1, alone.InterToken.ValueAtQuantile(99)))
	for what, ratio := range ratios {
		r.Set(what+"_p99_ratio", ratio)
	}
	r.Set("worst/p99_ratio", max(ratios["first_token"], ratios["inter_token"]))
	from, to := window(beside)
	high, low := within(beside, from, to), within(background, from, to)
	r.Set("flood/part", low/max(1, low+high))
	r.Set("flood/tokens_per_s", low/max(1e-9, to.Sub(from).Seconds()))
	return alone.Failed() + beside.Failed() + background.Failed(), nil
}

// window is from the first token of a report to its last.
func window(report *load.Report) (from, to time.Time) {
	for _, g := range report.Generations {
		if g.Frames == 0 {
			continue
		}
		if from.IsZero() || g.First.Before(from) {
			from = g.First
		}
		if g.Last.After(to) {
			to = g.Last
		}
	}
	return from, to
}

// within counts the tokens between two times: a prompt's when its first token comes.
// Where a frame is not exactly a token, it counts its share.
func within(report *load.Report, from, to time.Time) (tokens float64) {
	for _, g := range report.Generations {
		if g.Err != nil {
			continue
		}
		if !g.First.Before(from) && !g.First.After(to) {
			tokens += float64(g.PromptTokens)
		}
		for _, at := range g.Arrivals {
			if !at.Before(from) && !at.After(to) {
				tokens += float64(g.Tokens) / float64(g.Frames)
			}
		}
	}
	return tokens
}

// weights measures two keys that have more waiting than there is room for.
func weights(ctx context.Context, r *sample.Recorder, s *served.Server) (failed int, err error) {
	var group errgroup.Group
	var large, small *load.Report
	total := duration(*seconds + *warm)
	begin := time.Now()
	group.Go(func() (err error) {
		large, err = stream(ctx, s, "large", "large", 2**sequences, *words, total)
		return err
	})
	group.Go(func() (err error) {
		small, err = stream(ctx, s, "small", "small", 2**sequences+*flood, 2**words, total)
		return err
	})
	if err := group.Wait(); err != nil {
		return 0, err
	}
	from, to := begin.Add(duration(*warm)), begin.Add(total)
	l, sm := within(large, from, to), within(small, from, to)
	r.Set("weights/large_tokens", l)
	r.Set("weights/small_tokens", sm)
	ratio := l / max(1, sm)
	r.Set("weights/ratio", ratio)
	r.Set("weights/off", math.Abs(ratio/qos.Weight-1))
	return large.Failed() + small.Failed(), nil
}
