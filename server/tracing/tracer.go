package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/record"
)

// QueueRequests is how many requests wait for their spans to be made, at most: some
// hundred kilobytes, and as many as end while a thread is asleep.
const QueueRequests = 1024

// Config is what a tracer is made with. The zero value is well.
type Config struct {
	Version string // of this server
	// Group is where the tracer's goroutines run, with those that its library starts:
	// connections to the collector may stay there for a while after Close. Default:
	// that of the caller.
	Group *ggroup.Group
	// Log gets a line when sending fails, and when it succeeds again. Default
	// slog.Default().
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Tracer makes spans. It is safe for concurrent use.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	queue    chan record.Request
	dropped  atomic.Uint64
	closing  sync.Once
	stop     chan struct{} // closed: make what waits, and end
	done     chan struct{} // closed: the goroutine has ended
}

var _ record.Recorder = (*Tracer)(nil)

// start begins a tracer over a provider, which is the tracer's from now on.
func start(provider *sdktrace.TracerProvider, cfg Config) *Tracer {
	t := &Tracer{
		provider: provider,
		tracer:   provider.Tracer("github.com/weirgo/weir", trace.WithInstrumentationVersion(cfg.Version)),
		queue:    make(chan record.Request, QueueRequests),
		stop:     make(chan struct{}), done: make(chan struct{}),
	}
	if cfg.Group != nil {
		ggroup.BindTo(cfg.Group, t.run)
	} else {
		go t.run()
	}
	return t
}

// Record implements record.Recorder. It never waits.
func (t *Tracer) Record(r *record.Request) {
	if !isTraced(r) {
		return
	}
	select {
	case t.queue <- *r:
	default:
		t.dropped.Add(1)
	}
}

// Dropped is how many requests have no spans for want of room in the queue.
func (t *Tracer) Dropped() uint64 { return t.dropped.Load() }

// Close sends what waits, as long as ctx lasts. The error says that something is left.
func (t *Tracer) Close(ctx context.Context) error {
	t.closing.Do(func() { close(t.stop) })
	select {
	case <-t.done:
	case <-ctx.Done():
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("tracing: close: spans are left unsent: %w", err)
	}
	return nil
}

// run is the goroutine that makes spans.
func (t *Tracer) run() {
	defer close(t.done)
	for {
		select {
		case r := <-t.queue:
			t.tell(&r)
			continue
		case <-t.stop:
		}
		for {
			select {
			case r := <-t.queue:
				t.tell(&r)
			default:
				return
			}
		}
	}
}

// quiet is an exporter whose failures are told once, in our log: the library would
// tell each on stderr.
type quiet struct {
	sdktrace.SpanExporter
	log    *slog.Logger
	failed atomic.Bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (q *quiet) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	switch err := q.SpanExporter.ExportSpans(ctx, spans); {
	case err != nil && !q.failed.Swap(true):
		q.log.Warn("traces are lost: check that the collector can be reached", "error", err)
	case err == nil && q.failed.Swap(false):
		q.log.Info("traces are sent again")
	}
	return nil
}
