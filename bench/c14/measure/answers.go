package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
)

// request is one of n tokens after a prompt that no other has. Its tokens are of the
// second quarter of the vocabulary: none of them controls anything.
func request(random *rand.Rand, vocabulary, promptTokens, n int) *ask.Request {
	prompt := make([]ask.Token, promptTokens)
	for i := range prompt {
		prompt[i] = ask.Token(vocabulary/4 + random.IntN(vocabulary/4))
	}
	return &ask.Request{
		Prompt: ask.Prompt{Tokens: prompt}, MaxTokens: n, IgnoreEOS: true, TopLogprobs: -1,
		Sampling: ask.Sampling{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, Seed: random.Uint32()},
	}
}

// follow reads an answer to its end and tells of each gap between two tokens. Tokens that
// are read together came together.
func follow(g *batch.Generation, gap func(time.Duration)) error {
	feed, entry := mailbox.NewFeed(), new(mailbox.Entry)
	entry.Init(feed, g)
	g.Announce(entry)
	var taken []*mailbox.Entry
	var results [16]batch.Result
	var last time.Time
	for {
		n, err := g.Poll(results[:])
		switch {
		case err == io.EOF:
			if f := g.Finish(); f.Reason != ask.FinishLength {
				return fmt.Errorf("an answer ended with %v: %w", f.Reason, errors.Join(f.Err, errNotWhole))
			}
			return nil
		case err != nil:
			return err
		case n == 0:
			feed.Wait()
			taken = feed.Take(taken[:0])
			continue
		}
		now := time.Now()
		for i := range n {
			if i == 0 && !last.IsZero() {
				gap(now.Sub(last))
			} else if i > 0 {
				gap(0)
			}
		}
		last = now
	}
}

var errNotWhole = errors.New("it was to be of a length")

// limits are what the machine can do.
type limits struct {
	gap       time.Duration // median, of a stream that is alone
	perSecond float64       // requests
}

// aloneTokens are of the stream that is alone.
const aloneTokens = 256

// calibrate measures a stream alone, and a closed loop.
func calibrate(m engine.Model, group *ggroup.Group) (found limits, err error) {
	l, err := openLoop(m, group, "fixed", 0)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	g, err := l.Submit(request(rand.New(rand.NewPCG(0, 0)), m.Info().VocabSize, 1, aloneTokens))
	if err != nil {
		return found, err
	}
	var gaps delay.Set
	if err := follow(g, gaps.Add); err != nil {
		return found, err
	}
	found.gap = gaps.Quantile(0.5)
	found.perSecond, err = closed(l, m.Info().VocabSize)
	return found, err
}

// closed keeps so many requests in flight, and returns how many a second that is: by
// the tokens that were computed, as few end.
func closed(l *batch.Loop, vocabulary int) (perSecond float64, err error) {
	begin, before := time.Now(), l.Stats()
	failures := make([]error, *closedLoop)
	var done sync.WaitGroup
	for i := range failures {
		done.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for failures[i] == nil && time.Since(begin) < seconds(*capacitySeconds) {
				g, err := l.Submit(request(random, vocabulary, *promptTokens, *tokens))
				if err == nil {
					err = follow(g, func(time.Duration) {})
				}
				failures[i] = err
			}
		})
	}
	<-time.After(seconds(*capacitySeconds))
	after, took := l.Stats(), time.Since(begin)
	done.Wait()
	rows := after.PromptTokens + after.CompletionTokens - before.PromptTokens - before.CompletionTokens
	if rows == 0 && errors.Join(failures...) == nil {
		return 0, errors.New("the closed loop computed nothing: give more -capacity-seconds")
	}
	return float64(rows) / took.Seconds() / float64(*promptTokens+*tokens), errors.Join(failures...)
}
