package llama_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

func TestContextConfig(t *testing.T) {
	model := llamatest.Load(t)
	tests := []struct {
		name string
		cfg  engine.ContextConfig
		want engine.Limits // zero fields are not looked at
	}{
		{"defaults", engine.ContextConfig{}, engine.Limits{ContextTokens: 2048, SequenceTokens: 2048,
			MaxSequences: 1, BatchTokens: 2048, MicroBatchTokens: 512}},
		{"sequences", engine.ContextConfig{ContextTokens: 4096, MaxSequences: 4},
			engine.Limits{ContextTokens: 4096, SequenceTokens: 1024, MaxSequences: 4, BatchTokens: 2048}},
		{"small", engine.ContextConfig{ContextTokens: 256, BatchTokens: 64, MicroBatchTokens: 512},
			engine.Limits{ContextTokens: 256, BatchTokens: 64, MicroBatchTokens: 64}},
		{"most sequences", engine.ContextConfig{ContextTokens: 256 * 256, MaxSequences: 256},
			engine.Limits{SequenceTokens: 256, MaxSequences: 256}},
		{"threads", engine.ContextConfig{ContextTokens: 256, Threads: 1, BatchThreads: 1},
			engine.Limits{Threads: 1, BatchThreads: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := newContext(t, model, test.cfg).Limits()
			for _, f := range []struct {
				name      string
				got, want int
			}{
				{"ContextTokens", got.ContextTokens, test.want.ContextTokens},
				{"SequenceTokens", got.SequenceTokens, test.want.SequenceTokens},
				{"MaxSequences", got.MaxSequences, test.want.MaxSequences},
				{"BatchTokens", got.BatchTokens, test.want.BatchTokens},
				{"MicroBatchTokens", got.MicroBatchTokens, test.want.MicroBatchTokens},
				{"Threads", got.Threads, test.want.Threads},
				{"BatchThreads", got.BatchThreads, test.want.BatchThreads},
			} {
				if f.want != 0 && f.got != f.want {
					t.Errorf("%s is %d, want %d", f.name, f.got, f.want)
				}
			}
			if got.Threads < 1 || got.BatchThreads < 1 {
				t.Errorf("no threads: %+v", got)
			}
		})
	}
	for _, cfg := range []engine.ContextConfig{
		{MaxSequences: 257}, {MaxSequences: -1}, {ContextTokens: -1}, {ContextTokens: math.MaxInt32},
		{ContextTokens: 3, MaxSequences: 4}, {Threads: -1}, {BatchThreads: -2}, {BatchTokens: -1},
	} {
		if c, err := model.NewContext(cfg); err == nil {
			c.Close()
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	model := llamatest.Load(t)
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 512, MaxSequences: 2, BatchTokens: 300})
	batch := func(rows int, change func(*engine.Batch)) *engine.Batch {
		b := engine.NewBatch(rows)
		for i := range rows {
			b.Add(300, i, 0, true)
		}
		if change != nil {
			change(b)
		}
		return b
	}
	vocab := engine.Token(model.Info().VocabSize)
	tests := []struct {
		name  string
		batch *engine.Batch
		want  string
		is    error
	}{
		{"empty", batch(0, nil), "empty", nil},
		{"large", batch(301, nil), "301 tokens, more than BatchTokens 300", nil},
		{"token", batch(2, func(b *engine.Batch) { b.Tokens[1] = vocab }), "not in the vocabulary", nil},
		{"negative token", batch(2, func(b *engine.Batch) { b.Tokens[1] = -1 }), "not in the vocabulary", nil},
		{"sequence", batch(2, func(b *engine.Batch) { b.Sequences[1] = 2 }), "not below MaxSequences 2", nil},
		{"negative sequence", batch(2, func(b *engine.Batch) { b.Sequences[0] = -1 }), "not below MaxSequences 2", nil},
		{"position", batch(2, func(b *engine.Batch) { b.Positions[0] = -1 }), "negative", nil},
		{"lengths", batch(2, func(b *engine.Batch) { b.Logits = b.Logits[:1] }), "differ in length", nil},
		{"gap", batch(2, func(b *engine.Batch) { b.Positions[1] = 9 }), "code -1", nil},
		{"no space", batch(257, nil), "no space", engine.ErrNoCacheSpace},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := c.Decode(test.batch)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v is not %v", err, test.is)
			}
			if _, err := c.Logits(0); err == nil {
				t.Error("there are logits of a batch that failed")
			}
		})
	}
	// None of it has left anything behind.
	if err := c.Decode(batch(256, nil)); err != nil {
		t.Error(err)
	}
	for _, row := range []int{-1, 256} {
		if _, err := c.Logits(row); err == nil {
			t.Errorf("row %d has logits", row)
		}
	}
}
