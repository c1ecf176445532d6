package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/engine/llama"
)

// openModel loads the model.
func openModel(ctx context.Context) (engine.Model, error) {
	dir, err := llama.FindLibrary()
	if err != nil {
		return nil, err
	}
	library, err := llama.Open(dir, quiet())
	if err != nil {
		return nil, err
	}
	m, err := library.Load(ctx, *model, engine.ModelConfig{})
	if err != nil {
		return nil, fmt.Errorf("%w: `make models` writes build/models", err)
	}
	return m, nil
}

// madeUp is an engine of an accelerator's shape: its steps take as long, with few rows and
// with many, but for a 280th part of that for each.
func madeUp() engine.Model {
	return enginetest.New(enginetest.Options{Delay: func(b *engine.Batch) time.Duration {
		return *stepTime + time.Duration(b.Len())**rowTime
	}})
}

func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// openLoop opens a loop with a policy.
func openLoop(m engine.Model, group *ggroup.Group, policy string, objective time.Duration) (*batch.Loop, error) {
	cfg := batch.Config{MaxSequences: *sequences, QueueLimit: 1 << 14, Group: group, Log: quiet()}
	ec := engine.ContextConfig{
		// One sequence more than the loop has is for what a batch is filled up with.
		MaxSequences: *sequences + 1, ContextTokens: (*sequences + 1) * (*promptTokens + max(*tokens, aloneTokens) + *batchTokens),
		Threads: *threads, BatchThreads: *threads,
	}
	switch policy {
	case "padded", "fixed":
		// Where nobody decodes the policy is not asked: then this is the size.
		ec.BatchTokens, cfg.Pacing = *batchTokens, fixed(*batchTokens)
		if policy == "padded" {
			m = padded{m, *batchTokens, engine.SequenceID(*sequences)}
		}
	case "article":
		const most = 512
		ec.BatchTokens, cfg.Pacing = max(most, *batchTokens), new(pace.Article)
	case "learned":
		cfg.TPOT, cfg.Pacing = objective, new(pace.Learned)
	default:
		return nil, errors.New("no such policy")
	}
	return batch.New(m, ec, cfg)
}

// fixed is a policy of steps of one size, prompts and answers together.
type fixed int

// Observe implements pace.Policy.
func (fixed) Observe(pace.Observation) {}

// Decide implements pace.Policy.
func (f fixed) Decide(d pace.Demand) pace.Decision {
	prompts := min(int(f)-d.DecodeRows, d.Limits.MostPrompt)
	return pace.Decision{PromptTokens: max(1, d.Limits.LeastPrompt, prompts), Sequences: d.Limits.Sequences}
}

// padded is a model whose contexts fill each batch up to a number of rows, with tokens of
// a sequence that is nobody's: an engine that computes batches of one size alone.
type padded struct {
	engine.Model
	rows  int
	spare engine.SequenceID
}

// NewContext implements engine.Model.
func (p padded) NewContext(c engine.ContextConfig) (engine.Context, error) {
	made, err := p.Model.NewContext(c)
	if err != nil {
		return nil, err
	}
	return paddedContext{made, p}, nil
}

type paddedContext struct {
	engine.Context
	of padded
}

// Decode implements engine.Context. The rows are behind those of the batch, which keep
// their places.
func (c paddedContext) Decode(b *engine.Batch) error {
	for at := 0; b.Len() < c.of.rows; at++ {
		b.Add(0, at, c.of.spare, false)
	}
	err := c.Context.Decode(b)
	c.Context.RemoveSequence(c.of.spare, 0, -1)
	return err
}
