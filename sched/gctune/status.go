package gctune

import "log/slog"

// Status is what the tuner saw and set at its last look.
type Status struct {
	Settings             // in force
	Percent, Limit Hold  // who has GCPercent and MemoryLimitBytes
	Room           Room  // for Go, the smallest of the last looks
	GoBytes        int64 // what Go has
	ResidentBytes  int64 // what the process has
	LiveBytes      int64 // heap, after the last collection
	// CollectorShare is the collector's share of GOMAXPROCS processors lately: in
	// 10 s, or since the last collection before that.
	CollectorShare float64
	Changes        uint64 // of settings, by the tuner
	// Pressed says that the live heap has no room: the collector may work without
	// an end.
	Pressed bool
}

// Status returns the state at the last look. It never waits for one.
func (t *Tuner) Status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// report makes the status current.
func (t *Tuner) report(o *Observation) {
	s := &t.status
	s.Settings = Settings{GCPercent: int(t.percent.now), MemoryLimitBytes: t.limit.now}
	s.Percent, s.Limit = t.percent.hold, t.limit.hold
	s.Room, s.GoBytes, s.ResidentBytes, s.LiveBytes = o.Room, o.GoBytes, o.ResidentBytes, o.LiveBytes
	if cpu := o.CPUSeconds - t.window.CPUSeconds; cpu > 0 && t.window.Cycles > 0 {
		s.CollectorShare = (o.CollectorSeconds - t.window.CollectorSeconds) / cpu
	}
	if t.window.Cycles == 0 || o.Cycles > t.window.Cycles && o.At-t.window.At >= windowTime {
		t.window = *o
	}
	if pressed := o.pressed(); pressed != s.Pressed {
		s.Pressed = pressed
		if pressed {
			t.config.Log.Warn("gctune: the live heap has no room within the memory limit: raise the limit, or take in less at once",
				"source", o.Room.Source, "budget_bytes", o.Room.BudgetBytes, "live_bytes", o.LiveBytes)
		}
	}
}

// LogValue implements slog.LogValuer: what is in force, and why.
func (t *Tuner) LogValue() slog.Value {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slog.GroupValue(
		slog.String("gogc", t.percent.text()), slog.String("gogc_is", t.percent.hold.String()),
		slog.String("memory_limit", t.limit.text()), slog.String("memory_limit_is", t.limit.hold.String()),
		slog.String("nearest_limit", t.status.Room.Source))
}
