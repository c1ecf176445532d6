package llama_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/sampling"
)

// newContext makes a context that closes when the test ends.
func newContext(t testing.TB, model engine.Model, cfg engine.ContextConfig) engine.Context {
	t.Helper()
	c, err := model.NewContext(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// draw draws a token from a row of the last batch.
func draw(t testing.TB, c engine.Context, s *sampling.Sampler, memory *sampling.Row, row int) engine.Token {
	t.Helper()
	logits, err := c.Logits(row)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Next(memory, logits)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func tokenize(t testing.TB, model engine.Model, text string) []engine.Token {
	t.Helper()
	tokens, err := model.Tokenize(t.Context(), nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// generate returns n greedy tokens after a prompt, from a context of its own.
func generate(t testing.TB, model engine.Model, prompt string, n int) []engine.Token {
	t.Helper()
	c, err := model.NewContext(engine.ContextConfig{ContextTokens: 256})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return generateAll(t, model, c, []string{prompt}, n, ask.Sampling{})[0]
}

// generateAll continues prompt i in sequence i, all in one batch each step.
func generateAll(t testing.TB, model engine.Model, c engine.Context, prompts []string, n int, cfg ask.Sampling) [][]engine.Token {
	t.Helper()
	batch := engine.NewBatch(c.Limits().BatchTokens)
	out := make([][]engine.Token, len(prompts))
	rows := make([]int, len(prompts))
	pos := make([]int, len(prompts))
	samplers, memory := make([]*sampling.Sampler, len(prompts)), new(sampling.Row)
	for i, prompt := range prompts {
		tokens := tokenize(t, model, prompt)
		for at, token := range tokens {
			rows[i] = batch.Add(token, at, engine.SequenceID(i), at == len(tokens)-1)
		}
		pos[i] = len(tokens)
		samplers[i] = sampling.New(cfg)
	}
	for range n {
		if err := c.Decode(batch); err != nil {
			t.Fatal(err)
		}
		batch.Reset()
		for i, s := range samplers {
			out[i] = append(out[i], draw(t, c, s, memory, rows[i]))
		}
		for i := range prompts {
			rows[i] = batch.Add(out[i][len(out[i])-1], pos[i], engine.SequenceID(i), true)
			pos[i]++
		}
	}
	return out
}

func prompts(n int) (texts []string) {
	words := strings.Fields("the river runs under an old stone bridge where children watch small boats go by at dawn")
	for i := range n {
		texts = append(texts, fmt.Sprintf("%d: %s", i, strings.Join(words[:1+i%len(words)], " ")))
	}
	return texts
}

func TestBatchEqualsAlone(t *testing.T) {
	t.Run("F32", func(t *testing.T) { checkBatchEqualsAlone(t, llamatest.Load(t)) })
	t.Run("Q8_0", func(t *testing.T) {
		lib := llamatest.Open(t)
		path := filepath.Join(t.TempDir(), "q8_0.gguf")
		if err := lib.Quantize(t.Context(), llamatest.Model(t), path, "Q8_0"); err != nil {
			t.Fatal(err)
		}
		model, err := lib.Load(t.Context(), path, engine.ModelConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { model.Close() })
		checkBatchEqualsAlone(t, model)
	})
}

func checkBatchEqualsAlone(t *testing.T, model engine.Model) {
	const count, length = 16, 48
	c := newContext(t, model, engine.ContextConfig{ContextTokens: count * 256, MaxSequences: count})
	texts := prompts(count)
	together := generateAll(t, model, c, texts, length, ask.Sampling{})
	different := 0
	for i, text := range texts {
		alone := generate(t, model, text, length)
		if !slices.Equal(together[i], alone) {
			t.Errorf("prompt %d: in the batch %v, alone %v", i, together[i], alone)
		}
		if !slices.Equal(alone, together[0]) {
			different++
		}
	}
	if different < count/2 {
		t.Errorf("only %d of %d outputs differ from the first: the test shows little", different, count)
	}
}

func TestSamePromptTwice(t *testing.T) {
	model := llamatest.Load(t)
	if a, b := generate(t, model, "Once upon a time", 64), generate(t, model, "Once upon a time", 64); !slices.Equal(a, b) {
		t.Errorf("%v, then %v", a, b)
	}
}

// TestRowOrder decodes the same rows in another order and with gaps between
// the sequences: each row's logits stay its own.
func TestRowOrder(t *testing.T) {
	model := llamatest.Load(t)
	want := map[engine.SequenceID][]float32{}
	for _, order := range [][]engine.SequenceID{{0, 2, 5, 7}, {7, 0, 5, 2}} {
		c := newContext(t, model, engine.ContextConfig{ContextTokens: 8 * 256, MaxSequences: 8})
		batch := engine.NewBatch(8)
		for pos := range 2 { // two rows of each sequence, interleaved
			for _, seq := range order {
				batch.Add(engine.Token(300+int(seq)), pos, seq, pos == 1)
			}
		}
		if err := c.Decode(batch); err != nil {
			t.Fatal(err)
		}
		for i, seq := range order {
			logits, err := c.Logits(len(order) + i)
			if err != nil {
				t.Fatal(err)
			}
			if want[seq] == nil {
				want[seq] = slices.Clone(logits)
			} else if !slices.Equal(logits, want[seq]) {
				t.Errorf("sequence %d: logits differ when the rows come as %v", seq, order)
			}
			if _, err := c.Logits(i); err == nil {
				t.Errorf("row %d has logits without asking", i)
			}
		}
	}
	if slices.Equal(want[0], want[2]) {
		t.Error("different tokens gave the same logits")
	}
}

func TestLogitsAreADistribution(t *testing.T) {
	model := llamatest.Load(t)
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 256})
	batch := engine.NewBatch(64)
	for i, token := range tokenize(t, model, "A distribution over the whole vocabulary") {
		batch.Add(token, i, 0, true)
	}
	if err := c.Decode(batch); err != nil {
		t.Fatal(err)
	}
	greedy, memory := sampling.New(ask.Sampling{}), new(sampling.Row)
	for row := range batch.Len() {
		logits, err := c.Logits(row)
		if err != nil {
			t.Fatal(err)
		}
		if len(logits) != model.Info().VocabSize {
			t.Fatalf("%d logits, want %d", len(logits), model.Info().VocabSize)
		}
		peak := slices.Max(logits)
		var sum, probabilities float64
		for _, v := range logits {
			sum += math.Exp(float64(v - peak))
		}
		for _, v := range logits {
			probabilities += math.Exp(float64(v-peak)) / sum
		}
		if math.Abs(probabilities-1) > 1e-3 {
			t.Errorf("row %d: probabilities sum to %v", row, probabilities)
		}
		token := draw(t, c, greedy, memory, row)
		if logits[token] != peak {
			t.Errorf("row %d: greedy took %d with logit %v, the highest is %v", row, token, logits[token], peak)
		}
	}
}

func TestRemoveAndReuse(t *testing.T) {
	model := llamatest.Load(t)
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 4 * 256, MaxSequences: 4})
	texts := prompts(4)
	first := generateAll(t, model, c, texts, 8, ask.Sampling{})
	for seq := range engine.SequenceID(4) {
		if !c.RemoveSequence(seq, 0, -1) {
			t.Fatalf("sequence %d was not removed", seq)
		}
	}
	slices.Reverse(texts)
	second := generateAll(t, model, c, texts, 8, ask.Sampling{})
	slices.Reverse(second)
	for i := range first {
		if !slices.Equal(first[i], second[i]) {
			t.Errorf("prompt %d: %v, in a reused sequence %v", i, first[i], second[i])
		}
	}
	if !c.RemoveSequence(3, 2, -1) {
		t.Error("the end of a sequence was not removed")
	}
	if c.RemoveSequence(4, 0, -1) || c.RemoveSequence(-1, 0, -1) {
		t.Error("a sequence out of range was removed")
	}
}

func TestSampling(t *testing.T) {
	model := llamatest.Load(t)
	say := func(cfg ask.Sampling) []engine.Token {
		c := newContext(t, model, engine.ContextConfig{ContextTokens: 256})
		return generateAll(t, model, c, []string{"Once upon a time"}, 32, cfg)[0]
	}
	greedy := say(ask.Sampling{})
	hot := ask.Sampling{Temperature: 1.5, Seed: 7}
	other := hot
	other.Seed = 8
	tests := []struct {
		name  string
		cfg   ask.Sampling
		as    []engine.Token
		equal bool
	}{
		{"same seed", hot, say(hot), true},
		{"another seed", other, say(hot), false},
		{"hot", hot, greedy, false},
		{"negative temperature", ask.Sampling{Temperature: -1}, greedy, true},
		{"not a number", ask.Sampling{Temperature: float32(math.NaN())}, greedy, true},
		{"top-k 1", ask.Sampling{Temperature: 1, TopK: 1, Seed: 3}, greedy, true},
		{"top-p nearly 0", ask.Sampling{Temperature: 1, TopP: 1e-6, Seed: 3}, greedy, true},
		{"min-p 1", ask.Sampling{Temperature: 1, MinP: 1, Seed: 3}, greedy, true},
		{"top-p 1 and top-k 0 leave all", ask.Sampling{Temperature: 1.5, TopP: 1, Seed: 7}, say(hot), true},
		{"cold", ask.Sampling{Temperature: 1e-4, Seed: 3}, greedy, true},
	}
	for _, test := range tests {
		if got := say(test.cfg); slices.Equal(got, test.as) != test.equal {
			t.Errorf("%s: %v, compared with %v, equal should be %t", test.name, got, test.as, test.equal)
		}
	}
}

func TestAbort(t *testing.T) {
	model := llamatest.Load(t)
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 2048, BatchTokens: 2048, MicroBatchTokens: 512})
	prefill := engine.NewBatch(2048)
	for i := range 2048 {
		prefill.Add(engine.Token(300+i%1000), i, 0, i == 2047)
	}
	// Nothing tells when a Decode has begun, so the abort comes later and
	// later, until the prefill is faster or it has fallen into it many times.
	for delay := time.Duration(0); delay <= 5*time.Millisecond; delay += time.Millisecond {
		aborted := make(chan struct{})
		timer := time.AfterFunc(delay, func() { c.Abort(); close(aborted) })
		err := c.Decode(prefill)
		if !timer.Stop() {
			<-aborted // and not after Resume
		}
		faster := err == nil
		if !faster && !errors.Is(err, engine.ErrAborted) {
			t.Fatalf("error %v, want ErrAborted", err)
		}
		if _, err := c.Logits(2047); err == nil && !faster {
			t.Error("there are logits after an abort")
		}
		c.Resume()
		if !c.RemoveSequence(0, 0, -1) {
			t.Fatal("the sequence was not removed")
		}
		if faster {
			t.Logf("the prefill took less than %v", delay)
			break
		}
	}

	c.Abort()
	if err := c.Decode(prefill); !errors.Is(err, engine.ErrAborted) {
		t.Errorf("error %v, want ErrAborted until Resume", err)
	}
	c.Resume()
	got := generateAll(t, model, c, []string{"Once upon a time"}, 16, ask.Sampling{})[0]
	if want := generate(t, model, "Once upon a time", 16); !slices.Equal(got, want) {
		t.Errorf("after an abort %v, want %v", got, want)
	}
}

func TestNoAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("not supported: under the race detector a sync.Pool forgets, and calls into C allocate")
	}
	model := llamatest.Load(t)
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 8 * 256, MaxSequences: 8})
	memory := new(sampling.Row)
	samplers := []*sampling.Sampler{sampling.New(ask.Sampling{}),
		sampling.New(ask.Sampling{Temperature: 1, TopK: 40, TopP: 0.9, MinP: 0.05, Seed: 1})}
	batch := engine.NewBatch(8)
	var piece []byte
	pos := 0
	step := func() {
		batch.Reset()
		for seq := range engine.SequenceID(8) {
			batch.Add(300, pos, seq, true)
		}
		if err := c.Decode(batch); err != nil {
			t.Fatal(err)
		}
		for row := range 8 {
			token := draw(t, c, samplers[row%2], memory, row)
			piece = model.AppendPiece(piece[:0], token, true)
			model.IsEndOfGeneration(token)
		}
		pos++
	}
	step()
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
}

// TestThreads computes on a pool of two threads, which on two cores or fewer
// is one too many and said so.
func TestThreads(t *testing.T) {
	model := llamatest.Load(t)
	var out bytes.Buffer
	if _, err := llama.Open(llamatest.Library(t), slog.New(slog.NewTextHandler(&out, nil))); err != nil {
		t.Fatal(err)
	}
	c := newContext(t, model, engine.ContextConfig{ContextTokens: 256, Threads: 2})
	if got := c.Limits(); got.Threads != 2 || got.BatchThreads != 2 {
		t.Errorf("limits %+v", got)
	}
	if warned := strings.Contains(out.String(), "oversubscribe"); warned != (llama.DefaultThreads() < 2) {
		t.Errorf("%d threads would do: %q", llama.DefaultThreads(), out.String())
	}
	got := generateAll(t, model, c, []string{"Once upon a time"}, 4, ask.Sampling{})[0]
	if want := generate(t, model, "Once upon a time", 4); !slices.Equal(got, want) {
		t.Errorf("two threads gave %v, one %v", got, want)
	}
}
