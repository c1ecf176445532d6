package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
)

// comparison is what came of a text with so many streams.
type comparison struct {
	questions      []question
	guessers       []*guesser
	failed, parted int // answers
}

// guesser is a loop that guesses in one way, and what it has done in the turns that count.
type guesser struct {
	name string
	loop *batch.Loop

	took, cpu              time.Duration
	tokens, guessed, right int           // generated, and of guesses
	speeds                 []float64     // turn by turn, over that without guesses
	lastTook               time.Duration // of the last turn
}

// quiet logs errors alone.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// open makes the loop of a way to guess.
func (t *text) open(way string, n int) (*guesser, error) {
	cfg := batch.Config{MaxSequences: n, Log: quiet()}
	switch way {
	case "lookup":
		cfg.Draft.Lookup = true
	case "model":
		cfg.DraftModel = t.draftModel
	}
	ec := engine.ContextConfig{
		MaxSequences: n, ContextTokens: n * t.contextTokens, Threads: *threads, BatchThreads: *threads,
	}
	l, err := batch.New(t.model, ec, cfg)
	return &guesser{name: way, loop: l}, err
}

// compare measures a text with so many streams.
func compare(t *text, n int) (c *comparison, err error) {
	c = &comparison{questions: slices.Clone(t.questions)}
	defer func() {
		for _, g := range c.guessers {
			err = errors.Join(err, g.loop.Close())
		}
	}()
	for _, way := range append([]string{"none"}, t.ways...) {
		g, err := t.open(way, n)
		if err != nil {
			return c, fmt.Errorf("%s: %w", way, err)
		}
		c.guessers = append(c.guessers, g)
	}
	if t.prepare != nil {
		if err := t.prepare(c.guessers[0].loop, c.questions); err != nil {
			return c, err
		}
	}
	for i := range c.questions {
		if err := c.questions[i].learn(c.guessers[0].loop); err != nil {
			return c, err
		}
	}
	for turn := range *warm + *turns {
		for i := range c.guessers {
			// No loop is always the first, or behind the same one.
			g := c.guessers[(i+turn)%len(c.guessers)]
			if err := c.turn(g, n, turn >= *warm); err != nil {
				return c, fmt.Errorf("%s: %w", g.name, err)
			}
		}
		for _, g := range c.guessers[1:] {
			if turn >= *warm {
				g.speeds = append(g.speeds, c.guessers[0].lastTook.Seconds()/g.lastTook.Seconds())
			}
		}
	}
	return c, nil
}

// each is how many questions one of n streams asks in a turn: all have the same number of
// answers together, as far as that goes.
func (c *comparison) each(n int) int {
	const least = 2
	return max(least, len(c.questions)/n)
}

// turn has questions answered by n streams, each of which begins with another one.
func (c *comparison) turn(g *guesser, n int, counts bool) error {
	type answer struct {
		verdict
		batch.Finish
	}
	answers, failures := make([][]answer, n), make([]error, n)
	before, err := sample.ProcessClock(os.Getpid())
	if err != nil {
		return err
	}
	began := time.Now()
	var clients sync.WaitGroup
	for i := range n {
		clients.Go(func() {
			for k := range c.each(n) {
				v, f, err := c.questions[(i+k)%len(c.questions)].ask(g.loop)
				if err != nil {
					failures[i] = err
					return
				}
				answers[i] = append(answers[i], answer{v, f})
			}
		})
	}
	clients.Wait()
	g.lastTook = time.Since(began)
	after, err := sample.ProcessClock(os.Getpid())
	if err := errors.Join(append(failures, err)...); err != nil {
		return err
	}
	for _, a := range slices.Concat(answers...) {
		switch a.verdict {
		case wrong:
			c.failed++
		case parts:
			c.parted++
		}
		if counts {
			g.tokens, g.guessed, g.right = g.tokens+a.CompletionTokens, g.guessed+a.Drafted, g.right+a.Accepted
		}
	}
	if counts {
		g.took, g.cpu = g.took+g.lastTook, g.cpu+after-before
	}
	return nil
}

// record sets what a text came to.
func (c *comparison) record(r *sample.Recorder, text string, n int) {
	ordinary := c.guessers[0].cpuPerToken()
	for _, g := range c.guessers {
		cell := text + "/" + g.name + "/" + strconv.Itoa(n) + "/"
		given := float64(max(g.tokens, 1))
		r.Set(cell+"steps_per_token", float64(g.tokens-g.right)/given)
		r.Set(cell+"tokens_per_s", given/g.took.Seconds())
		r.Set(cell+"cpu_us_per_token", g.cpuPerToken())
		if g.name == "none" {
			continue
		}
		r.Set(cell+"guessed_per_token", float64(g.guessed)/given)
		r.Set(cell+"right_share", float64(g.right)/float64(max(g.guessed, 1)))
		r.Set(cell+"speed_of_none", sample.Median(g.speeds))
		r.Set(cell+"cpu_of_none", g.cpuPerToken()/ordinary)
	}
}

// cpuPerToken is in microseconds.
func (g *guesser) cpuPerToken() float64 {
	return float64(g.cpu.Nanoseconds()) / 1000 / float64(max(g.tokens, 1))
}
