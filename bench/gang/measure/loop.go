package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
)

// turn is how long a hog computes between looks at the clock.
const turn = 20 * time.Microsecond

// measureLoop measures a decode loop on n threads, and returns what part of its
// speed it keeps beside hogs.
func measureLoop(r *sample.Recorder, n int) (kept float64, err error) {
	group, decoding, err := openGroups(n)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, crowd.Shutdown(group), crowd.Shutdown(decoding)) }()
	l, err := openLoop(n, decoding)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	turnSteps := crowd.Calibrate(turn)
	if _, err := l.run(group, *window/8); err != nil { // warm up
		return 0, err
	}
	alone, err := l.run(group, *window)
	if err != nil {
		return 0, err
	}
	_, most, err := beside(func() (float64, error) { time.Sleep(*window); return 0, nil }, turnSteps)
	if err != nil {
		return 0, err
	}
	rate, turns, err := beside(func() (float64, error) { return l.run(group, *window) }, turnSteps)
	if err != nil {
		return 0, err
	}
	kept = rate / alone
	cell := fmt.Sprintf("threads%d/", n)
	r.Set(cell+"alone_tokens_per_s", alone)
	r.Set(cell+"beside_tokens_per_s", rate)
	r.Set(cell+"kept", kept)
	r.Set(cell+"hogs_share", turns/most)
	return kept, nil
}

// openGroups opens the group of the loop's goroutine, and the one in which it
// decodes.
func openGroups(n int) (group, decoding *ggroup.Group, err error) {
	if group, err = ggroup.Open("inference", ggroup.WithClass(ggroup.Latency)); err != nil {
		return nil, nil, err
	}
	opts := []ggroup.Option{ggroup.WithClass(ggroup.Latency)}
	if *cores == "shared" {
		opts = append(opts, ggroup.WithCompute(n))
	}
	if decoding, err = ggroup.Open("decode", opts...); err != nil {
		return nil, nil, errors.Join(err, crowd.Shutdown(group))
	}
	return group, decoding, nil
}

// beside runs f while hogs compute, and returns how many turns a second those
// made.
func beside(f func() (float64, error), turnSteps int) (value, turns float64, err error) {
	var end atomic.Bool
	var done atomic.Int64
	left := make(chan struct{}, *hogs)
	for range *hogs {
		go func() {
			for state := uint64(1); !end.Load(); done.Add(1) {
				state = crowd.Compute(state, turnSteps)
			}
			left <- struct{}{}
		}()
	}
	begin, before := time.Now(), done.Load()
	value, err = f()
	turns = float64(done.Load()-before) / time.Since(begin).Seconds()
	end.Store(true)
	for range *hogs {
		<-left
	}
	return value, turns, err
}

// A loop decodes a token of each sequence again and again.
type loop struct {
	model   engine.Model
	context engine.Context
	batch   *engine.Batch
}

func openLoop(n int, decoding *ggroup.Group) (*loop, error) {
	dir, err := llama.FindLibrary()
	if err != nil {
		return nil, err
	}
	library, err := llama.Open(dir, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	if err != nil {
		return nil, err
	}
	m, err := library.Load(context.Background(), *model, engine.ModelConfig{})
	if err != nil {
		return nil, fmt.Errorf("%w: `make models` writes build/models", err)
	}
	c, err := m.NewContext(engine.ContextConfig{
		ContextTokens: *sequences * contextTokens, MaxSequences: *sequences, Threads: n, BatchThreads: n, Decoding: decoding,
	})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &loop{m, c, engine.NewBatch(*sequences)}, nil
}

func (l *loop) close() error { return errors.Join(l.context.Close(), l.model.Close()) }

// run decodes for a while in a goroutine of group, and returns how many tokens
// a second it made.
func (l *loop) run(group *ggroup.Group, d time.Duration) (rate float64, err error) {
	done := make(chan error)
	err = group.Go(func() {
		begin, tokens := time.Now(), 0
		for at := 0; time.Since(begin) < d; at++ {
			if at == contextTokens {
				l.reset()
				at = 0
			}
			l.batch.Reset()
			for s := range *sequences {
				l.batch.Add(engine.Token(at%7), at, engine.SequenceID(s), true)
			}
			if err := l.context.Decode(l.batch); err != nil {
				done <- err
				return
			}
			tokens += *sequences
		}
		rate = float64(tokens) / time.Since(begin).Seconds()
		l.reset()
		done <- nil
	})
	if err != nil {
		return 0, err
	}
	err = <-done
	return rate, err
}

func (l *loop) reset() {
	for s := range *sequences {
		l.context.RemoveSequence(engine.SequenceID(s), 0, -1)
	}
}
