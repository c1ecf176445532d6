package probe

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

// Goroutines go from state to state, and threads take them up and lay them down.
func TestStates(t *testing.T) {
	both(t, func(t *testing.T, tg *target, p *Probe) {
		thread := tg.do("thread")
		for i, step := range []struct {
			do    string
			state State  // of goroutine 7
			runs  uint64 // of it
			on    uint64 // the goroutine that the main thread has
		}{
			{"fire Start 7 3 1 0", Runnable, 0, 0},
			{"fire Run 7 3", Running, 1, 7},
			{"fire Preempt 7 3 1", Runnable, 1, 0},
			{"fire Run 7 3", Running, 2, 7},
			{"fire Park 7 3 12", Waiting, 2, 0},
			{"elsewhere Ready 7 3", Runnable, 2, 0},
			{"fire Run 7 3", Running, 3, 7},
			{"elsewhere SyscallEnter 7 3 0 0", InCall, 3, 7},
			{"fire SyscallExit 7 3 0 1", Running, 4, 7},
			{"elsewhere SyscallEnter 7 3 0 0", InCall, 4, 7},
			{"fire SyscallExit 7 3 0 -1", Runnable, 4, 0},
			{"elsewhere Run 7 3", Running, 5, 0},
			{"elsewhere Exit 7 3", Unknown, 0, 0},
		} {
			tg.do("%s", step.do)
			s := read(t, p)
			if g := s.goroutine(7); g.State != step.state || g.Runs != step.runs {
				t.Errorf("step %d, %s: goroutine %+v", i, step.do, g)
			}
			if n := s.group(3).Goroutines; step.state != Unknown && !maps.Equal(n, map[State]int{step.state: 1}) {
				t.Errorf("step %d, %s: group has %v", i, step.do, n)
			}
			if on := s.thread(thread).Goroutine; on != step.on {
				t.Errorf("step %d, %s: thread has goroutine %d, not %d", i, step.do, on, step.on)
			}
		}
		g := read(t, p).group(3)
		counts := []uint64{g.Started, g.Readied, g.Runs, g.Preempted, g.Parked, g.Exited, g.Calls}
		if got := fmt.Sprint(counts); got != "[1 1 4 1 1 1 2]" || len(g.Goroutines) > 0 {
			t.Errorf("%s: %+v", got, g)
		}
		// Start, Preempt, Ready and the lack of a P were each followed by a Run.
		if n := g.Wait.Count(); n != 4 || g.Wait.Sum <= 0 || g.Running <= 0 || g.InCall <= 0 {
			t.Errorf("%d waits: %+v", n, g)
		}
	})
}

// Groups that cannot be are none, and those that nothing happens in are not shown.
func TestGroups(t *testing.T) {
	both(t, func(t *testing.T, tg *target, p *Probe) {
		tg.fire("Ready 1 0", "Ready 2 64", "Ready 3 65", "Ready 4 18446744073709551615")
		var seen []string
		for _, g := range read(t, p).Groups {
			seen = append(seen, fmt.Sprintf("%d %q %d", g.ID, g.Name, g.Readied))
		}
		if got := strings.Join(seen, ", "); got != `0 "" 3, 3 "inference" 0, 64 "last[31m" 1` {
			t.Error(got)
		}
	})
}

// A wait ends with a Run of the same goroutine, whatever others do between.
func TestWaits(t *testing.T) {
	both(t, func(t *testing.T, tg *target, p *Probe) {
		tg.fire("Ready 1 1", "Ready 2 2")
		tg.do("nap") // a millisecond
		tg.fire("Run 2 2", "Run 1 1", "Park 1 1", "Run 1 1")
		s := read(t, p)
		for id := 1; id <= 2; id++ {
			w := s.group(id).Wait
			if w.Count() != 1 || w.Sum < time.Millisecond || w.Counts[bucketOf(w.Sum)] != 1 || w.Quantile(0.5) < w.Sum || w.Quantile(1) > 2*w.Sum {
				t.Errorf("group %d: %+v", id, w)
			}
		}
		if later := read(t, p).Sub(s).group(1); later.Wait.Count() != 0 || later.Runs != 0 || later.Goroutines[Running] != 1 {
			t.Errorf("nothing happened meanwhile: %+v", later)
		}
	})
}

