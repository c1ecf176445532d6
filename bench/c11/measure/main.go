// Command c11 measures the garbage collector beside a KV cache that lives in the Go
// heap, under the policy that -policy names.
//
// Requests come at fixed times to a few goroutines, each with a part of the cache.
// A request takes garbage from the heap, in pieces, computes, and extends sequences of
// the cache; a sequence that has got its length is dropped and begins anew. Beside
// Go's memory there is some that is not Go's, as a C library has.
//
// Two cells. roomy: the limit leaves room for a heap several times as large. tight: the
// cache is larger and so is what is not Go's: at GOGC=100 the limit is not kept. The
// limit is the tuner's to keep, not the kernel's, so that what goes beyond it shows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/c11"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/sched/gctune"
)

var (
	policy      = flag.String("policy", "auto", "who sets GOGC and the memory limit: auto, article or off")
	processors  = flag.Int("procs", 2, "GOMAXPROCS")
	warmUp      = flag.Duration("warm-up", 1500*time.Millisecond, "time before each cell is measured")
	window      = flag.Duration("window", 1500*time.Millisecond, "time that a cell is measured")
	limitMiB    = flag.Int("limit", 480, "limit of resident memory that the tuner is to keep, in MiB")
	liveMiB     = flag.Int("live", 64, "the cache's size, in MiB, in the cell roomy")
	besideMiB   = flag.Int("beside", 48, "memory that is not Go's, in MiB, in the cell roomy")
	tightLive   = flag.Int("tight-live", 96, "the same in the cell tight, no less")
	tightBeside = flag.Int("tight-beside", 264, "the same in the cell tight, no less")
	allocMiB    = flag.Int("alloc", 300, "garbage of requests, in MiB a second")
	turnover    = flag.Float64("turnover", 0.25, "share of the cache replaced in a second")
	requests    = flag.Int("requests", 200, "requests a second")
	servers     = flag.Int("servers", 4, "goroutines that serve them")
	work        = flag.Duration("work", 500*time.Microsecond, "computation for a request")
	hitRate     = flag.Float64("hit-rate", 0.9, "the cache's hit rate, as the article's policy is told")
	every       = flag.Duration("every", 100*time.Millisecond, "between two looks of the tuner")
)

// sequences a server has in its part of the cache.
const sequences = 16

func main() { sample.Main(c11.Experiment, measure) }

func measure(r *sample.Recorder) error {
	if *processors < 1 || *limitMiB < 1 || *liveMiB < 1 || *besideMiB < 1 || *allocMiB < 1 || *requests < 1 || *servers < 1 {
		return errors.New("procs, limit, live, beside, alloc, requests and servers must be positive")
	}
	if *tightLive < *liveMiB || *tightBeside < *besideMiB {
		return errors.New("tight-live and tight-beside must not be less than live and beside")
	}
	if *warmUp < 0 || *window <= 0 || *work < 0 || *every <= 0 || !(*turnover >= 0) {
		return errors.New("window and every must be positive, warm-up, work and turnover at least 0")
	}
	runtime.GOMAXPROCS(*processors)
	w, err := newWorld(crowd.Calibrate(*work))
	if err != nil {
		return err
	}
	defer w.free()
	tuner, err := w.steer()
	if err != nil {
		return err
	}
	defer tuner.stop()
	for _, cell := range []struct {
		name         string
		live, beside int
	}{{"roomy", *liveMiB, *besideMiB}, {"tight", *tightLive, *tightBeside}} {
		for _, c := range w.caches {
			c.resize(cell.live << 20 / *servers)
		}
		if err := w.measure(r, cell.name, cell.beside<<20); err != nil {
			return err
		}
	}
	return nil
}

// world is what the collector works beside.
type world struct {
	steps   int // of computation for a request
	caches  []*cache
	bytes   atomic.Int64 // of the caches
	beside  []byte       // not Go's
	touched int
}

func newWorld(steps int) (*world, error) {
	beside, err := unix.Mmap(-1, 0, *tightBeside<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map memory beside Go's: %w", err)
	}
	w := &world{steps: steps, beside: beside}
	for range *servers {
		w.caches = append(w.caches, newCache(sequences, &w.bytes))
	}
	return w, nil
}

func (w *world) free() { _ = unix.Munmap(w.beside) }

