package logsink

import (
	"context"
	"log/slog"
	"sync"
)

// handler is a slog.TextHandler for each that logs at the same time: one alone holds a
// lock around Write, which a sink has no need of.
type handler struct {
	make func() slog.Handler
	asks slog.Handler // what is enabled: it writes nothing
	idle sync.Pool    // of slog.Handler
}

// NewHandler returns a handler that writes records to a sink as slog.TextHandler does.
// Nobody who logs waits for somebody else who does, stopped as that one may be for want
// of quota.
func NewHandler(s *Sink, o *slog.HandlerOptions) slog.Handler {
	return newHandler(func() slog.Handler { return slog.NewTextHandler(s, o) })
}

func newHandler(made func() slog.Handler) *handler {
	h := &handler{make: made, asks: made()}
	h.idle.New = func() any { return h.make() }
	return h
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.asks.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	own := h.idle.Get().(slog.Handler)
	err := own.Handle(ctx, r)
	h.idle.Put(own)
	return err
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return newHandler(func() slog.Handler { return h.make().WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return newHandler(func() slog.Handler { return h.make().WithGroup(name) })
}