func TestStops(t *testing.T) {
	both(t, func(t *testing.T, tg *target, p *Probe) {
		tg.fire("STWEnd 0 0", "STWStart 9 0 4", "STWEnd 9 0 4", "STWStart 9 0 4")
		for _, event := range []uint64{gcEnd, gcStart, gcStart + 1, gcAssistStart, gcAssistStart + 1, gcEnd, gcStart} {
			tg.fire(fmt.Sprintf("GC 0 0 %d 0", event<<gcEventShift|5))
		}
		s := read(t, p)
		if s.Stops.Count() != 1 || s.Stops.Sum <= 0 || s.Stops.Counts[bucketOf(s.Stops.Sum)] != 1 {
			t.Errorf("%+v", s.Stops)
		}
		if s.Collector.Cycles != 1 || s.Collector.Assists != 1 || s.Collector.Time <= 0 {
			t.Errorf("%+v", s.Collector)
		}
	})
}

// What the kernel takes from a goroutine is told from its sleeping, and from what
// happens to a thread that runs none.
func TestAbsences(t *testing.T) {
	both(t, func(t *testing.T, tg *target, p *Probe) {
		thread := tg.do("thread")
		// after reads what there is when the target has done something and waits for more.
		after := func(do string) *Snapshot {
			tg.do("%s", do)
			tg.rest()
			return read(t, p)
		}
		tg.fire("Run 7 3")
		s := after("nap")
		off := s.group(3).Off
		if a := off.Running.Asleep; a.Count == 0 || a.Time <= 0 || off.InCall != (Absence{}) || off.Scheduler != (Absence{}) || s.goroutine(7).Asleep != a.Time {
			t.Errorf("a nap while it runs: %+v, %+v", off, s.goroutine(7))
		}

		s = after("crowd")
		g := s.group(3)
		if stolen := g.Off.Running.Stolen; stolen.Count < 3 || g.Stolen.Count() != stolen.Count || g.Stolen.Sum != stolen.Time ||
			s.goroutine(7).Stolen != stolen.Time || s.thread(thread).Off.Running.Stolen != stolen {
			t.Errorf("a crowd: %+v, %+v", g, s.thread(thread))
		}
		if s.thread(thread).On <= 0 {
			t.Errorf("it never ran: %+v", s.thread(thread))
		}

		tg.fire("SyscallEnter 7 3")
		if off := after("nap").Sub(s).group(3).Off; off.InCall.Asleep.Count == 0 || off.InCall.Asleep.Time <= 0 {
			t.Errorf("a nap in a call: %+v", off)
		}
		tg.fire("SyscallExit 7 3 0 0")
		s = after("fire Park 7 3")
		later := after("nap").Sub(s)
		if off := later.group(0).Off; off.Scheduler.Asleep.Count == 0 || off.Scheduler.Asleep.Time <= 0 || later.group(3).Off != (Absences{}) {
			t.Errorf("a nap in the scheduler: %+v, %+v", off, later.group(3).Off)
		}
		if off := later.thread(thread).Off; off.Scheduler.Asleep.Count == 0 || off.Running != (Absence{}) {
			t.Errorf("a nap in the scheduler: thread %s, %+v, before %+v", thread, later.Threads, s.Threads)
		}
	})
}

// Where there is no room for goroutines their events are counted all the same.
func TestLost(t *testing.T) {
	needKernel(t)
	tg := start(t, build(t, "target"), nil)
	p := attachTo(t, tg, Config{Symbols: targetSymbols, Goroutines: 2, Threads: 2})
	const events = 2000
	for id := range events {
		tg.fire(fmt.Sprintf("Ready %d 1", id+1))
	}
	s := read(t, p)
	if g := s.group(1); g.Readied != events || s.Lost == 0 || len(s.Goroutines) == 0 || len(s.Goroutines)+int(s.Lost) < events {
		t.Errorf("%d lost, %d goroutines: %+v", s.Lost, len(s.Goroutines), g)
	}
}

