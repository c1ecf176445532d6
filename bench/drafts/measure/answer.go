package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
)

// question is a prompt with its answer as it is without guesses.
type question struct {
	prompt []engine.Token
	most   int  // tokens of its answer
	whole  bool // the answer has as many, whatever the model would end with

	answer []engine.Token
	lead   []float32 // by how much each token of it is likelier than the next likeliest, as logarithms
}

// request asks for its answer.
func (q *question) request(topLogprobs int) *ask.Request {
	return &ask.Request{
		Prompt: ask.Prompt{Tokens: q.prompt}, MaxTokens: q.most, IgnoreEOS: q.whole, TopLogprobs: topLogprobs,
	}
}

// learn has the answer given without guesses.
func (q *question) learn(l *batch.Loop) error {
	g, err := l.Submit(q.request(2))
	if err != nil {
		return err
	}
	q.answer, q.lead = nil, nil
	_, err = follow(g, func(r batch.Result) {
		q.answer = append(q.answer, r.Token)
		lead := float32(0)
		if len(r.Top) == 2 {
			lead = r.Top[0].Logprob - r.Top[1].Logprob
		}
		q.lead = append(q.lead, lead)
	})
	if err == nil && len(q.answer) < 2 {
		err = fmt.Errorf("an answer has %d tokens: %w", len(q.answer), errTooShort)
	}
	return err
}

var errTooShort = errors.New("there is nothing to guess")

// verdict is how an answer compares with the one that is known.
type verdict int

const (
	same  verdict = iota
	parts         // where two tokens are as likely, but for what a batch's shape rounds
	wrong
)

// rounding is how likely two tokens may differ, as logarithms, and an engine that computes
// batches of other shapes take the one for the other.
const rounding = 0.05

// judge compares tokens with the answer.
func (q *question) judge(got []engine.Token) verdict {
	for i := range min(len(got), len(q.answer)) {
		if got[i] == q.answer[i] {
			continue
		}
		if q.lead[i] < rounding {
			return parts
		}
		return wrong
	}
	if len(got) != len(q.answer) {
		return wrong
	}
	return same
}

// ask has the question answered, and says how that compares and what it took.
func (q *question) ask(l *batch.Loop) (verdict, batch.Finish, error) {
	g, err := l.Submit(q.request(-1))
	if err != nil {
		return wrong, batch.Finish{}, err
	}
	got := make([]engine.Token, 0, q.most)
	f, err := follow(g, func(r batch.Result) { got = append(got, r.Token) })
	return q.judge(got), f, err
}

// follow reads an answer to its end and tells of each token.
func follow(g *batch.Generation, tell func(batch.Result)) (batch.Finish, error) {
	feed, entry := mailbox.NewFeed(), new(mailbox.Entry)
	entry.Init(feed, g)
	g.Announce(entry)
	var taken []*mailbox.Entry
	var results [16]batch.Result
	for {
		n, err := g.Poll(results[:])
		for _, r := range results[:n] {
			tell(r)
		}
		switch {
		case err == io.EOF:
			f := g.Finish()
			if f.Reason != ask.FinishLength && f.Reason != ask.FinishStop {
				return f, fmt.Errorf("an answer ended with %v: %w", f.Reason, errors.Join(f.Err, errNotWhole))
			}
			return f, nil
		case err != nil:
			return batch.Finish{}, err
		case n == 0:
			feed.Wait()
			taken = feed.Take(taken[:0])
		}
	}
}

var errNotWhole = errors.New("it was to be whole")
