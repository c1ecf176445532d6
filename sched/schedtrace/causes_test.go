package schedtrace

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/weirgo/weir/sched/schedtrace/schedtracetest"
)

// read reads a trace that must be whole.
func read(t testing.TB, trace []byte, c Config) *Report {
	t.Helper()
	r, err := Read(bytes.NewReader(trace), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A scene is a program with main (goroutine 1) on P0 by thread 1, and a goroutine 2 that
// waits, and that starts in main.waiter.
type scene struct {
	w       *schedtracetest.Writer
	one     *schedtracetest.Thread // runs main
	two     *schedtracetest.Thread // has nothing
	onThree *schedtracetest.Thread
}

func newScene(gomaxprocs int) scene {
	w := schedtracetest.New(gomaxprocs)
	s := scene{w, w.Thread(1), w.Thread(2), w.Thread(3)}
	s.one.At(1000).ProcStart(0)
	s.one.At(1010).Running(1)
	s.one.At(1020).Create(2, "main.waiter")
	s.one.At(1030).Block("sync", "main.main")
	s.one.At(1040).Start(2)
	s.one.At(1050).Block("chan receive", "runtime.chanrecv1", "main.wait", "main.waiter")
	s.one.At(1060).Unblock(1)
	s.one.At(1070).Start(1)
	return s
}

// splits are times of a latency by cause; what is not named is zero.
type splits map[Cause]int64

func checkSplit(t *testing.T, what string, c *WorstCase, ns int64, want splits) {
	t.Helper()
	got, total := splits{}, int64(0)
	for _, p := range c.Parts {
		got[p.Cause] = p.Ns
		total += p.Ns
	}
	if !maps.Equal(got, want) || total != c.Ns || c.Ns != ns {
		t.Errorf("%s of %d ns: %v, want %d ns: %v", what, c.Ns, got, ns, want)
	}
}

const wake = 100_000 // when main wakes goroutine 2

var causeTests = []struct {
	name       string
	gomaxprocs int
	play       func(s scene)
	park       splits
	run        splits
}{
	{"busy: main goes on, and then gives up its P", 1, func(s scene) {
		s.one.At(wake).Unblock(2, "main.main")
		s.one.At(wake+900).Block("sleep", "main.main")
		s.one.At(wake + 950).Start(2)
	}, splits{Busy: 900, Dispatch: 50}, splits{Dispatch: 50}},
	{"wake-up: the other P was idle", 2, func(s scene) {
		s.one.At(wake).Unblock(2, "main.main")
		s.two.At(wake + 300).ProcStart(1)
		s.two.At(wake + 340).Start(2)
	}, splits{Wakeup: 300, Dispatch: 40}, splits{Wakeup: 300, Dispatch: 40}},
	{"an idle P, and the busy one takes it", 2, func(s scene) {
		s.one.At(wake).Unblock(2, "main.main")
		s.one.At(wake+700).Block("sleep", "main.main")
		s.one.At(wake + 710).Start(2)
	}, splits{Idle: 700, Dispatch: 10}, splits{Idle: 700, Dispatch: 10}},
	{"the other P becomes idle meanwhile", 2, func(s scene) {
		s.two.At(50_000).ProcStart(1)
		s.one.At(50_100).Create(3, "main.hog")
		s.two.At(50_200).Start(3)
		s.one.At(wake).Unblock(2, "main.main")
		s.two.At(wake+200).Block("select", "main.hog")
		s.two.At(wake + 260).ProcStop()
		s.one.At(wake+500).Block("sleep", "main.main")
		s.one.At(wake + 510).Start(2)
	}, splits{Busy: 260, Idle: 240, Dispatch: 10}, splits{Idle: 240, Dispatch: 10}},
	{"a system call keeps the P", 1, func(s scene) {
		s.one.At(wake).Unblock(2, "main.main")
		s.one.At(wake+100).Syscall(0, "syscall.Syscall", "os.(*File).Read", "main.main")
		s.two.At(wake+600).ProcSteal(0, s.one)
		s.two.At(wake + 610).ProcStart(0)
		s.two.At(wake + 620).Start(2)
	}, splits{Busy: 100, Syscall: 500, Wakeup: 10, Dispatch: 10}, splits{Wakeup: 10, Dispatch: 10}},
	{"a C call keeps the P", 1, func(s scene) {
		s.one.At(wake).Unblock(2, "main.main")
		s.one.At(wake+100).Syscall(0, "runtime.cgocall", "main.decode", "main.main")
		s.one.At(wake + 800).SyscallEnd()
		s.one.At(wake+900).Block("sleep", "main.main")
		s.one.At(wake + 905).Start(2)
	}, splits{Busy: 200, CCall: 700, Dispatch: 5}, splits{Dispatch: 5}},
	{"a mark worker has a P", 1, func(s scene) {
		s.one.At(50_000).Create(3, "runtime.gcBgMarkWorker")
		s.one.At(wake).Unblock(2, "main.main")
		s.one.At(wake+100).Stop("preempted", "main.main")
		s.one.At(wake + 110).Start(3)
		s.one.At(wake + 111).Label("GC (dedicated)")
		s.one.At(wake+900).Block("system goroutine wait", "runtime.gcBgMarkWorker")
		s.one.At(wake + 950).Start(2)
	}, splits{Busy: 111, GC: 789, Dispatch: 50}, splits{Dispatch: 50}},
	{"an assist has a P", 1, func(s scene) {
		s.one.At(wake).Unblock(2, "main.main")
		s.one.At(wake + 100).AssistBegin()
		s.one.At(wake + 400).AssistEnd()
		s.one.At(wake+500).Block("sleep", "main.main")
		s.one.At(wake + 510).Start(2)
	}, splits{Busy: 200, GC: 300, Dispatch: 10}, splits{Dispatch: 10}},
	{"the world is stopped", 2, func(s scene) {
		s.one.At(wake - 10).STWBegin("GC mark termination")
		s.one.At(wake).Unblock(2, "main.main")
		s.one.At(wake + 500).STWEnd()
		s.two.At(wake + 600).ProcStart(1)
		s.two.At(wake + 620).Start(2)
	}, splits{STW: 500, Wakeup: 100, Dispatch: 20}, splits{Wakeup: 100, Dispatch: 20}},
	{"the only other P is beyond GOMAXPROCS", 2, func(s scene) {
		s.one.At(50_000).Gomaxprocs(1)
		s.one.At(wake).Unblock(2, "main.main")
		s.one.At(wake+700).Block("sleep", "main.main")
		s.one.At(wake + 710).Start(2)
	}, splits{Busy: 700, Dispatch: 10}, splits{Dispatch: 10}},
	{"a P passes through the scheduler on its way to others", 2, func(s scene) {
		s.two.At(50_000).ProcStart(1)
		s.one.At(50_100).Create(3, "main.hog")
		s.one.At(50_200).Create(4, "main.hog")
		s.two.At(50_300).Start(3)
		s.one.At(wake).Unblock(2, "main.main")
		s.two.At(wake+200).Block("select", "main.hog")
		s.two.At(wake + 260).Start(4)
		s.one.At(wake+500).Block("sleep", "main.main")
		s.one.At(wake + 510).Start(2)
	}, splits{Busy: 500, Dispatch: 10}, splits{Dispatch: 10}},
}

func TestCauses(t *testing.T) {
	for _, test := range causeTests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(test.gomaxprocs)
			test.play(s)
			r := read(t, s.w.Bytes(), Config{})
			var sum [2]int64
			for i, want := range []splits{test.park, test.run} {
				for ns := range maps.Values(want) {
					sum[i] += ns
				}
			}
			at := func(list []WorstCase) *WorstCase {
				i := slices.IndexFunc(list, func(c WorstCase) bool {
					return c.Goroutine == 2 && c.FromNs+c.Ns > wake-1
				})
				if i < 0 {
					t.Fatalf("no latency of goroutine 2 in %+v", list)
				}
				return &list[i]
			}
			park := at(r.Park.Worst)
			checkSplit(t, "park", park, sum[0], test.park)
			checkSplit(t, "run", at(r.Run.Worst), sum[1], test.run)
			if park.Origin != Woken || park.WaitedFor != "chan receive" || park.At != "main.wait" || park.Start != "main.waiter" {
				t.Errorf("told as %+v", park)
			}
			if park.WokenBy != "main.main, in main.main" {
				t.Errorf("woken by %q", park.WokenBy)
			}
			checkWhole(t, r, test.gomaxprocs)
		})
	}
}

// checkWhole holds a report's parts against each other.
func checkWhole(t *testing.T, r *Report, gomaxprocs int) {
	t.Helper()
	for _, l := range []*Latency{&r.Park, &r.Run} {
		var ns, count, over int64
		for _, c := range l.Causes {
			ns += c.Ns
			count += c.Count
			over += c.Over
		}
		if ns != l.SumNs || count != l.Count || over != l.Over {
			t.Errorf("causes are of %d ns, %d, %d over; the latency is of %d, %d, %d", ns, count, over, l.SumNs, l.Count, l.Over)
		}
	}
	for _, c := range slices.Concat(r.Park.Worst, r.Run.Worst) {
		var ran int64
		for _, one := range c.Ran {
			ran += one.Ns
		}
		if want := c.Ns * int64(gomaxprocs); gomaxprocs > 0 && c.KnownFromNs == c.FromNs && r.Trace.GOMAXPROCS == gomaxprocs && ran+c.Others.Ns != want {
			t.Errorf("in %d ns %d Ps did %d ns: %+v", c.Ns, gomaxprocs, ran+c.Others.Ns, c)
		}
	}
}
