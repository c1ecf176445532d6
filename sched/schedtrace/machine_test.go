package schedtrace

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/sched/schedtrace/schedtracetest"
)

// group returns the one of that name.
func (r *Report) group(t *testing.T, name string) *Group {
	t.Helper()
	i := slices.IndexFunc(r.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		t.Fatalf("no group %q in %+v", name, r.Groups)
	}
	return &r.Groups[i]
}

// Groups are what ggroup logs: of the caller, of the one that it starts, and of those
// that start there.
func TestGroups(t *testing.T) {
	s := newScene(1)
	m := s.one
	turn := func(at int64, g uint64) { // main wakes g, which runs and waits again
		m.At(at).Unblock(g)
		m.At(at + 10).Block("sync")
		m.At(at + 20).Start(g)
		m.At(at + 30).Block("sync")
		m.At(at + 40).Unblock(1)
		m.At(at + 50).Start(1)
	}
	birth := func(at int64, parent, g uint64, function string) {
		m.At(at).Create(g, function)
		m.At(at + 10).Block("sync")
		m.At(at + 20).Start(g)
		m.At(at + 30).Block("sync")
		m.At(at + 40).Unblock(parent)
		m.At(at + 50).Start(parent)
	}
	m.At(2000).Log("ggroup.next", "infer")
	birth(2010, 1, 10, "main.serve")
	birth(2100, 1, 11, "main.log") // the one after it is in none
	m.At(2200).Log("ggroup.next", "infer")
	m.At(2210).Log("ggroup.next", "") // it did not come to it
	birth(2220, 1, 12, "main.log")
	m.At(2300).Log("ggroup", "monitor") // a visit
	birth(2310, 1, 13, "main.scrape")
	birth(2400, 1, 14, "runtime.gcBgMarkWorker")
	m.At(2500).Log("ggroup", "")
	m.At(2510).Log("somebody", "else")
	birth(2520, 1, 15, "main.log")
	for i, g := range []uint64{10, 11, 12, 13, 14, 15} {
		turn(3000+100*int64(i), g)
	}
	r := read(t, s.w.Bytes(), Config{})
	for name, want := range map[string]struct {
		ggroup, runtime bool
		count           int64 // started
	}{
		"infer":                  {true, false, 2},
		"monitor":                {true, false, 4}, // goroutine 13, and main on its visit
		"main.log":               {false, false, 6},
		"runtime.gcBgMarkWorker": {false, true, 2},
	} {
		g := r.group(t, name)
		if g.GGroup != want.ggroup || g.Runtime != want.runtime || g.Run.Count != want.count {
			t.Errorf("%s: %v, %v, %d; want %+v", name, g.GGroup, g.Runtime, g.Run.Count, want)
		}
	}
	var all int64
	for _, g := range r.Groups {
		if !g.Runtime {
			all += g.Run.Count
		}
	}
	if r.Run.Count != all {
		t.Errorf("%d in all groups but the runtime's, and %d in all", all, r.Run.Count)
	}
	if r.Groups[0].GGroup != true || r.Groups[len(r.Groups)-1].Runtime != true {
		t.Errorf("order: %+v", r.Groups)
	}
}

// A goroutine whose name comes later, by the stack of its next event, or never.
func TestNames(t *testing.T) {
	s := newScene(1)
	m := s.one
	m.At(2000).Waiting(20)
	m.At(2010).Waiting(21)
	m.At(3000).Unblock(20)
	m.At(3010).Unblock(21)
	m.At(3020).Block("sync")
	m.At(3030).Start(20)
	m.At(3040).Block("select", "main.deep", "main.late")
	m.At(3050).Start(21)
	m.At(3060).Destroy()
	r := read(t, s.w.Bytes(), Config{})
	for name, ns := range map[string]int64{"main.late": 30, unknownName: 40} {
		if g := r.group(t, name); g.Park.Count != 1 || g.Park.MaxNs != ns {
			t.Errorf("%s: %+v", name, g.Park)
		}
	}
	for _, c := range r.Park.Worst {
		if c.Goroutine == 20 && c.Start != "main.late" || c.Goroutine == 21 && c.Group != unknownName {
			t.Errorf("told as %+v", c)
		}
	}
}

// A coroutine's turn is no wake-up, and one that is preempted for the collector's scan
// has not waited.
func TestOrigins(t *testing.T) {
	s := newScene(1)
	m := s.one
	m.At(2000).Create(6, "main.seq")
	m.At(2010).Block("sync")
	m.At(2020).Start(6)
	m.At(2030).Waiting(7)
	m.At(2040).Switch(7) // 6 waits for its turn
	m.At(2100).Switch(6) // 7, too
	m.At(2200).Block("preempted", "main.seq")
	m.At(2210).Unblock(6)
	m.At(2240).Start(6)
	m.At(2300).Stop("runtime.Gosched", "main.seq")
	m.At(2310).Start(6)
	m.At(2400).Destroy()
	r := read(t, s.w.Bytes(), Config{})
	got := map[Origin]int64{}
	for _, o := range r.Origins {
		got[o.Origin] = o.Count
	}
	// Woken: main by goroutine 2, and 7, of which no wait has been seen.
	want := map[Origin]int64{Created: 2, Woken: 2, Switched: 1, Preempted: 1, Yielded: 1}
	for o := range origins {
		if got[o] != want[o] {
			t.Errorf("%v: %d, want %d", o, got[o], want[o])
		}
	}
	if r.Park.Count != 2 {
		t.Errorf("%d have waited", r.Park.Count)
	}
}