// grow has the caches and what is not Go's become as large as they are to be in a
// cell, in small steps of the time given: slower than a reserve is used up.
func (w *world) grow(besideBytes int, took time.Duration) {
	const steps = 50
	from, begins := w.touched, time.Now()
	for step := 1; step <= steps; step++ {
		for ; w.touched < from+(besideBytes-from)*step/steps; w.touched += pageBytes {
			w.beside[w.touched] = 1
		}
		for _, c := range w.caches {
			c.grow(step, steps)
		}
		time.Sleep(time.Until(begins.Add(took * time.Duration(step) / steps)))
	}
}

const pageBytes = 4096

// tuning is a tuner, or nil.
type tuning struct{ *gctune.Tuner }

func (t tuning) stop() {
	if t.Tuner != nil {
		t.Stop()
	}
}

// steer starts the tuner, if there is to be one.
func (w *world) steer() (tuning, error) {
	c := gctune.Config{
		Every: *every, LimitBytes: int64(*limitMiB) << 20, Override: true,
		Cache: func() gctune.Cache { return gctune.Cache{UsedBytes: w.bytes.Load(), HitRate: *hitRate} },
	}
	switch *policy {
	case "off":
		return tuning{}, nil
	case "auto":
	case "article":
		c.Policy = new(gctune.Article)
	default:
		return tuning{}, fmt.Errorf("-policy is %q: give auto, article or off", *policy)
	}
	t, err := gctune.Start(context.Background(), c)
	return tuning{t}, err
}

// measure measures a cell, after its warm-up.
func (w *world) measure(r *sample.Recorder, name string, besideBytes int) error {
	growth := *warmUp * 2 / 3
	w.grow(besideBytes, growth)
	w.serve(time.Now(), *warmUp-growth)
	if err := sample.ResetPeak(os.Getpid()); err != nil {
		return err
	}
	before := readCollector()
	begins := time.Now()
	late := w.serve(begins, *window)
	took := time.Since(begins)
	after := readCollector()
	memory, err := sample.ProcessMemory(os.Getpid())
	if err != nil {
		return err
	}
	after.record(r, name, before, took)
	late.Record(r, name+"/request", delay.Microseconds)
	r.Set(name+"/peak_mib", float64(memory.PeakBytes)/(1<<20))
	r.Set(name+"/peak_share", float64(memory.PeakBytes)/float64(*limitMiB<<20))
	return nil
}

// serve serves the requests of a span, one of each server at least, and returns how
// late each had been served.
func (w *world) serve(begins time.Time, span time.Duration) *delay.Set {
	ends := begins.Add(span)
	late := make([]delay.Set, len(w.caches))
	interval := time.Second * time.Duration(len(w.caches)) / time.Duration(*requests)
	var done sync.WaitGroup
	for i, c := range w.caches {
		first := begins.Add(interval * time.Duration(i) / time.Duration(len(w.caches)))
		done.Go(func() { w.serveOne(c, &late[i], first, ends, interval) })
	}
	done.Wait()
	all := new(delay.Set)
	for i := range late {
		all.Merge(&late[i])
	}
	return all
}

func (w *world) serveOne(c *cache, late *delay.Set, first, ends time.Time, interval time.Duration) {
	owed := 0.0
	for due := first; due == first || due.Before(ends); due = due.Add(interval) {
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
		}
		handle(w.steps, *allocMiB<<20 / *requests)
		owed += *turnover * float64(c.bytes.Load()) / float64(*requests) / blockBytes
		for ; owed >= 1; owed-- {
			c.step()
		}
		late.Add(time.Since(due))
	}
}

// pieceBytes is the size of a piece of garbage.
const pieceBytes = 512

// kept is how many pieces a request holds on to at a time.
const kept = 64

// handle is a request without its part of the cache.
func handle(steps, garbageBytes int) {
	var pieces [kept][]byte
	state := uint64(steps)
	count := max(1, garbageBytes/pieceBytes)
	for i := range count {
		p := make([]byte, pieceBytes)
		p[0] = byte(state)
		pieces[i%kept] = p
		state = crowd.Compute(state, steps/count)
	}
	if state == math.MaxUint64 {
		panic("c11: it has been computed that nothing was")
	}
	runtime.KeepAlive(&pieces)
}
