package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/bench/internal/source"
	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/local"
)

// house is the arm: what cmd/weir puts together, over the made-up engine.
type house struct{ steps *steps }

// Sizes for each stream.
const (
	sequenceTokens = 1024
	promptTokens   = 16 // at most: a word and a number, a byte a token
)

// stuckAfter is longer than any run: the engine waits for the source.
const stuckAfter = time.Hour

func (h *house) Start(s *source.Source) (string, error) {
	n := s.Streams()
	h.steps = newSteps(n)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	group, err := ggroup.Open("inference", ggroup.WithClass(ggroup.Latency), ggroup.WithAssistExempt(), ggroup.WithGCDeferral(0.5)) // as cmd/weir
	if err != nil {
		return "", err
	}
	generator, err := local.New(&model{enginetest.New(enginetest.Options{}), h.steps}, local.Config{
		ID:      "synthetic",
		Context: engine.ContextConfig{ContextTokens: n * sequenceTokens, MaxSequences: n, BatchTokens: n * promptTokens},
		// All prompts are computed in one step, and none like another.
		Batching: local.Batching{QueueLimit: n, PrefillTokens: n * promptTokens, NoPrefixCache: true, StuckAfter: stuckAfter, Group: group, Log: log},
	})
	if err != nil {
		return "", err
	}
	handler, err := front.New(front.Config{
		Generator: counted{generator, h.steps}, Group: group, Log: log,
		Streams: fanout.Config{Log: log}, Collectors: []prometheus.Collector{generator.Collector()},
	})
	if err != nil {
		return "", err
	}
	listener, err := source.ListenLocal(func(network, address string) (net.Listener, error) {
		return iouring.Listen(network, address, iouring.WithLogger(log))
	})
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler: front.Loopback(handler, []string{"localhost"}, front.Origins{}), ConnContext: front.ConnContext,
		ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute, IdleTimeout: time.Minute,
	}
	go server.Serve(front.Strict(listener))
	go func() {
		<-h.steps.running
		for range n {
			s.Join(outlet{h.steps})
		}
	}()
	return listener.Addr().String(), nil
}

// Flush has the engine make a step.
func (h *house) Flush() { h.steps.next() }

func (h *house) Ring() (enters, sends uint64) {
	s := iouring.Stats()
	return s.Enters, s.Submissions
}

func (h *house) Pause(d time.Duration) { time.Sleep(d) }

// outlet is a stream as the source sees it: a step of the engine gives it its
// token.
type outlet struct{ steps *steps }

func (o outlet) Token([]byte) {}
func (o outlet) Finish()      { o.steps.release() }

// counted is the generator, whose requests are counted.
type counted struct {
	*local.Generator
	steps *steps
}

func (c counted) Submit(ctx context.Context, r *ask.Request) (generate.Stream, error) {
	stream, err := c.Generator.Submit(ctx, r)
	if err == nil {
		c.steps.submitted()
	}
	return stream, err
}
