package ggroup_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/weirgo/weir/ggroup"
)

// What a program can do wrong, or do twice, is the same on both toolchains, and
// what the documentation says.

// closedGroups are groups in every state in which nothing can enter them.
func closedGroups(t *testing.T) map[string]*ggroup.Group {
	t.Helper()
	once := func(end func(g *ggroup.Group) error) *ggroup.Group {
		g, err := ggroup.Open("closed", ggroup.WithClass(ggroup.Background), ggroup.WithExclusive(1), ggroup.WithNoStackScan())
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Do(func() {}); err != nil {
			t.Fatal(err)
		}
		if err := end(g); err != nil {
			t.Fatal(err)
		}
		return g
	}
	return map[string]*ggroup.Group{
		"nil":       nil,
		"zero":      new(ggroup.Group),
		"closed":    once((*ggroup.Group).Close),
		"shut down": once(func(g *ggroup.Group) error { return g.Shutdown(t.Context()) }),
	}
}

func TestClosedGroupsRefuse(t *testing.T) {
	never := func() { t.Error("ran in a closed group") }
	for state, g := range closedGroups(t) {
		for call, err := range map[string]error{
			"Go":       g.Go(never),
			"Do":       g.Do(never),
			"Close":    g.Close(),
			"Shutdown": g.Shutdown(t.Context()),
			"again":    g.Close(),
		} {
			if !errors.Is(err, ggroup.ErrClosed) {
				t.Errorf("%s group: %s = %v, want ErrClosed", state, call, err)
			}
		}
		want := ggroup.Stats{Name: g.Name(), Weight: ggroup.DefaultWeight}
		if g.Name() != "" {
			want.Class = ggroup.Background
		}
		if got := g.Stats(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s group: Stats = %+v, want %+v", state, got, want)
		}
		if fmt.Sprint(g) != g.Name() {
			t.Errorf("%s group: prints as %q", state, fmt.Sprint(g))
		}
		for _, other := range ggroup.Groups() {
			if other == g {
				t.Errorf("%s group: is listed as open", state)
			}
		}
		if got := panics(func() { ggroup.BindTo(g, never) }); got != "ggroup: BindTo: group is closed" {
			t.Errorf("%s group: BindTo panics with %v", state, got)
		}
	}
}

