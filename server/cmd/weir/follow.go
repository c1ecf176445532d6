package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/generate/local"
	"github.com/weirgo/weir/server/internal/cpus"
	"github.com/weirgo/weir/server/internal/version"
)

// limitsEvery is how often the limits of processors are looked at: a change is followed
// within a second, and a look costs some ten system calls.
const limitsEvery = 500 * time.Millisecond

// computer is what computes on threads: the generator.
type computer interface {
	SetThreads(engine.Threads) bool
	Threads() engine.Threads
}

// follower has the engine's threads, the group that they compute in and GOMAXPROCS
// follow the processors that the process may use. Threads that were asked for (-t, -tb)
// stay, and so does GOMAXPROCS where the environment sets it.
//
// Go follows a quota by itself, but not once GOMAXPROCS has been set, as on stock Go it
// is (shareCores), nor an affinity or another control group of a process that is moved.
type follower struct {
	o     *options
	c     *cores // its decoding group is the follower's to change until stop
	works computer
	read  func() cpus.Limits
	log   *slog.Logger

	last    cpus.Limits
	retired []*ggroup.Group // perhaps still in use
	known   atomic.Uint64   // last.Quota's bits
	over    chan struct{}
	stopped sync.WaitGroup
}

// steer begins to steer the garbage collector, if it is asked for, and to follow the
// limits of processors. It returns what both have for metrics.
func (o *options) steer(ctx context.Context, model engine.Model, generator *local.Generator, log *slog.Logger) (about []prometheus.Collector, stop func(), err error) {
	tuning, err := o.tune(ctx, model, generator, log)
	if err != nil {
		return nil, nil, err
	}
	follower := o.follow(generator, log)
	return []prometheus.Collector{tuning, follower.quota()}, func() {
		follower.stop()
		tuning.stop()
	}, nil
}

// follow begins to follow.
func (o *options) follow(works computer, log *slog.Logger) *follower {
	f := &follower{o: o, c: &o.cores, works: works, read: cpus.NewReader().Read, log: log, over: make(chan struct{})}
	f.last = f.read()
	f.known.Store(math.Float64bits(f.last.Quota))
	f.stopped.Go(func() {
		ticks := time.NewTicker(limitsEvery)
		defer ticks.Stop()
		for {
			select {
			case <-f.over:
				return
			case <-ticks.C:
				f.look()
			}
		}
	})
	return f
}

// quota is the quota that is followed, for metrics.
func (f *follower) quota() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "weir_cpu_quota_processors", Help: "CPU quota of the process's control groups, in processors, as followed; 0 if there is none.",
	}, func() float64 { return math.Float64frombits(f.known.Load()) })
}

// stop follows no more. A group that the engine has not left yet, because it hangs,
// stays until the process ends.
func (f *follower) stop() {
	close(f.over)
	f.stopped.Wait()
	f.closeRetired()
}

// look follows a change.
func (f *follower) look() {
	f.closeRetired()
	now, last := f.read(), f.last
	f.last = now
	defer f.known.Store(math.Float64bits(now.Quota))                                  // once it is followed
	if now.Cores() == last.Cores() && min(now.Affinity, 2) == min(last.Affinity, 2) { // setProcs tells one from two
		return
	}
	next := f.threads(now.Cores())
	if f.c.decoding != nil {
		group, err := openDecoding(max(next.Threads, next.BatchThreads))
		if err != nil {
			f.log.Error("the engine's threads stay as they are", "error", err)
			return
		}
		next.Decoding = group
	}
	if !f.works.SetThreads(next) {
		_ = closeGroup(next.Decoding) // nobody has seen it
		f.log.Warn("this engine's threads cannot be changed while it runs: start the server again", "cores", now.Cores())
		return
	}
	if f.c.decoding != nil {
		f.retired = append(f.retired, f.c.decoding)
		f.c.decoding = next.Decoding
	}
	f.log.Info("the processors that this process may use have changed", "cores", now.Cores(), "quota", now.Quota,
		"threads", next.Threads, "threads_batch", next.BatchThreads, "GOMAXPROCS", f.setProcs(now, max(next.Threads, next.BatchThreads)))
}

// threads are what the engine is to compute on.
func (f *follower) threads(cores int) (t engine.Threads) {
	t.Threads, t.BatchThreads = f.o.threads, f.o.batchThreads
	if t.Threads == 0 {
		t.Threads = llama.ThreadsOf(cores)
	}
	if t.BatchThreads == 0 {
		t.BatchThreads = t.Threads
	}
	return t
}

// setProcs sets GOMAXPROCS, unless the environment does, and returns it. It is what
// Go's own default would be or, on stock Go, what the engine's threads leave of it.
func (f *follower) setProcs(l cpus.Limits, threads int) int {
	before := runtime.GOMAXPROCS(0)
	if os.Getenv("GOMAXPROCS") != "" {
		return before
	}
	// Go rounds a quota up, to two at least: what cannot run in parallel may yet run
	// by turns.
	n := min(max(2, l.Cores()), l.Affinity)
	if !version.Groups && f.c.decoding != nil {
		n = max(1, l.Cores()-threads)
	}
	if n != before {
		runtime.GOMAXPROCS(n)
	}
	return n
}

// closeRetired closes the groups that the engine is out of.
func (f *follower) closeRetired() {
	if len(f.retired) == 0 || f.works.Threads().Decoding != f.c.decoding {
		return // it has not taken the last change
	}
	kept := f.retired[:0]
	for _, g := range f.retired {
		if errors.Is(g.Close(), ggroup.ErrBusy) {
			kept = append(kept, g)
		}
	}
	clear(f.retired[len(kept):])
	f.retired = kept
}
