package logsink

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// gated is a sink that a line about being stopped does not get into before on is closed.
type gated struct {
	*Sink
	stopped, on chan struct{}
}

func (g *gated) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("msg=stopped")) {
		close(g.stopped)
		<-g.on
	}
	return g.Sink.Write(p)
}

// The handler writes what slog's does, attributes and groups and all.
func TestHandler(t *testing.T) {
	var got, want bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	sink := Open(&got, Config{})
	for _, log := range []*slog.Logger{slog.New(NewHandler(sink, options)), slog.New(slog.NewTextHandler(&want, options))} {
		log.Debug("not this")
		log.Info("plain", "a", 1)
		of := log.With("b", "two words").WithGroup("g").With("c", 3)
		of.Warn("more", "d", slog.GroupValue(slog.Int("e", 5)))
		of.WithGroup("h").Error("most", "i", "j")
	}
	if err := sink.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() || strings.Count(want.String(), "\n") != 3 {
		t.Errorf("got %q, want %q", got.String(), want.String())
	}
}

// Who is stopped while he logs holds up nobody else, and lines stay whole.
func TestHandlerHoldsNobodyUp(t *testing.T) {
	var out bytes.Buffer
	to := &gated{Open(&out, Config{}), make(chan struct{}), make(chan struct{})}
	log := slog.New(newHandler(func() slog.Handler { return slog.NewTextHandler(to, nil) }))
	var stopped sync.WaitGroup
	stopped.Go(func() { log.Info("stopped") })
	<-to.stopped
	const writers, lines = 4, 100
	var others sync.WaitGroup
	for w := range writers {
		others.Go(func() {
			for n := range lines {
				log.LogAttrs(context.Background(), slog.LevelInfo, "goes on", slog.Int("w", w), slog.Int("n", n))
			}
		})
	}
	others.Wait()
	close(to.on)
	stopped.Wait()
	if err := to.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for w := range writers {
		for n := range lines {
			if line := "msg=\"goes on\" w=" + strconv.Itoa(w) + " n=" + strconv.Itoa(n) + "\n"; strings.Count(text, line) != 1 {
				t.Errorf("%q is there %d times", line, strings.Count(text, line))
			}
		}
	}
	if strings.Count(text, "\n") != writers*lines+1 || !strings.Contains(text, "msg=stopped\n") {
		t.Errorf("%d lines", strings.Count(text, "\n"))
	}
}
