// Command sampling measures what drawing tokens, and reading log-probabilities,
// costs a client of a server and the others beside it, with vocabularies of
// several sizes.
//
//	sampling -server=build/bin/weir
//
// For each size it makes a model that has next to no layers, if it is not there
// yet, starts a server, and repeats a round of waves in which all streams decode
// all the time: one and four streams, of the server and of a bare decode loop in
// this process; four with log-probabilities; three alone, beside a fourth, and
// beside a fourth that draws from all tokens (top_k 0). What is compared follows
// each other closely, so that a machine that changes its pace changes both.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/served"
	experiment "github.com/weirgo/weir/bench/sampling"
)

var (
	serverPath   = flag.String("server", "build/bin/weir", "the server's `binary`")
	models       = flag.String("models", "build/models", "the `folder` of the models, which are made if they are missing")
	vocabularies = flag.String("vocabularies", "2048,65536,152064,262144", "numbers of tokens")
	tokens       = flag.Int("tokens", 256, "tokens of a stream")
	repeats      = flag.Int("repeats", 2, "rounds of waves for each size")
	threads      = flag.Int("threads", max(1, runtime.NumCPU()-1), "the engine's threads (-t)")
)

const (
	streams   = 4
	contextOf = 1024 // tokens of each stream, of which the fourth may use most
)

func main() { sample.Main(experiment.Experiment, measure) }

func measure(r *sample.Recorder) error {
	sizes, err := sample.Counts("vocabularies", *vocabularies, 300, 1<<20)
	if err != nil {
		return err
	}
	if *tokens < 8 || 4**tokens > contextOf || *repeats < 1 {
		return fmt.Errorf("tokens must be from 8 to %d, repeats positive", contextOf/4)
	}
	all := worst{kept: math.Inf(1), keptOfAlone: math.Inf(1)}
	for _, size := range sizes {
		if err := measureSize(r, size, &all); err != nil {
			return fmt.Errorf("%d tokens: %w", size, err)
		}
	}
	r.Set("least/kept_beside_all", all.kept)
	r.Set("least/kept_of_alone", all.keptOfAlone)
	r.Set("worst/logprobs_0_cost", all.logprobs0)
	r.Set("worst/logprobs_5_cost", all.logprobs5)
	r.Set("worst/overhead_us", all.overhead)
	r.Set("errors", float64(all.errors))
	return nil
}

// worst is of all sizes.
type worst struct {
	kept, keptOfAlone, logprobs0, logprobs5, overhead float64
	errors                                            int
}

// measureSize measures one vocabulary.
func measureSize(r *sample.Recorder, size int, all *worst) (err error) {
	ctx := context.Background()
	path, err := modelOf(*models, size)
	if err != nil {
		return err
	}
	l, err := openLoop(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	s, err := served.Start(ctx, served.Config{Binary: *serverPath, Args: []string{
		"-m", path, "-np", strconv.Itoa(streams), "-c", strconv.Itoa(streams * contextOf), "-t", strconv.Itoa(*threads),
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	m := &waves{server: s, loop: l, tokens: *tokens, took: make(map[string]took)}
	if err := m.round(ctx); err != nil { // warm up
		return err
	}
	clear(m.took)
	for range *repeats {
		if err := m.round(ctx); err != nil {
			return err
		}
	}
	if m.failed > 0 {
		fmt.Fprintf(os.Stderr, "%d tokens: %d streams failed\n", size, m.failed)
	}
	all.errors += m.failed
	m.record(r, strconv.Itoa(size)+"/", all)
	return nil
}

// record sets what the waves of one size come to.
func (m *waves) record(r *sample.Recorder, size string, all *worst) {
	us := func(name string) float64 { return m.took[name].us() }
	for _, n := range []string{"1", "4"} {
		overhead := us("server "+n) - us("loop "+n)
		r.Set(size+"loop_"+n+"_us_per_token", us("loop "+n))
		r.Set(size+"server_"+n+"_us_per_token", us("server "+n))
		r.Set(size+"overhead_"+n+"_us", overhead)
		all.overhead = max(all.overhead, overhead)
	}
	plain := m.took["server 4"]
	r.Set(size+"cpu_us_per_token", plain.cpuUs())
	for n, of := range map[string]*float64{"0": &all.logprobs0, "5": &all.logprobs5} {
		with := m.took["logprobs "+n]
		r.Set(size+"logprobs_"+n+"_cost", with.us()/plain.us())
		r.Set(size+"logprobs_"+n+"_cpu_cost", with.cpuUs()/plain.cpuUs())
		*of = max(*of, with.us()/plain.us())
	}
	kept, keptOfAlone := us("beside default")/us("beside all"), us("three")/us("beside all")
	r.Set(size+"kept_beside_all", kept)
	r.Set(size+"kept_of_alone", keptOfAlone)
	all.kept, all.keptOfAlone = min(all.kept, kept), min(all.keptOfAlone, keptOfAlone)
}
