package main

import (
	"context"
	"errors"
	"time"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/sampling"
)

// loop is a bare decode loop: the library, the server's sampler, nothing else.
type loop struct {
	model   engine.Model
	context engine.Context
	row     sampling.Row
	first   engine.Token // of the first sequence, the others' follow
}

func openLoop(ctx context.Context, path string) (l *loop, err error) {
	dir, err := llama.FindLibrary()
	if err != nil {
		return nil, err
	}
	library, err := llama.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	l = &loop{first: 300}
	if l.model, err = library.Load(ctx, path, engine.ModelConfig{}); err != nil {
		return nil, err
	}
	l.context, err = l.model.NewContext(engine.ContextConfig{
		ContextTokens: streams * contextOf, MaxSequences: streams, Threads: *threads, BatchThreads: *threads,
	})
	if err != nil {
		return nil, errors.Join(err, l.model.Close())
	}
	return l, nil
}

func (l *loop) close() error { return errors.Join(l.context.Close(), l.model.Close()) }

// run lets some sequences make n tokens each, and returns the time of all but the
// first step.
func (l *loop) run(sequences, n int) (time.Duration, error) {
	d := load.DefaultSampling
	samplers, next := make([]*sampling.Sampler, sequences), make([]engine.Token, sequences)
	for i := range samplers {
		samplers[i] = sampling.New(ask.Sampling{
			Temperature: float32(d.Temperature), TopK: d.TopK, TopP: float32(d.TopP), MinP: float32(d.MinP), Seed: uint32(i),
		})
		next[i] = l.first + engine.Token(i)
		l.context.RemoveSequence(engine.SequenceID(i), 0, -1)
	}
	batch := engine.NewBatch(sequences)
	var begin time.Time
	for at := range n {
		if at == 1 {
			begin = time.Now()
		}
		batch.Reset()
		for i, token := range next {
			batch.Add(token, at, engine.SequenceID(i), true)
		}
		if err := l.context.Decode(batch); err != nil {
			return 0, err
		}
		for i, s := range samplers {
			logits, err := l.context.Logits(i)
			if err != nil {
				return 0, err
			}
			if next[i], err = s.Next(&l.row, logits); err != nil {
				return 0, err
			}
		}
	}
	return time.Since(begin), nil
}
