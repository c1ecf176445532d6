package gctune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ErrRunning is returned by Start while a tuner steers this process.
var ErrRunning = errors.New("gctune: another tuner is running")

// Config says how to steer. The zero value of a field takes its default.
type Config struct {
	// Policy decides. A policy belongs to one tuner. Default: new(Balanced).
	Policy Policy
	// Every is the time between two looks, from 100 ms. Default 1 s: what is not
	// Go's must not outgrow the reserve in that time.
	Every time.Duration
	// LimitBytes is a limit of the whole process's resident memory beside those
	// that are found. Default: none.
	LimitBytes int64
	// Cache, if not nil, tells the state of the KV cache. It is called on the
	// tuner's goroutine, the first time by Start, and must not block.
	Cache func() Cache
	// Override steers also what is not as Go has it by default: by GOGC or
	// GOMEMLIMIT in the environment, or because the program has set it. By default
	// such a setting is left alone.
	Override bool
	// Log gets what is worth an operator's attention. Default slog.Default().
	Log *slog.Logger
}

const (
	defaultEvery = time.Second
	leastEvery   = 100 * time.Millisecond
)

func (c Config) withDefaults() (Config, error) {
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	if c.Every < leastEvery {
		return c, fmt.Errorf("gctune: check config: Every is %v, allowed are 0 (default) and %v or more", c.Every, leastEvery)
	}
	if c.LimitBytes < 0 {
		return c, fmt.Errorf("gctune: check config: LimitBytes is %d, allowed are 0 (none) or more", c.LimitBytes)
	}
	if c.Policy == nil {
		c.Policy = new(Balanced)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, nil
}

// running is held by the one tuner that steers this process.
var running atomic.Bool

// Tuner steers this process until it is stopped. All methods may be called from any
// goroutine.
type Tuner struct {
	config  Config
	host    *host
	process process
	held    *atomic.Bool // given up when stopped
	began   time.Time
	stopped chan struct{}

	mu      sync.Mutex // for what follows
	over    bool       // the settings are what they were
	percent knob
	limit   knob
	guard   guard
	status  Status
	window  Observation // the beginning of the status' share
}

// Start sets what can be said at once, and steers until Stop, or until ctx is done;
// then the settings are restored. Errors: ErrRunning, or a Config out of range.
func Start(ctx context.Context, c Config) (*Tuner, error) {
	return start(ctx, c, newSelf(), hostRoot(), os.Getenv, &running)
}

func hostRoot() fs.FS { return os.DirFS("/") }

func start(ctx context.Context, c Config, p process, root fs.FS, getenv func(string) string, held *atomic.Bool) (*Tuner, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if !held.CompareAndSwap(false, true) {
		return nil, ErrRunning
	}
	t := &Tuner{
		config: c, host: newHost(root, c.LimitBytes), process: p, held: held,
		began: time.Now(), stopped: make(chan struct{}),
	}
	started := false
	defer func() {
		if !started { // a policy or Cache has panicked
			t.Stop()
		}
	}()
	o := t.observe()
	t.percent = newKnob("GOGC", int64(o.InForce.GCPercent), defaultPercent, p.setPercent)
	t.limit = newKnob("GOMEMLIMIT", o.InForce.MemoryLimitBytes, unlimited, p.setLimit)
	if !c.Override {
		t.percent.leave(getenv)
		t.limit.leave(getenv)
	}
	base := o.InForce.GCPercent
	if base <= 0 {
		base = defaultPercent
	}
	t.guard = guard{base: base}
	c.Policy.Start(o)
	t.tick(o)
	started = true
	if t.percent.mine() || t.limit.mine() {
		go t.run(ctx)
	}
	return t, nil
}

// run looks again and again. What it defers restores the settings also when Cache
// or a policy panics, which ends the process, or leaves the goroutine.
func (t *Tuner) run(ctx context.Context) {
	defer t.Stop()
	ticker := time.NewTicker(t.config.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.stopped:
			return
		case <-ticker.C:
			t.tick(t.observe())
		}
	}
}

// observe looks at the process. Cache may be the caller's and slow: no lock is held.
func (t *Tuner) observe() Observation {
	o := Observation{At: time.Since(t.began)}
	if t.config.Cache != nil {
		o.Cache = t.config.Cache()
	}
	t.process.read(&o)
	t.host.read(&o)
	return o
}

// tick decides and sets.
func (t *Tuner) tick(o Observation) {
	t.mu.Lock()
	collect, release := t.decide(o)
	t.mu.Unlock()
	// They take as long as a collection does: Stop does not wait for them.
	switch {
	case release:
		t.process.release()
	case collect:
		t.process.collect()
	}
}

func (t *Tuner) decide(o Observation) (collect, release bool) {
	if t.over {
		return false, false
	}
	t.percent.check(int64(o.InForce.GCPercent), t.config.Log)
	t.limit.check(o.InForce.MemoryLimitBytes, t.config.Log)
	if t.guard.steersLimit = t.limit.mine(); !t.guard.steersLimit && o.InForce.MemoryLimitBytes != unlimited {
		// Who set it has said what Go may have.
		o.Room.MostBytes = min(o.Room.MostBytes, o.InForce.MemoryLimitBytes)
		if o.Room.Source == "" || o.InForce.MemoryLimitBytes < o.Room.BudgetBytes {
			o.Room.BudgetBytes, o.Room.Source = o.InForce.MemoryLimitBytes, "GOMEMLIMIT"
		}
	}
	o.Room = t.guard.smallest(o.Room.within(o.Cache.ReserveBytes))
	wish, collect := t.config.Policy.Decide(o)
	set := t.guard.bound(wish, &o)
	// The limit first: it is what keeps more heap within the room.
	changed := t.limit.set(set.MemoryLimitBytes, t.config.Log)
	if t.percent.set(int64(set.GCPercent), t.config.Log) || changed {
		t.status.Changes++
		t.config.Log.Debug("gctune: set", "gogc", t.percent.now, "memory_limit", t.limit.now, "room", o.Room.BudgetBytes, "source", o.Room.Source)
	}
	t.report(&o)
	return collect && t.percent.mine(), t.limit.mine() && t.guard.releases(&o)
}

// Stop restores the settings and ends the tuner; a look that is under way changes
// nothing any more. Later calls do nothing. It does not wait for Cache.
func (t *Tuner) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	t.over = true
	// The reverse of the order in which they were set.
	t.percent.restore(t.config.Log)
	t.limit.restore(t.config.Log)
	t.status.Settings = Settings{GCPercent: int(t.percent.now), MemoryLimitBytes: t.limit.now}
	close(t.stopped)
	t.held.Store(false)
}
