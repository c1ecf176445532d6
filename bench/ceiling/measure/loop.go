package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/sampling"
)

// measureLoop runs the bare loop at each size.
func measureLoop(ctx context.Context, r *sample.Recorder, sizes []int) (err error) {
	dir, err := llama.FindLibrary()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	library, err := llama.Open(dir, log)
	if err != nil {
		return err
	}
	m, err := library.Load(ctx, *model, engine.ModelConfig{})
	if err != nil {
		return fmt.Errorf("%w: `make models` writes build/models", err)
	}
	defer m.Close()
	llm, err := m.NewContext(engine.ContextConfig{
		ContextTokens: *sequences * *contextOf, MaxSequences: *sequences, Threads: *threads, BatchThreads: *threads,
	})
	if err != nil {
		return err
	}
	defer llm.Close()
	for _, size := range sizes {
		if _, err := loopWave(m, llm, size, min(*tokens, 16)); err != nil { // warm up
			return err
		}
		var waves []wave
		cpuBefore, err := sample.ProcessCPU(os.Getpid())
		if err != nil {
			return err
		}
		err = repeat(func() error {
			w, err := loopWave(m, llm, size, *tokens)
			waves = append(waves, w)
			return err
		})
		if err != nil {
			return err
		}
		cpuAfter, err := sample.ProcessCPU(os.Getpid())
		if err != nil {
			return err
		}
		r.Set(name(size, "tokens_per_s"), rate(waves))
		r.Set(name(size, "cpu_us_per_token"), load.PerToken(cpuAfter-cpuBefore, len(waves)*size**tokens))
	}
	return nil
}

// loopWave lets size sequences make n tokens each.
func loopWave(m engine.Model, llm engine.Context, size, n int) (w wave, err error) {
	batch := engine.NewBatch(llm.Limits().BatchTokens)
	samplers, rows, memory := make([]*sampling.Sampler, size), make([]int, size), new(sampling.Row)
	positions, next := make([]int, size), make([]engine.Token, size)
	defer func() {
		for i := range size {
			llm.RemoveSequence(engine.SequenceID(i), 0, -1)
		}
	}()
	for i := range size {
		samplers[i] = sampling.New(samplerConfig(i))
		tokens, err := m.Tokenize(context.Background(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: request(n).NumberedPrompt(i)})
		if err != nil {
			return wave{}, err
		}
		if batch.Len()+len(tokens) > llm.Limits().BatchTokens {
			return wave{}, fmt.Errorf("the prompts of %d sequences do not fit a batch of %d tokens", size, llm.Limits().BatchTokens)
		}
		for at, token := range tokens {
			rows[i] = batch.Add(token, at, engine.SequenceID(i), at == len(tokens)-1)
		}
		positions[i] = len(tokens)
	}
	step := func() error {
		if err := llm.Decode(batch); err != nil {
			return err
		}
		for i, s := range samplers {
			logits, err := llm.Logits(rows[i])
			if err != nil {
				return err
			}
			if next[i], err = s.Next(memory, logits); err != nil {
				return err
			}
		}
		return nil
	}
	if err := step(); err != nil {
		return wave{}, err
	}
	begin := time.Now()
	for range n - 1 {
		batch.Reset()
		for i := range size {
			rows[i] = batch.Add(next[i], positions[i], engine.SequenceID(i), true)
			positions[i]++
		}
		if err := step(); err != nil {
			return wave{}, err
		}
	}
	return wave{tokens: float64(size * (n - 1)), window: time.Since(begin)}, nil
}
