package ggroup_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// open makes a group that is shut down at the end of the test.
func open(t *testing.T, name string, opts ...ggroup.Option) *ggroup.Group {
	t.Helper()
	g, err := ggroup.Open(name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, g) })
	return g
}

func shutdown(t *testing.T, g *ggroup.Group) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := g.Shutdown(ctx); err != nil && !errors.Is(err, ggroup.ErrClosed) {
		t.Errorf("%v: %+v", err, g.Stats())
	}
}

func TestCurrentIsInherited(t *testing.T) {
	g := open(t, "inherited")
	if got := ggroup.Current(); got != nil {
		t.Fatalf("outside of any group: Current = %v", got)
	}
	ch := make(chan *ggroup.Group)
	ggroup.BindTo(g, func() {
		ch <- ggroup.Current()
		go func() {
			ch <- ggroup.Current()
			go func() { ch <- ggroup.Current() }()
		}()
	})
	for i := range 3 {
		if got := <-ch; got != g {
			t.Errorf("generation %d: Current = %v, want %v", i, got, g)
		}
	}
	if got := ggroup.Current(); got != nil {
		t.Errorf("after BindTo: Current = %v", got)
	}
}

func TestDoMovesInAndBack(t *testing.T) {
	a, b := open(t, "a"), open(t, "b")
	want := func(want *ggroup.Group) {
		t.Helper()
		if got := ggroup.Current(); got != want {
			t.Errorf("Current = %v, want %v", got, want)
		}
	}
	err := a.Do(func() {
		want(a)
		if err := b.Do(func() { want(b) }); err != nil {
			t.Error(err)
		}
		want(a)
		if n := a.Stats().Goroutines; n != 1 {
			t.Errorf("Goroutines = %d inside Do, want 1", n)
		}
		if err := a.Close(); !errors.Is(err, ggroup.ErrBusy) {
			t.Errorf("Close from inside = %v, want ErrBusy", err)
		}
	})
	if err != nil {
		t.Error(err)
	}
	want(nil)
}

func TestDoSurvivesPanicAndGoexit(t *testing.T) {
	g := open(t, "unwound")
	func() {
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("recovered %v", r)
			}
			if got := ggroup.Current(); got != nil {
				t.Errorf("after a panic: Current = %v", got)
			}
		}()
		g.Do(func() { panic("boom") })
	}()
	done := make(chan *ggroup.Group)
	go func() {
		defer func() { done <- ggroup.Current() }()
		g.Do(runtime.Goexit)
	}()
	if got := <-done; got != nil {
		t.Errorf("after Goexit: Current = %v", got)
	}
	if n := g.Stats().Goroutines; n != 0 {
		t.Errorf("Goroutines = %d, want 0", n)
	}
}

func TestStatsCountGoroutines(t *testing.T) {
	g := open(t, "counted", ggroup.WithWeight(7))
	release := make(chan struct{})
	var running sync.WaitGroup
	for range 10 {
		running.Add(1)
		if err := g.Go(func() { running.Done(); <-release }); err != nil {
			t.Fatal(err)
		}
	}
	running.Wait()
	s := g.Stats()
	if s.Name != "counted" || s.Weight != 7 || s.Goroutines != 10 || s.Created != 10 {
		t.Errorf("Stats = %+v", s)
	}
	close(release)
	shutdown(t, g)
	if n := g.Stats().Goroutines; n != 0 {
		t.Errorf("Goroutines = %d after Shutdown", n)
	}
}

func TestLife(t *testing.T) {
	g, err := ggroup.Open("life")
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	ggroup.BindTo(g, func() { <-stop })
	if err := g.Close(); !errors.Is(err, ggroup.ErrBusy) {
		t.Errorf("Close with a goroutine = %v, want ErrBusy", err)
	}
	if err := g.Go(func() {}); err != nil {
		t.Errorf("Go after a refused Close: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := g.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown with a goroutine = %v, want DeadlineExceeded", err)
	}
	if err := g.Go(func() {}); !errors.Is(err, ggroup.ErrClosed) {
		t.Errorf("Go during Shutdown = %v, want ErrClosed", err)
	}
	close(stop)
	shutdown(t, g)
	if err := g.Close(); !errors.Is(err, ggroup.ErrClosed) {
		t.Errorf("second Close = %v, want ErrClosed", err)
	}
	if err := g.Shutdown(context.Background()); !errors.Is(err, ggroup.ErrClosed) {
		t.Errorf("Shutdown after Close = %v, want ErrClosed", err)
	}
	if err := g.Do(func() { t.Error("ran in a closed group") }); !errors.Is(err, ggroup.ErrClosed) {
		t.Errorf("Do in a closed group = %v, want ErrClosed", err)
	}
	defer func() {
		if r := recover(); r == nil {
			t.Error("BindTo a closed group did not panic")
		}
	}()
	ggroup.BindTo(g, func() { t.Error("ran in a closed group") })
}

