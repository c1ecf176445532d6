//go:build linux

package ggroup_test

import (
	"context"
	"flag"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirgo/weir/ggroup"
)

var (
	stressFor  = flag.Duration("stress", 0, "how long TestStress runs; 0: 5 s, 1 s in short mode")
	stressSeed = flag.Uint64("stressseed", 0, "seed of TestStress; 0: from the clock")
)

// TestStress mixes classes, weights, quotas, exclusive processors, C calls that
// sleep and that call back, the collector at GOGC=1, panics, Goexit, locked
// threads, timers, profiles, GOMAXPROCS and the churn of groups. Everything
// that was started must end, in its group. On stock Go it tests the fallback.
//
// The order of events is the scheduler's: a seed repeats the mix, not the run.
func TestStress(t *testing.T) {
	openLibc(t)
	length, seed := *stressFor, *stressSeed
	if length == 0 {
		length = 5 * time.Second
		if testing.Short() {
			length = time.Second
		}
	}
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-stress=%v -stressseed=%d", length, seed)
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))

	s := &stress{t: t, end: time.Now().Add(length), closed: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	for i := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, i))
		wg.Go(func() {
			for time.Now().Before(s.end) {
				s.group(rng)
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	rng := rand.New(rand.NewPCG(seed, 99))
	for running := true; running; {
		runtime.GOMAXPROCS(1 + rng.IntN(6))
		for range rng.IntN(20) {
			select {
			case <-s.closed:
			case <-ended:
				running = false
			}
		}
		if rng.IntN(8) == 0 {
			pprof.Lookup("goroutine").WriteTo(io.Discard, rng.IntN(3))
		}
	}
	t.Logf("%d groups, %d goroutines", s.groups.Load(), s.started.Load())
}

type stress struct {
	t       *testing.T
	end     time.Time
	closed  chan struct{} // a group has come and gone
	groups  atomic.Int64
	started atomic.Int64
}

// options draws a group's options.
func (s *stress) options(rng *rand.Rand) []ggroup.Option {
	opts := []ggroup.Option{ggroup.WithClass(ggroup.Class(rng.IntN(3)))}
	if rng.IntN(2) == 0 {
		opts = append(opts, ggroup.WithWeight(1+rng.IntN(1000)))
	}
	if rng.IntN(4) == 0 {
		opts = append(opts, ggroup.WithCPUQuota(0.05+rng.Float64()/4))
	}
	if rng.IntN(6) == 0 {
		opts = append(opts, ggroup.WithExclusive(1+rng.IntN(2)))
	}
	if rng.IntN(2) == 0 {
		opts = append(opts, ggroup.WithEagerHandoff())
	}
	if rng.IntN(2) == 0 {
		opts = append(opts, ggroup.WithNoStackScan())
	}
	if rng.IntN(2) == 0 {
		opts = append(opts, ggroup.WithAssistExempt(), ggroup.WithGCDeferral(rng.Float64()+0.01))
	}
	if rng.IntN(4) == 0 {
		opts = append(opts, ggroup.WithCompute(1+rng.IntN(4)))
	}
	return opts
}

// group opens a group, fills it, and shuts it down.
func (s *stress) group(rng *rand.Rand) {
	g, err := ggroup.Open("stress", s.options(rng)...)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.groups.Add(1)
	for range 1 + rng.IntN(12) {
		work := stressWork[rng.IntN(len(stressWork))]
		seed := rng.Uint64()
		s.started.Add(1)
		ggroup.BindTo(g, func() {
			defer func() {
				if r := recover(); r != nil && r != "stress" {
					panic(r)
				}
				if got := ggroup.Current(); got != g {
					s.t.Errorf("in %v, want %v", got, g)
				}
			}()
			work(rand.New(rand.NewPCG(seed, 0)))
		})
	}
	if err := g.Shutdown(context.Background()); err != nil {
		s.t.Error(err)
	}
	select {
	case s.closed <- struct{}{}:
	default:
	}
}

var stressGarbage [64]atomic.Pointer[[]byte]

// stressWork is what a goroutine of a group may do.
var stressWork = []func(rng *rand.Rand){
	func(rng *rand.Rand) { sleepInC(time.Duration(rng.IntN(2000)) * time.Microsecond) },
	func(rng *rand.Rand) { // call C that calls Go that blocks
		ch := make(chan int, 1)
		sortInC(2+rng.IntN(30), func() {
			b := make([]byte, 1+rng.IntN(2000))
			stressGarbage[rng.IntN(len(stressGarbage))].Store(&b)
			go func() { ch <- 1 }()
			<-ch
			if rng.IntN(10) == 0 {
				sleepInC(time.Microsecond)
			}
		})
	},
	func(rng *rand.Rand) { // call C without sleeping
		for range rng.IntN(2000) {
			sleepInC(0)
		}
	},
	func(rng *rand.Rand) { // a thread of its own, in C
		runtime.LockOSThread()
		sleepInC(time.Duration(rng.IntN(300)) * time.Microsecond)
		parks()
		if rng.IntN(2) == 0 {
			runtime.UnlockOSThread() // else the thread ends with the goroutine
		}
	},
	func(rng *rand.Rand) { // compute
		x := rng.Uint64()
		for range rng.IntN(3_000_000) {
			x ^= x << 13
			x ^= x >> 7
		}
	},
	func(rng *rand.Rand) { // timers
		for range rng.IntN(10) {
			<-time.After(time.Duration(rng.IntN(500)) * time.Microsecond)
			ggroup.Yield()
		}
	},
	func(*rand.Rand) { runtime.GC() },
	func(*rand.Rand) { panic("stress") },
	func(*rand.Rand) { runtime.Goexit() },
}
