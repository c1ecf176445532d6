package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/gguf/seeded"
)

// text is what is generated, and by what.
type text struct {
	name          string
	model         engine.Model
	draftModel    engine.Model // nil if there is none
	ways          []string     // to guess
	questions     []question
	contextTokens int // of a sequence

	// prepare, if not nil, changes questions by what a loop without guesses answers.
	prepare func(*batch.Loop, []question) error
}

// texts opens the engines.
func texts(ctx context.Context) (all []*text, closeAll func() error, err error) {
	dir, err := os.MkdirTemp("", "weir-drafts-")
	if err != nil {
		return nil, nil, err
	}
	other := filepath.Join(dir, "other.gguf")
	var opened []engine.Model
	closeAll = func() (err error) {
		for _, m := range opened {
			err = errors.Join(err, m.Close())
		}
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := seeded.Write(other, seeded.Tiny, seeded.DefaultSeed+1); err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	libraryDir, err := llama.FindLibrary()
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	library, err := llama.Open(libraryDir, quiet())
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	for _, file := range []string{*demo, *tiny, other} {
		m, err := library.Load(ctx, file, engine.ModelConfig{})
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%w: `make models` writes build/models", err), closeAll())
		}
		opened = append(opened, m)
	}
	for _, make := range []func() (*text, error){
		func() (*text, error) { return chats(ctx, opened[0], "demo/repeats", true) },
		func() (*text, error) { return chats(ctx, opened[0], "demo/plain", false) },
		func() (*text, error) { return stories(ctx, opened[1], opened[2]) },
	} {
		t, err := make()
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		all = append(all, t)
	}
	return append(all, madeUp()...), closeAll, nil
}

// asked are questions that the demo model has long answers to.
var asked = []string{
	"Which option should I choose for my work?",
	"How do I call the server from a browser page?",
	"What parts does Weir have?",
	"What does WithCompute do?",
	"Is Weir secure?",
	"What are Critical and QuietPoint?",
	"When should I use Weir?",
	"Which rules must a patch obey?",
}

const (
	chatContext = 512 // tokens, as many as the demo model has learnt with
	chatAnswer  = 120 // tokens; the longest ends before
)

// chats are the demo model's answers. Where they repeat, each question has been asked and
// answered before in the same chat, as code is that is to be changed in one place.
func chats(ctx context.Context, m engine.Model, name string, repeats bool) (*text, error) {
	t := &text{name: name, model: m, ways: []string{"lookup"}, contextTokens: chatContext}
	for _, q := range asked {
		turn, err := m.Tokenize(ctx, nil, engine.Tokenizing{}, engine.Span{
			Text: "<|im_start|>user\n" + q + "<|im_end|>\n<|im_start|>assistant\n", Control: true,
		})
		if err != nil {
			return nil, err
		}
		t.questions = append(t.questions, question{prompt: turn, most: chatAnswer})
	}
	if !repeats {
		return t, nil
	}
	end, err := m.Tokenize(ctx, nil, engine.Tokenizing{}, engine.Span{Text: "<|im_end|>\n", Control: true})
	if err != nil {
		return nil, err
	}
	t.prepare = func(l *batch.Loop, questions []question) error {
		for i := range questions {
			q := &questions[i]
			if err := q.learn(l); err != nil {
				return err
			}
			q.prompt = slices.Concat(q.prompt, q.answer, end, q.prompt)
		}
		return nil
	}
	return t, nil
}

const (
	storyContext = 256 // tokens
	storyTokens  = 64  // of an answer
)

// stories are of a model with random weights: one with others never says the same, and
// to ask it costs as much as to compute.
func stories(ctx context.Context, m, drafts engine.Model) (*text, error) {
	t := &text{name: "seeded/plain", model: m, draftModel: drafts, ways: []string{"lookup", "model"}, contextTokens: storyContext}
	for _, begin := range []string{"Once upon a time", "The river runs under an old stone bridge"} {
		prompt, err := m.Tokenize(ctx, nil, engine.Tokenizing{AddSpecial: true}, engine.Span{Text: begin})
		if err != nil {
			return nil, err
		}
		t.questions = append(t.questions, question{prompt: prompt, most: storyTokens, whole: true})
	}
	return t, nil
}

// madeUp are texts of an engine of an accelerator's shape: a step takes its time, whatever
// it computes, and a row next to nothing.
func madeUp() (all []*text) {
	for _, kind := range []struct {
		name   string
		next   func([]engine.Token) engine.Token
		seldom int // one of so many guesses of the draft model is wrong
	}{
		{"made/repeats", again, mistaken},
		{"made/plain", noise, mistaken},
		{"made/misleads", misleading, 1},
	} {
		t := &text{name: kind.name, ways: []string{"lookup", "model"}, contextTokens: 4*period + 2**tokens}
		t.model = enginetest.New(enginetest.Options{Next: kind.next, Delay: takes(*stepTime)})
		t.draftModel = enginetest.New(enginetest.Options{Next: wrongly(kind.next, kind.seldom), Delay: takes(*stepTime / draftTimes)})
		for i := range 2 {
			t.questions = append(t.questions, question{prompt: noisy(i), most: *tokens, whole: true})
		}
		all = append(all, t)
	}
	return all
}

const (
	period     = 64 // tokens after which a text repeats
	mistaken   = 5
	draftTimes = 8 // so many steps of the draft model take as long as one of the engine
)

// takes is what a step takes that has so much for itself.
func takes(step time.Duration) func(*engine.Batch) time.Duration {
	return func(b *engine.Batch) time.Duration { return step + time.Duration(b.Len())**rowTime }
}

// noisy is a prompt of two periods of what repeats nowhere else.
func noisy(seed int) (prompt []engine.Token) {
	begin := []engine.Token{engine.Token(seed)}
	m := enginetest.New(enginetest.Options{})
	once, _ := enginetest.Reference(m, begin, ask.Sampling{}, period)
	return slices.Concat(once, once)
}

// again says what was said a period before.
func again(tokens []engine.Token) engine.Token {
	if len(tokens) < period {
		return noise(tokens)
	}
	return tokens[len(tokens)-period]
}

// noise leaves all to the engine, whose tokens are a hash of those before.
func noise([]engine.Token) engine.Token { return -1 }

// misleading says the same three tokens again and again, and something else behind them.
func misleading(tokens []engine.Token) engine.Token {
	const phrase = 4
	if at := len(tokens) % phrase; at < phrase-1 {
		return engine.Token('a' + at)
	}
	return -1
}

// wrongly is like next, and wrong once of seldom times.
func wrongly(next func([]engine.Token) engine.Token, seldom int) func([]engine.Token) engine.Token {
	return func(tokens []engine.Token) engine.Token {
		if len(tokens)%seldom == 0 {
			return unsaid
		}
		return next(tokens)
	}
}

// unsaid is a token that no text has.
const unsaid = enginetest.Separator
