package record

import (
	"math"
	"runtime/metrics"
	"testing"
	"time"
)

func TestSnapshot(t *testing.T) {
	s := &script{names: map[int32]string{2: "infer"}}
	r := openWith(t, s, Config{})
	s.write(
		Record{Time: 100, G: 1, Group: 2, P: 0, Event: GoStart},
		Record{Time: 103, G: 1, Group: 2, P: 0, Event: Run, Arg: 3},
		Record{Time: 110, G: 1, Group: 2, P: 0, Event: Preempt},
		Record{Time: 150, G: 1, Group: 2, P: 1, Event: Run, Arg: 40},
		Record{Time: 151, G: 1, Group: 2, P: 1, Event: Preempt, Reason: Yielded},
		Record{Time: 160, G: 1, Group: 2, P: 1, Event: Run, Arg: 9},
		Record{Time: 170, G: 1, Group: 2, P: 1, Event: SyscallEnter},
		Record{Time: 200, G: 1, Group: 2, P: 0, Event: SyscallExit},
		Record{Time: 203, G: 1, Group: 2, P: 0, Event: Park, Reason: 1},
		Record{Time: 210, G: 7, P: 1, Event: Ready},
		Record{Time: 220, G: 1, Group: 2, P: 1, Event: Ready},
		Record{Time: 225, G: 1, Group: 2, P: 1, Event: Run, Arg: 5},
		Record{Time: 226, G: 1, Group: 2, P: 1, Event: Exit},
		Record{Time: 227, G: 8, P: 1, Event: Run, Arg: 1000}, // its Ready is not recorded
	)
	got := r.Snapshot()
	if got.At != 227 || got.Records != 14 || got.Lost != 0 || len(got.Groups) != 2 {
		t.Fatalf("%+v", got)
	}
	if none := got.Groups[0]; none.ID != 0 || none.Name != "" || none.Waiting != 1 || none.Ready.Count() != 1 || none.Ready.Sum != 1000 {
		t.Errorf("no group: %+v", none)
	}
	g := got.Groups[1]
	if g.ID != 2 || g.Name != "infer" || g.Started != 1 || g.Preemptions != 1 || g.Yields != 1 || g.Waiting != 0 {
		t.Errorf("%+v", g)
	}
	for _, h := range []struct {
		name string
		got  Histogram
		want []int64
	}{
		{"ready", g.Ready, []int64{3, 5}},
		{"preempted", g.Preempted, []int64{40, 9}},
		{"run", g.Run, []int64{7, 1, 10, 3, 1}},
	} {
		var want Histogram
		for _, ns := range h.want {
			observe(&want, ns)
		}
		if h.got != want {
			t.Errorf("%s: %v, want %v", h.name, h.got, want)
		}
	}
	if len(r.gs) != 2 {
		t.Errorf("%d goroutines are followed, want 2: one has ended", len(r.gs))
	}
}

func TestObserve(t *testing.T) {
	var h Histogram
	for _, ns := range []int64{-5, 0, 1, 2, 3, 1 << 20, math.MaxInt64 >> 1} {
		observe(&h, ns)
	}
	for bucket, want := range map[int]uint64{0: 2, 1: 1, 2: 2, 21: 1, len(h.Counts) - 1: 1} {
		if h.Counts[bucket] != want {
			t.Errorf("bucket %d has %d, want %d", bucket, h.Counts[bucket], want)
		}
	}
	if h.Count() != 7 || h.Sum != 6+1<<20+math.MaxInt64>>1 {
		t.Errorf("%d, sum %d", h.Count(), h.Sum)
	}
}

// TestGroupsPlace: a group that is opened in a closed one's place begins at 0, and
// a closed one's counts stay until then.
func TestGroupsPlace(t *testing.T) {
	s := &script{names: map[int32]string{5: "first"}}
	r, told := alarms(t, s, Config{Limits: map[string]time.Duration{"second": 10}})
	s.write(Record{Time: 1, G: 1, Group: 5, Event: GoStart}, Record{Time: 2, G: 1, Group: 5, Event: Run})
	if g := r.Snapshot().Groups[0]; g.Name != "first" || g.Started != 1 {
		t.Fatalf("%+v", g)
	}
	s.names = nil
	if g := r.Snapshot().Groups[0]; g.Name != "first" || g.Started != 1 {
		t.Fatalf("closed: %+v", g)
	}
	s.names = map[int32]string{5: "second"}
	if g := r.Snapshot().Groups[0]; g.Name != "second" || g.Started != 0 {
		t.Fatalf("another: %+v", g)
	}
	s.write(Record{Time: 10, G: 2, Group: 5, Event: Ready}, Record{Time: 30, G: 2, Group: 5, Event: Run})
	if got := told(); len(got) != 1 || got[0].Name != "second" {
		t.Errorf("with the other's limit: %+v", got)
	}
}

// TestTooMany goroutines are not all followed.
func TestTooMany(t *testing.T) {
	s := &script{}
	r := openWith(t, s, Config{Bytes: 100 * recordBytes})
	for g := range uint64(maxGoroutines + 2) {
		s.write(Record{Time: int64(g), G: g + 1, Event: Ready})
	}
	s.flush()
	if got := r.Snapshot(); len(r.gs) != 2 || got.Groups[0].Waiting != 2 || got.Anew != 1 {
		t.Errorf("%d are followed: %+v", len(r.gs), got)
	}
}

func TestConvert(t *testing.T) {
	var h Histogram
	convert(&h, &metrics.Float64Histogram{
		Buckets: []float64{math.Inf(-1), 0, 1e-9, 1e-6, math.Inf(1)},
		Counts:  []uint64{1, 2, 3, 4},
	})
	if h.Counts[0] != 3 || h.Counts[1] != 3 || h.Counts[10] != 4 || h.Count() != 10 || h.Sum != 3+4000 {
		t.Errorf("%+v", h)
	}
	processWaits(&h)
	if h.Count() <= 10 {
		t.Error("the runtime has counted no wait")
	}
}
