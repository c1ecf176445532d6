package answers

import (
	"context"
	"errors"
	"fmt"

	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/scripts/models/train/lesson"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
)

// Asker is an open model.
type Asker struct {
	model    engine.Model
	context  engine.Context
	template *chat.Template
	batch    *engine.Batch
	limit    int // tokens of a conversation
}

// Open opens the model at path; the engine library must be there.
func Open(ctx context.Context, path string) (*Asker, error) {
	dir, err := llama.FindLibrary()
	if err != nil {
		return nil, fmt.Errorf("answers: %w", err)
	}
	library, err := llama.Open(dir, nil)
	if err != nil {
		return nil, fmt.Errorf("answers: %w", err)
	}
	model, err := library.Load(ctx, path, engine.ModelConfig{})
	if err != nil {
		return nil, fmt.Errorf("answers: %w", err)
	}
	a := &Asker{model: model}
	if a.context, err = model.NewContext(engine.ContextConfig{}); err != nil {
		return nil, errors.Join(fmt.Errorf("answers: %w", err), a.Close())
	}
	info := model.Info()
	text := func(token engine.Token) string {
		if token < 0 {
			return ""
		}
		return string(model.AppendPiece(nil, token, true))
	}
	if a.template, err = chat.New(info.ChatTemplate, text(info.BOS), text(info.EOS)); err != nil {
		return nil, errors.Join(fmt.Errorf("answers: %w", err), a.Close())
	}
	limits := a.context.Limits()
	a.limit = min(limits.SequenceTokens, limits.BatchTokens)
	a.batch = engine.NewBatch(a.limit)
	return a, nil
}

// Close frees the model.
func (a *Asker) Close() error {
	var err error
	if a.context != nil {
		err = a.context.Close()
	}
	return errors.Join(err, a.model.Close())
}

// Expected returns what the conversation's last turn is as text of the model.
func (a *Asker) Expected(c corpus.Conversation) (string, error) {
	return lesson.Expected(a.template, c)
}

// Ask returns the model's own last turn.
func (a *Asker) Ask(ctx context.Context, c corpus.Conversation) (string, error) {
	pieces, err := lesson.Render(a.template, c, len(c.Messages)-1)
	if err != nil {
		return "", err
	}
	spans := make([]engine.Span, len(pieces))
	for i, p := range pieces {
		spans[i] = engine.Span{Text: p.Text, Control: p.Trusted}
	}
	tokens, err := a.model.Tokenize(ctx, nil, engine.Tokenizing{AddSpecial: true, LimitTokens: a.limit}, spans...)
	if err != nil {
		return "", fmt.Errorf("answers: %s: %w", c.ID, err)
	}
	a.context.RemoveSequence(0, 0, -1)
	a.batch.Reset()
	for i, token := range tokens {
		a.batch.Add(token, i, 0, i == len(tokens)-1)
	}
	var text []byte
	for at := len(tokens); ; at++ {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := a.context.Decode(a.batch); err != nil {
			return "", fmt.Errorf("answers: %s: %w", c.ID, err)
		}
		row, err := a.context.Logits(a.batch.Len() - 1)
		if err != nil {
			return "", fmt.Errorf("answers: %s: %w", c.ID, err)
		}
		token := likeliest(row)
		if a.model.IsEndOfGeneration(token) || at >= a.limit {
			return string(text), nil
		}
		text = a.model.AppendPiece(text, token, false)
		a.batch.Reset()
		a.batch.Add(token, at, 0, true)
	}
}

func likeliest(row []float32) engine.Token {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return engine.Token(best)
}

// Answer is what came of one question.
type Answer struct {
	Conversation corpus.Conversation
	Got, Want    string
}

// Exact reports whether the answer is the known one.
func (a *Answer) Exact() bool { return a.Got == a.Want }

// AskAll asks every question.
func (a *Asker) AskAll(ctx context.Context, questions []corpus.Conversation) ([]Answer, error) {
	all := make([]Answer, len(questions))
	for i, c := range questions {
		want, err := a.Expected(c)
		if err != nil {
			return nil, err
		}
		got, err := a.Ask(ctx, c)
		if err != nil {
			return nil, err
		}
		all[i] = Answer{c, got, want}
	}
	return all, nil
}

// Agree returns the share of questions that two models answer alike, in [0, 1].
func Agree(a, b []Answer) float64 {
	same := 0
	for i := range a {
		if a[i].Got == b[i].Got {
			same++
		}
	}
	return float64(same) / float64(max(len(a), 1))
}

// ShareExact returns the share of exact answers, in [0, 1].
func ShareExact(all []Answer) float64 {
	exact := 0
	for i := range all {
		if all[i].Exact() {
			exact++
		}
	}
	return float64(exact) / float64(max(len(all), 1))
}
