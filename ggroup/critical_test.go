package ggroup_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/weirgo/weir/ggroup"
)

func ExampleCritical() {
	engine := ggroup.New("engine", ggroup.WithGCDeferral(0.5))
	defer engine.Close()
	engine.Do(func() {
		for step := range 2 {
			ggroup.Critical(func() { fmt.Println("step", step) }) // no collection begins here
			ggroup.QuietPoint()                                   // but here, if one is due
		}
	})
	// Output:
	// step 0
	// step 1
}

// Critical calls its function once, in place, wherever it is called, and what
// the function ends with is seen outside.
func TestCriticalCallsInPlace(t *testing.T) {
	deferring := open(t, "deferring", ggroup.WithGCDeferral(1))
	plain := open(t, "plain")
	check := func() {
		t.Helper()
		before, calls := ggroup.Current(), 0
		ggroup.Critical(func() {
			calls++
			ggroup.Critical(func() { calls++ })
			ggroup.QuietPoint()
			if ggroup.Current() != before {
				t.Errorf("in a critical stretch Current = %v, want %v", ggroup.Current(), before)
			}
		})
		if calls != 2 {
			t.Errorf("%d calls, want 2", calls)
		}
		if got := panics(func() { ggroup.Critical(func() { panic("boom") }) }); got != "boom" {
			t.Errorf("panic %v, want boom", got)
		}
		ended := make(chan bool)
		go func() {
			defer close(ended)
			ggroup.Critical(runtime.Goexit)
			t.Error("Goexit did not end the goroutine")
		}()
		<-ended
		ggroup.QuietPoint()
	}
	check()
	for _, g := range []*ggroup.Group{deferring, plain} {
		if err := g.Do(check); err != nil {
			t.Error(err)
		}
	}
}

func TestDeferredSums(t *testing.T) {
	a := ggroup.Deferred{Time: 1, QuietPoint: 2, StretchEnd: 3, Extra: 4, MemoryLimit: 5, TooLong: 6, Other: 7}
	if n := a.Count(); n != 27 {
		t.Errorf("Count = %d, want 27", n)
	}
	if got, want := a.Add(a), (ggroup.Deferred{Time: 2, QuietPoint: 4, StretchEnd: 6, Extra: 8, MemoryLimit: 10, TooLong: 12, Other: 14}); got != want {
		t.Errorf("Add = %+v, want %+v", got, want)
	}
}