// More goroutines than are read at once.
func TestMany(t *testing.T) {
	needKernel(t)
	tg := start(t, build(t, "target"), nil)
	p := attachTo(t, tg, targetConfig)
	const n = 3 * batch
	for id := range n {
		tg.fire(fmt.Sprintf("Start %d %d", id+1, id%3))
	}
	s := read(t, p)
	for id := range 3 {
		if g := s.group(id); g.Started != n/3 || g.Goroutines[Runnable] != n/3 {
			t.Errorf("%+v", g)
		}
	}
	if len(s.Goroutines) != n || s.Lost != 0 {
		t.Errorf("%d goroutines, %d lost", len(s.Goroutines), s.Lost)
	}
}

// A program that is loaded anywhere has its points and its names, too.
func TestPositionIndependent(t *testing.T) {
	needKernel(t)
	tg := start(t, build(t, "target", "-buildmode=pie"), nil)
	p := attachTo(t, tg, targetConfig)
	tg.fire("Ready 7 3", "Run 7 3")
	if g := read(t, p).group(3); g.Name != "inference" || g.Wait.Count() != 1 {
		t.Errorf("%+v", g)
	}
}

// Without debugging information, groups have numbers.
func TestWithoutNames(t *testing.T) {
	needKernel(t)
	tg := start(t, build(t, "target", "-ldflags=-w"), nil)
	p := attachTo(t, tg, targetConfig)
	tg.fire("Ready 7 3")
	if s := read(t, p); len(s.Groups) != 1 || s.Groups[0].Name != "" || s.Groups[0].ID != 3 {
		t.Errorf("%+v", s.Groups)
	}
}

func TestJSON(t *testing.T) {
	needKernel(t)
	tg := start(t, build(t, "target"), nil)
	p := attachTo(t, tg, targetConfig)
	tg.fire("Ready 7 3", "Run 7 3", "Park 7 3")
	text, err := json.Marshal(read(t, p))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"name":"inference"`, `"goroutines":{"waiting":1}`, `"wait":{"count":1,`, `"stops":{"count":0,"sum_ns":0,`, `"state":"waiting"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// The kernel takes all programs, and shows them.
func TestPrograms(t *testing.T) {
	needKernel(t)
	task, err := kernelTask()
	if err != nil {
		t.Fatal(err)
	}
	for _, separated := range []bool{false, true} {
		loaded, err := ebpf.NewCollection(collection(Config{}.filled(), task, separated))
		if err != nil {
			t.Errorf("separated %v: %+v", separated, err)
			continue
		}
		defer loaded.Close()
		for name, program := range loaded.Programs {
			info, err := program.Info()
			if err != nil {
				t.Fatal(err)
			}
			verified, _ := info.VerifiedInstructions()
			t.Logf("%s: %d instructions looked at", name, verified)
		}
	}
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		t.Skip("not supported: bpftool is not installed; the programs were loaded")
	}
	list, err := exec.Command(bpftool, "prog", "list").CombinedOutput()
	if err != nil {
		t.Skipf("not supported: bpftool: %v: %s", err, list)
	}
	for _, name := range []string{programGoroutine, programWorld, programSwitch} {
		if !strings.Contains(string(list), "name "+name) {
			t.Errorf("bpftool does not show %s:\n%s", name, list)
		}
	}
}

// BenchmarkHit is the CPU time that a point costs the thread that comes by, for the
// costliest kinds of events.
func BenchmarkHit(b *testing.B) {
	needKernel(b)
	many := func(b *testing.B, tg *target) {
		var ns float64
		fmt.Sscan(tg.do("many %d", 2*((b.N+1)/2)), &ns)
		b.ReportMetric(ns, "ns/op")
	}
	b.Run("alone", func(b *testing.B) { many(b, start(b, build(b, "target"), nil)) })
	for name, around := range map[string]surroundings{
		"together":   {kernelTask, func() error { return nil }},
		"separately": {kernelTask, func() error { return ebpf.ErrNotSupported }},
	} {
		b.Run(name, func(b *testing.B) {
			tg := start(b, build(b, "target"), nil)
			p, err := attach(tg.pid(), targetConfig, around)
			if err != nil {
				b.Fatal(err)
			}
			closeAtEnd(b, p)
			many(b, tg)
			if runs := read(b, p).group(1).Runs; runs < uint64(b.N/2) {
				b.Errorf("%d runs were seen of %d", runs, b.N/2)
			}
		})
	}
}
