package gctune

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
)

// start and end of this very process.
func TestSelf(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer debug.SetGCPercent(percent)
	tuner, err := Start(t.Context(), Config{Override: true, LimitBytes: 1 << 30, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{}); err != ErrRunning {
		t.Errorf("a second tuner: %v", err)
	}
	if got := debug.SetMemoryLimit(-1); got > 1<<30 || got != tuner.Status().MemoryLimitBytes {
		t.Errorf("memory limit %d, status %+v", got, tuner.Status())
	}
	tuner.Stop()
	if got := debug.SetMemoryLimit(-1); got != limit {
		t.Errorf("memory limit %d is left, was %d", got, limit)
	}
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("GOGC %d is left", got)
	}
}

// The names of metrics are those of this Go, and mean what is made of them.
func TestObservation(t *testing.T) {
	runtime.GC()
	percent := debug.SetGCPercent(-1)
	var o Observation
	newSelf().read(&o)
	debug.SetGCPercent(percent)
	if o.Cycles == 0 || o.LiveBytes <= 0 || o.RootBytes <= 0 || o.CPUSeconds <= 0 || o.CollectorSeconds <= 0 ||
		o.ObjectBytes <= 0 || o.InUseBytes < o.ObjectBytes || o.GoBytes < o.InUseBytes+o.OtherBytes || o.InForce.GCPercent != -1 {
		t.Errorf("%+v", o)
	}
}

// A look is what an idle process pays each second.
func BenchmarkLook(b *testing.B) {
	t, err := start(context.Background(), Config{Log: slog.New(slog.DiscardHandler)}, newSelf(), hostRoot(), noEnvironment, new(atomic.Bool))
	if err != nil {
		b.Fatal(err)
	}
	defer t.Stop()
	b.ReportAllocs()
	for b.Loop() {
		t.tick(t.observe())
	}
}
