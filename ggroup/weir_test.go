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

// spin keeps n goroutines of g busy until stop is called, or until one of them
// finds that it is enough: while they hold all processors, nobody else can be
// relied upon to look. stop reports whether one did.
func spin(t *testing.T, g *ggroup.Group, n int, enough func(spinner int) bool) (stop func() bool) {
	t.Helper()
	var end, had atomic.Bool
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		if err := g.Go(func() {
			defer wg.Done()
			for !end.Load() {
				runtime.KeepAlive(fmt.Sprint(n)) // calls, so that it can be preempted without signals
				if enough(i) {
					// The verdict first: who sees the end finds it.
					had.Store(true)
					end.Store(true)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	return func() bool { end.Store(true); wg.Wait(); return had.Load() }
}

func TestOptionsAreInEffect(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	g := open(t, "effective",
		ggroup.WithClass(ggroup.Background), ggroup.WithWeight(300), ggroup.WithCPUQuota(0.25),
		ggroup.WithExclusive(2), ggroup.WithEagerHandoff(), ggroup.WithAssistExempt(), ggroup.WithGCDeferral(0.5))
	computing := open(t, "computing", ggroup.WithEagerHandoff(), ggroup.WithCompute(3))
	if s := g.Stats(); len(s.NotInEffect) != 0 || s.Exclusive != 2 {
		t.Errorf("Stats = %+v", s)
	}
	if s := computing.Stats(); len(s.NotInEffect) != 1 || s.NotInEffect[0].Option != "WithEagerHandoff()" {
		t.Errorf("computing: Stats = %+v", s)
	}
	runtime.GOMAXPROCS(2)
	if s := computing.Stats(); len(s.NotInEffect) != 2 || s.NotInEffect[0].Option != "WithCompute(3)" {
		t.Errorf("computing with 2 processors: Stats = %+v", s)
	}
	s := g.Stats()
	if s.Exclusive != 1 || len(s.NotInEffect) != 1 || s.NotInEffect[0].Option != "WithExclusive(2)" ||
		!strings.Contains(s.NotInEffect[0].Why, "1 given") {
		t.Errorf("with 2 processors: %+v", s)
	}
}

// TestID: groups that are open at once have ids of their own.
func TestID(t *testing.T) {
	seen := map[int32]bool{}
	for range 10 {
		id := open(t, "numbered").ID()
		if id < 1 || id > ggroup.MaxGroups || seen[id] {
			t.Errorf("ID = %d, others are %v", id, seen)
		}
		seen[id] = true
	}
	g := ggroup.New("closed")
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if g.ID() != 0 || (*ggroup.Group)(nil).ID() != 0 {
		t.Errorf("a closed group has ID %d", g.ID())
	}
}

// TestNoStackScan: the collector soon stops walking stacks that only wait.
func TestNoStackScan(t *testing.T) {
	const n = 20
	g := open(t, "waiting", ggroup.WithNoStackScan())
	end := make(chan int)
	for range n {
		ggroup.BindTo(g, func() { <-end })
	}
	for before := uint64(0); ; {
		runtime.GC()
		s := g.Stats()
		if s.StacksReplayed >= before+n {
			if len(s.NotInEffect) != 0 || s.StacksWalked == 0 || s.StackListsBytes == 0 {
				t.Errorf("%+v", s)
			}
			break
		}
		before = s.StacksReplayed
		runtime.Gosched() // they have yet to wait
	}
	close(end)
}

// TestAccount: what runs is counted, in the group that it belongs to. On one
// processor, each time that a spinner finds that another ran since, that other
// was stopped.
func TestAccount(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const switches = 20 // a few of them may be the collector's doing
	busy, idle := open(t, "busy"), open(t, "idle")
	var last, seen atomic.Int64
	ended := make(chan struct{})
	stop := spin(t, busy, 2, func(spinner int) bool {
		if me := int64(spinner); last.Swap(me) == me || seen.Add(1) != switches {
			return false
		}
		close(ended)
		return true
	})
	<-ended
	stop()
	s := busy.Stats()
	if s.Preemptions == 0 || s.Running == 0 || s.Wait.Count() == 0 || s.Wait.Sum == 0 {
		t.Errorf("after %d switches, no account of what ran: %+v", switches, s)
	}
	if s := idle.Stats(); s.Running != 0 || s.Wait.Count() != 0 {
		t.Errorf("an idle group ran: %+v", s)
	}
}

// TestNobodyStarves: with the latency class saturated all others go on. Its
// clock is how often the saturating goroutines were stopped for one another.
func TestNobodyStarves(t *testing.T) {
	limit := 1000 * uint64(runtime.GOMAXPROCS(0)) // about ten seconds of time slices
	saturated := open(t, "saturated", ggroup.WithClass(ggroup.Latency))
	stop := spin(t, saturated, 2*runtime.GOMAXPROCS(0), func(int) bool { return saturated.Stats().Preemptions > limit })
	var stoppedAfter []string
	after := func(what string) {
		stoppedAfter = append(stoppedAfter, fmt.Sprintf("%s after %d", what, saturated.Stats().Preemptions))
	}
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
		after("ten turns of class " + c.String())
	}
	collected := make(chan struct{})
	go func() { runtime.GC(); close(collected) }()
	<-collected
	after("a collection")
	if stop() {
		t.Errorf("starved until the saturating group had been stopped %d times: %s", limit, strings.Join(stoppedAfter, ", "))
	}
}

// TestQuotaThrottles: the clock is the time that the group has run. By then, a
// hundredth of all processors' time would have held it for much longer, however
// many there are.
func TestQuotaThrottles(t *testing.T) {
	const enough, limit = 50 * time.Millisecond, 5 * time.Second
	g := open(t, "throttled", ggroup.WithCPUQuota(0.01))
	throttled := make(chan ggroup.Stats, 1)
	var done atomic.Bool
	stop := spin(t, g, 2, func(int) bool {
		s := g.Stats()
		if s.Throttled < enough && s.Running < limit || done.Swap(true) {
			return false
		}
		throttled <- s
		return true
	})
	s := <-throttled
	stop()
	if s.Throttled < enough {
		t.Errorf("held for %v only while it ran for %v under a quota of 0.01", s.Throttled, s.Running)
	}
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
