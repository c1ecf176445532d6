package front

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
)

// limit is the time that a client gives its request. nil is none. When it has
// passed, the generation ends as one that was cancelled, and its answer in order.
//
// The loop has the same limit (ask.Request.TimeoutNs), and both are needed: it drops who
// is late before a step, however late timers are, and only this one ends a template, a
// tokenisation, or a request that waits where no step is to come.
type limit struct {
	at    time.Time
	late  atomic.Bool
	timer *time.Timer // the handler's; nil before there is a generation
}

// bound gives an exchange a limit, or an earlier one.
func (x *exchange) bound(at time.Time) {
	if x.limit == nil || at.Before(x.limit.at) {
		x.limit = &limit{at: at}
	}
}

// leftNs is what ask.Request.TimeoutNs says: the time that is left, 0 without a limit.
func (l *limit) leftNs() int64 {
	if l == nil {
		return 0
	}
	return max(1, time.Until(l.at).Nanoseconds())
}

// within calls f with a context that ends with the limit. If f fails once the limit
// has passed, that is why.
func (l *limit) within(ctx context.Context, f func(context.Context) error) error {
	if l == nil {
		return f(ctx)
	}
	bound, cancel := context.WithDeadline(ctx, l.at)
	defer cancel()
	err := f(bound)
	if err != nil && bound.Err() != nil && ctx.Err() == nil {
		l.late.Store(true)
		return ask.Late()
	}
	return err
}

// choices is generate.Choices within the limit.
func (l *limit) choices(ctx context.Context, all wanted) (events generate.Stream, err error) {
	err = l.within(ctx, func(ctx context.Context) error {
		events, err = generate.Choices(ctx, all.from, all.requests, all.perPrompt)
		return err
	})
	if err != nil {
		return nil, err
	}
	if l == nil {
		return events, nil
	}
	l.timer = time.AfterFunc(time.Until(l.at), func() {
		l.late.Store(true)
		events.Cancel()
	})
	return &limited{Stream: events, limit: l}, nil
}

// limited is a stream that tells that its limit has passed, where it was cancelled
// for that.
type limited struct {
	generate.Stream
	limit *limit
}

// Next implements generate.Stream.
func (s *limited) Next(ev *ask.Event) bool {
	if !s.Stream.Next(ev) {
		return false
	}
	for _, end := range []*ask.End{ev.End, ev.ChoiceEnd} {
		if end != nil && end.Fault != nil && end.Fault.Kind == ask.Cancelled && s.limit.late.Load() {
			end.Fault = ask.Late()
		}
	}
	return true
}

// PromptTokens implements generate.Sized.
func (s *limited) PromptTokens() int {
	if sized, ok := s.Stream.(generate.Sized); ok {
		return sized.PromptTokens()
	}
	return 0
}

// passed reports whether a fault is that the limit has passed.
func (l *limit) passed(f *ask.Fault) bool {
	return l != nil && (f.Kind == ask.Cancelled && l.late.Load() || f.Kind == ask.DeadlineExceeded)
}

// leave ends the watch.
func (l *limit) leave() {
	if l != nil && l.timer != nil {
		l.timer.Stop()
	}
}
