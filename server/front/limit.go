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
type limit struct {
	at    time.Time
	late  atomic.Bool
	timer *time.Timer // the handler's; nil before there is a generation
}

// choices is generate.Choices within the limit.
func (l *limit) choices(ctx context.Context, all wanted) (generate.Stream, error) {
	if l == nil {
		return generate.Choices(ctx, all.from, all.requests, all.perPrompt)
	}
	bound, cancel := context.WithDeadline(ctx, l.at)
	defer cancel()
	events, err := generate.Choices(bound, all.from, all.requests, all.perPrompt)
	if err != nil {
		l.late.Store(bound.Err() != nil && ctx.Err() == nil)
		return nil, err
	}
	l.timer = time.AfterFunc(time.Until(l.at), func() {
		l.late.Store(true)
		events.Cancel()
	})
	return events, nil
}

// passed reports whether a fault is that the limit has passed.
func (l *limit) passed(f *ask.Fault) bool {
	return l != nil && f.Kind == ask.Cancelled && l.late.Load()
}

// leave ends the watch.
func (l *limit) leave() {
	if l != nil && l.timer != nil {
		l.timer.Stop()
	}
}
