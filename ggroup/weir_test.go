//go:build goexperiment.ggroup

package ggroup_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// spin keeps n goroutines of g busy until stop is called.
func spin(t *testing.T, g *ggroup.Group, n int) (stop func()) {
	t.Helper()
	var end atomic.Bool
	var wg sync.WaitGroup
	for range n {
		wg.Add(1)
		if err := g.Go(func() {
			defer wg.Done()
			for !end.Load() {
				runtime.KeepAlive(fmt.Sprint(n)) // calls, so that it can be preempted without signals
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	return func() { end.Store(true); wg.Wait() }
}

func TestOptionsAreInEffect(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	g := open(t, "effective",
		ggroup.WithClass(ggroup.Background), ggroup.WithWeight(300), ggroup.WithCPUQuota(0.25),
		ggroup.WithExclusive(2), ggroup.WithEagerHandoff())
	if s := g.Stats(); len(s.NotInEffect) != 0 || s.Exclusive != 2 {
		t.Errorf("Stats = %+v", s)
	}
	runtime.GOMAXPROCS(2)
	s := g.Stats()
	if s.Exclusive != 1 || len(s.NotInEffect) != 1 || s.NotInEffect[0].Option != "WithExclusive(2)" ||
		!strings.Contains(s.NotInEffect[0].Why, "1 given") {
		t.Errorf("with 2 processors: %+v", s)
	}
}

// TestAccount: what runs is counted, in the group that it belongs to.
func TestAccount(t *testing.T) {
	busy, idle := open(t, "busy"), open(t, "idle")
	stop := spin(t, busy, 2*runtime.GOMAXPROCS(0))
	for busy.Stats().Preemptions == 0 {
		time.Sleep(time.Millisecond)
	}
	stop()
	s := busy.Stats()
	if s.Running == 0 || s.Wait.Count() == 0 || s.Wait.Sum == 0 {
		t.Errorf("no account of what ran: %+v", s)
	}
	if s := idle.Stats(); s.Running != 0 || s.Wait.Count() != 0 {
		t.Errorf("an idle group ran: %+v", s)
	}
}

// TestNobodyStarves: with the latency class saturated all others go on.
func TestNobodyStarves(t *testing.T) {
	stop := spin(t, open(t, "saturated", ggroup.WithClass(ggroup.Latency)), 2*runtime.GOMAXPROCS(0))
	defer stop()
	for _, c := range []ggroup.Class{ggroup.Normal, ggroup.Background} {
		turns := make(chan int)
		ggroup.BindTo(open(t, c.String(), ggroup.WithClass(c)), func() {
			for i := range 10 {
				runtime.Gosched()
				turns <- i
			}
			close(turns)
		})
		for range turns {
		}
	}
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	go runtime.GC()
	for now.NumGC == before.NumGC {
		time.Sleep(time.Millisecond)
		runtime.ReadMemStats(&now)
	}
}

func TestQuotaThrottles(t *testing.T) {
	g := open(t, "throttled", ggroup.WithCPUQuota(0.2))
	stop := spin(t, g, 2)
	for g.Stats().Throttled < 50*time.Millisecond {
		time.Sleep(time.Millisecond)
	}
	stop()
}

// TestEagerHandoffAfterCallbacks: each way back into C gives the processor
// away, that of a callback like that of a call. So with one processor a ready
// goroutine runs between two callbacks, however short the time.
func TestEagerHandoffAfterCallbacks(t *testing.T) {
	openLibc(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	g := open(t, "calls back", ggroup.WithEagerHandoff())
	done := make(chan bool)
	ggroup.BindTo(g, func() {
		defer close(done)
		var ran atomic.Int64
		asked, between := int64(0), 0
		sortInC(100, func() {
			if ran.Load() == asked && asked != 0 {
				between++
			}
			for ran.Load() != asked {
				runtime.Gosched()
			}
			asked++
			go ran.Add(1)
		})
		if between < int(asked)/2 {
			t.Errorf("a ready goroutine ran between %d of %d callbacks", between, asked)
		}
		for ran.Load() != asked {
			runtime.Gosched()
		}
	})
	<-done
}

// TestTracebackShowsTheGroup in the place where crashes show it.
func TestTracebackShowsTheGroup(t *testing.T) {
	g := open(t, "traced")
	g.Do(func() {
		buf := make([]byte, 4096)
		text := string(buf[:runtime.Stack(buf, false)])
		if header, _, _ := strings.Cut(text, "\n"); !strings.Contains(header, ", ggroup traced]") {
			t.Errorf("header = %q", header)
		}
	})
}

func BenchmarkYield(b *testing.B) {
	g := ggroup.New("yield", ggroup.WithClass(ggroup.Latency))
	defer g.Close()
	g.Do(func() {
		for b.Loop() {
			ggroup.Yield()
		}
	})
}
