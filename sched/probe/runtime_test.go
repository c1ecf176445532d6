package probe

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// What the runtime of our toolchain tells is what a program did.
func TestRuntime(t *testing.T) {
	needKernel(t)
	tg := start(t, build(t, "turns"), nil)
	p, err := Attach(tg.pid(), Config{})
	if errors.Is(err, ErrNoPoints) {
		t.Skipf("not supported: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, p)
	// during is what happens to a group while the program does something.
	during := func(group, do string) (Group, *Snapshot) {
		t.Helper()
		before := read(t, p)
		if answer := tg.do("%s", do); answer != "done" {
			t.Fatal(answer)
		}
		s := read(t, p).Sub(before)
		for _, g := range s.Groups {
			if g.Name == group {
				return g, s
			}
		}
		t.Fatalf("%s: no group %s in %+v", do, group, s.Groups)
		return Group{}, nil
	}

	const n = 1000
	if g, _ := during("inference", fmt.Sprint("turns ", n)); g.Runs < n || g.Wait.Count() > g.Runs || g.Wait.Count() < n || g.Parked < n || g.Wait.Sum <= 0 {
		t.Errorf("%d turns: %+v", n, g)
	}
	if g, _ := during("monitor", fmt.Sprint("start ", n)); g.Started != n || g.Runs < n {
		t.Errorf("%d starts: %+v", n, g)
	}
	for calls := uint64(0); calls == 0; { // until the P was taken away meanwhile
		g, _ := during("inference", "nap")
		calls = g.Calls
		if g.Off.InCall.Asleep.Time+g.Off.Running.Asleep.Time <= 0 {
			t.Errorf("a nap: %+v", g)
		}
	}
	if g, s := during("monitor", "spin"); g.Preempted == 0 || g.Running <= 0 || len(s.Threads) < 2 {
		t.Errorf("three that compute on two: %+v", g)
	}
	if _, s := during("inference", "collect"); s.Collector.Cycles == 0 || s.Collector.Time <= 0 || s.Stops.Count() < 2 || s.Stops.Sum <= 0 {
		t.Errorf("a collection: %+v, %+v", s.Collector, s.Stops)
	}

	var id uint64
	fmt.Sscan(tg.do("park"), &id)
	await(t, "the goroutine parks", func() bool { return read(t, p).goroutine(id).State == Waiting })
	await(t, "all have ended", func() bool {
		s := read(t, p)
		return slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Name == "monitor" && g.Exited == g.Started })
	})
	if s := read(t, p); s.Lost != 0 {
		t.Errorf("%d events were lost", s.Lost)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if answer := tg.do("turns %d", n); answer != "done" {
		t.Errorf("afterwards: %s", answer)
	}
}