// panics gives what f panics with, nil if it does not.
func panics(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func TestNilFunctionsPanic(t *testing.T) {
	g := open(t, "nil functions")
	for _, test := range []struct {
		call func()
		want string
	}{
		{func() { ggroup.BindTo(g, nil) }, "ggroup: Go: nil function"},
		{func() { _ = g.Go(nil) }, "ggroup: Go: nil function"},
		{func() { _ = g.Do(nil) }, "ggroup: Do: nil function"},
		{func() { _ = new(ggroup.Group).Do(nil) }, "ggroup: Do: nil function"},
		{func() { ggroup.Critical(nil) }, "ggroup: Critical: nil function"},
	} {
		if got := panics(test.call); got != test.want {
			t.Errorf("panic %v, want %q", got, test.want)
		}
	}
	if n := g.Stats().Goroutines; n != 0 {
		t.Errorf("%d goroutines are counted", n)
	}
}

// New panics where Open returns an error, with that error.
func TestNewPanicsWithTheError(t *testing.T) {
	for _, opt := range []ggroup.Option{
		ggroup.WithCPUQuota(math.Inf(1)), ggroup.WithCPUQuota(math.Inf(-1)), ggroup.WithCPUQuota(-math.SmallestNonzeroFloat64),
		ggroup.WithWeight(math.MinInt), ggroup.WithWeight(math.MaxInt), ggroup.WithExclusive(math.MinInt), ggroup.WithExclusive(math.MaxInt),
		ggroup.WithClass(255), ggroup.WithGCDeferral(0), ggroup.WithGCDeferral(-1), ggroup.WithGCDeferral(math.NaN()),
		ggroup.WithGCDeferral(math.Inf(1)), ggroup.WithGCDeferral(ggroup.MaxGCDeferral + 0.01),
		ggroup.WithCompute(0), ggroup.WithCompute(math.MinInt), ggroup.WithCompute(ggroup.MaxCompute + 1),
		ggroup.WithClass(255),
	} {
		got := panics(func() { ggroup.New("absurd", opt) })
		_, opened := ggroup.Open("absurd", opt)
		if err, ok := got.(error); !ok || opened == nil || err.Error() != opened.Error() {
			t.Errorf("New panics with %v, Open returns %v", got, opened)
		}
	}
}

// Without options, with nil ones, and with the least that is allowed.
func TestLeastOptions(t *testing.T) {
	for _, opts := range [][]ggroup.Option{
		nil, {}, {nil, nil}, {ggroup.WithCPUQuota(math.SmallestNonzeroFloat64)}, {ggroup.WithWeight(1)}, {ggroup.WithClass(ggroup.Normal)},
		{ggroup.WithGCDeferral(math.SmallestNonzeroFloat64)}, {ggroup.WithGCDeferral(ggroup.MaxGCDeferral)},
	} {
		g, err := ggroup.Open("least", opts...)
		if err != nil {
			t.Fatal(err)
		}
		if len(opts) == 0 {
			if err := g.Do(func() {}); err != nil {
				t.Error(err)
			}
		}
		if err := g.Close(); err != nil {
			t.Errorf("Close: %v, %+v", err, g.Stats())
		}
	}
}

// Do may be nested, in the same group too; each level counts, and the end of
// each brings the group before it back.
func TestDoNests(t *testing.T) {
	a, b := open(t, "a"), open(t, "b")
	check := func(want *ggroup.Group, inA, inB int) {
		t.Helper()
		if got := ggroup.Current(); got != want {
			t.Errorf("Current = %v, want %v", got, want)
		}
		if na, nb := a.Stats().Goroutines, b.Stats().Goroutines; na != inA || nb != inB {
			t.Errorf("%d in a, %d in b, want %d and %d", na, nb, inA, inB)
		}
	}
	do := func(g *ggroup.Group, f func()) {
		t.Helper()
		if err := g.Do(f); err != nil {
			t.Error(err)
		}
	}
	do(a, func() {
		check(a, 1, 0)
		do(a, func() {
			check(a, 2, 0)
			do(b, func() {
				check(b, 2, 1)
				do(a, func() { check(a, 3, 1) })
				check(b, 2, 1)
			})
			check(a, 2, 0)
		})
		check(a, 1, 0)
	})
	check(nil, 0, 0)
}

// A group that is being shut down takes nobody in, not even who is inside; what
// is inside goes on, and its go statements too.
func TestShutdownFromOutsideAndInside(t *testing.T) {
	g, err := ggroup.Open("leaving")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 4)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Do(func() {
		done <- g.Shutdown(over) // waits for its caller
		done <- g.Do(func() { t.Error("entered a group that is shutting down") })
		done <- g.Go(func() { t.Error("started in a group that is shutting down") })
		child := make(chan *ggroup.Group)
		go func() { child <- ggroup.Current() }()
		if got := <-child; got != g {
			t.Errorf("a go statement inside leads into %v", got)
		}
		done <- g.Close()
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{context.Canceled, ggroup.ErrClosed, ggroup.ErrClosed, ggroup.ErrBusy} {
		if err := <-done; !errors.Is(err, want) {
			t.Errorf("from inside: %v, want %v", err, want)
		}
	}
	shutdown(t, g)
}

// Who closes first closes, the others are told; none enters after.
func TestCloseOnceAmongMany(t *testing.T) {
	for range 50 {
		g, err := ggroup.Open("contended")
		if err != nil {
			t.Fatal(err)
		}
		results := make(chan error, 8)
		for i := range cap(results) {
			go func() {
				for {
					end := g.Close
					if i%2 == 0 {
						end = func() error { return g.Shutdown(context.Background()) }
					}
					err := end()
					if !errors.Is(err, ggroup.ErrBusy) {
						results <- err
						return
					}
					runtime.Gosched()
				}
			}()
		}
		for range 8 {
			_ = g.Do(func() {})
		}
		closed := 0
		for range cap(results) {
			if err := <-results; err == nil {
				closed++
			} else if !errors.Is(err, ggroup.ErrClosed) {
				t.Errorf("Close: %v", err)
			}
		}
		if closed != 1 {
			t.Errorf("closed %d times", closed)
		}
	}
}