func TestStops(t *testing.T) {
	s := newScene(1)
	s.one.At(5000).Unblock(2)
	s.one.At(5100).STWBegin("GC sweep termination")
	s.one.At(5300).STWEnd()
	s.one.At(5400).STWBegin("GOMAXPROCS")
	s.one.At(5410).STWEnd()
	s.one.At(6000).Block("sleep")
	s.one.At(6010).Start(2)
	r := read(t, s.w.Bytes(), Config{Worst: 1})
	if want := []Stop{{"GC sweep termination", 200}, {"GOMAXPROCS", 10}}; !slices.Equal(r.Park.Worst[0].Stops, want) {
		t.Errorf("stops %v, want %v", r.Park.Worst[0].Stops, want)
	}
	if r.Totals.STW != (Total{2, 210, 200}) {
		t.Errorf("%+v", r.Totals.STW)
	}
}

// busyTrace is one of so many generations, each with turns of a goroutine that waits
// and is woken, and of others that are born, run and die.
func busyTrace(generations, turns int) []byte {
	s := newScene(1)
	m, at := s.one, int64(2000)
	for gen := range generations {
		if gen > 0 {
			m.At(at).ProcStart(0)
			m.At(at + 1).Unblock(1)
			m.At(at + 2).Start(1)
		}
		for range turns {
			m.At(at + 10).Unblock(2)
			m.At(at+20).Create(uint64(at), "main.short")
			m.At(at+30).Block("sync", "main.main")
			m.At(at + 40).Start(2)
			m.At(at+50).Block("sync", "main.waiter")
			m.At(at + 60).Start(uint64(at))
			m.At(at + 70).Destroy()
			m.At(at + 80).Unblock(1)
			m.At(at + 90).Start(1)
			at += 100
		}
		m.At(at+10).Block("sync", "main.main")
		m.At(at + 20).ProcStop()
		at += 100
		if gen < generations-1 {
			s.w.NextGeneration()
		}
	}
	return s.w.Bytes()
}

// What is kept does not grow with the trace: live memory after one of four times the
// events is not four times as much.
func TestMemoryIsBounded(t *testing.T) {
	kept := func(generations int) (bytesKept, events int64) {
		trace := busyTrace(generations, 200)
		m := newMachine(Config{}.withDefaults())
		m.history.most = 1000
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if err := m.readAll(bytes.NewReader(trace)); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if len(m.goroutines) != 3 { // the tracer's, too
			t.Errorf("%d goroutines are kept", len(m.goroutines))
		}
		if n := len(m.history.ring); n > m.history.most {
			t.Errorf("%d stretches are kept", n)
		}
		runtime.KeepAlive(trace)
		runtime.KeepAlive(m)
		return int64(after.HeapAlloc) - int64(before.HeapAlloc), m.events
	}
	const full = 10 // generations, of 1600 stretches each
	kept(full)
	small, few := kept(full)
	large, many := kept(4 * full)
	if many < 3*few {
		t.Fatalf("%d events, and %d", few, many)
	}
	if large > small+small/4+1<<20 {
		t.Errorf("%d bytes are kept of %d events, and %d of %d", small, few, large, many)
	}
}

// Whatever has left the history is said to be missing.
func TestHistoryEnds(t *testing.T) {
	s := newScene(1)
	m, at := s.one, int64(2000)
	m.At(at).Unblock(2)
	const most = 1000
	for range most {
		m.At(at+10).Stop("runtime.Gosched", "main.main")
		m.At(at + 20).Start(1)
		at += 20
	}
	m.At(at+10).Block("sync", "main.main")
	m.At(at + 20).Start(2)
	short := newMachine(Config{Worst: 1}.withDefaults())
	short.history.most = most
	if err := short.readAll(bytes.NewReader(s.w.Bytes())); err != nil {
		t.Fatal(err)
	}
	r := short.report()
	c := r.Park.Worst[0]
	var ran int64
	for _, one := range c.Ran {
		ran += one.Ns
	}
	if known := c.FromNs + c.Ns - c.KnownFromNs; c.Ns != at+20-2000 || known >= c.Ns || ran < known || ran > known+10 {
		t.Errorf("of %d ns %d are said to be known, and %d are told", c.Ns, known, ran)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "what ran is known of the last") {
		t.Errorf("%v: %s", err, text.String())
	}
}

// More groups than are told apart.
func TestManyGroups(t *testing.T) {
	s := newScene(1)
	m, at := s.one, int64(2000)
	const more = 40
	for i := range maxGroups + more {
		m.At(at).Create(uint64(100+i), fmt.Sprintf("main.f%d", i))
		m.At(at+10).Block("sync", "main.main")
		m.At(at + 20).Start(uint64(100 + i))
		m.At(at + 30).Unblock(1)
		m.At(at + 40).Destroy()
		m.At(at + 50).Start(1)
		at += 60
	}
	r := read(t, s.w.Bytes(), Config{})
	// main and the waiter have groups, too.
	if g := r.group(t, othersName); len(r.Groups) != maxGroups+1 || g.Run.Count != more+2 {
		t.Errorf("%d groups, and %d others", len(r.Groups), g.Run.Count)
	}
	if err := r.WriteText(io.Discard); err != nil {
		t.Error(err)
	}
}

// GOMAXPROCS may be any number in a broken trace.
func TestGomaxprocs(t *testing.T) {
	for _, n := range []uint64{0, maxProcs + 1, 1 << 62} {
		w := schedtracetest.New(1)
		w.Thread(1).At(1000).ProcStart(0).Running(1)
		w.Thread(1).At(1100).Gomaxprocs(n)
		if _, err := Read(bytes.NewReader(w.Bytes()), Config{}); err == nil || !strings.Contains(err.Error(), "GOMAXPROCS") {
			t.Errorf("%d: %v", n, err)
		}
	}
}