func TestAtMostMaxGroups(t *testing.T) {
	var gs []*ggroup.Group
	defer func() {
		for _, g := range gs {
			shutdown(t, g)
		}
	}()
	for {
		g, err := ggroup.Open("many")
		if err != nil {
			if !errors.Is(err, ggroup.ErrTooMany) {
				t.Fatalf("Open beyond the limit = %v, want ErrTooMany", err)
			}
			break
		}
		gs = append(gs, g)
		if len(gs) > ggroup.MaxGroups {
			t.Fatal("no limit")
		}
	}
	if len(ggroup.Groups()) != ggroup.MaxGroups {
		t.Errorf("Groups has %d entries, want %d", len(ggroup.Groups()), ggroup.MaxGroups)
	}
	shutdown(t, gs[3])
	g, err := ggroup.Open("again")
	if err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	gs[3] = g
}

func TestOptionsOutOfRange(t *testing.T) {
	for name, opts := range map[string][]ggroup.Option{
		"class":               {ggroup.WithClass(9)},
		"no weight":           {ggroup.WithWeight(0)},
		"weight":              {ggroup.WithWeight(ggroup.MaxWeight + 1)},
		"no quota":            {ggroup.WithCPUQuota(0)},
		"quota":               {ggroup.WithCPUQuota(1.01)},
		"negative quota":      {ggroup.WithCPUQuota(-0.5)},
		"quota not a number":  {ggroup.WithCPUQuota(math.NaN())},
		"no exclusive":        {ggroup.WithExclusive(0)},
		"exclusive":           {ggroup.WithExclusive(1 << 20)},
		"contradicting scans": {ggroup.WithNoStackScan(), ggroup.WithNormalGC()},
		"normal, and exempt":  {ggroup.WithNormalGC(), ggroup.WithAssistExempt()},
		"exempt, but normal":  {ggroup.WithAssistExempt(), ggroup.WithNormalGC()},
		"normal, and defers":  {ggroup.WithNormalGC(), ggroup.WithGCDeferral(1)},
		"defers, but normal":  {ggroup.WithGCDeferral(1), ggroup.WithNormalGC()},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := ggroup.Open("x", opts...)
			var want *ggroup.OptionError
			if !errors.As(err, &want) || g != nil {
				t.Fatalf("Open = %v, %v; want an *OptionError", g, err)
			}
			defer func() {
				if recover() == nil {
					t.Error("New did not panic")
				}
			}()
			ggroup.New("x", opts...)
		})
	}
	for _, name := range []string{"", strings.Repeat("x", ggroup.MaxNameBytes+1)} {
		if _, err := ggroup.Open(name); err == nil {
			t.Errorf("Open with a name of %d bytes did not fail", len(name))
		}
	}
}

// TestEveryOptionIsInEffectOrReported: none is dropped in silence.
func TestEveryOptionIsInEffectOrReported(t *testing.T) {
	g := open(t, "reported", ggroup.WithNoStackScan())
	s := g.Stats()
	for _, n := range s.NotInEffect {
		if len(s.NotInEffect) != 1 || n.Option != "WithNoStackScan()" || n.Why == "" {
			t.Errorf("NotInEffect = %+v", s.NotInEffect)
		}
	}
	plain := open(t, "plain", ggroup.WithNormalGC())
	if s := plain.Stats(); len(s.NotInEffect) != 0 {
		t.Errorf("NotInEffect = %+v, want none: it asks for nothing special", s.NotInEffect)
	}
}

func TestProfilesShowTheGroup(t *testing.T) {
	g := open(t, "profiled-group")
	stop := make(chan struct{})
	ready := make(chan struct{})
	ggroup.BindTo(g, func() { close(ready); <-stop })
	<-ready
	var text strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		t.Fatal(err)
	}
	close(stop)
	if want := `"ggroup":"profiled-group"`; !strings.Contains(text.String(), want) {
		t.Errorf("the goroutine profile has no label %s:\n%s", want, text.String())
	}
}

func TestLabelsComeBack(t *testing.T) {
	g := open(t, "labelled")
	has := func(label string) bool {
		var text strings.Builder
		pprof.Lookup("goroutine").WriteTo(&text, 1)
		return strings.Contains(text.String(), label)
	}
	pprof.Do(context.Background(), pprof.Labels("mine", "before"), func(context.Context) {
		g.Do(func() {
			if !has(`"ggroup":"labelled"`) {
				t.Error("no label inside Do")
			}
		})
		if !has(`"mine":"before"`) {
			t.Error("the caller's label is gone after Do")
		}
	})
}

// TestChurn opens, fills, refuses and closes groups from many goroutines.
func TestChurn(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range rounds {
				g, err := ggroup.Open("churn")
				if err != nil {
					t.Error(err)
					return
				}
				var inside sync.WaitGroup
				for range 5 {
					inside.Add(1)
					ggroup.BindTo(g, func() {
						defer inside.Done()
						if got := ggroup.Current(); got != g {
							t.Errorf("Current = %v in a goroutine of %v", got, g)
						}
					})
				}
				inside.Wait()
				shutdown(t, g)
			}
		})
	}
	wg.Wait()
}
