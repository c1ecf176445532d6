//go:build goexperiment.schedhook

package record

import (
	"testing"
	"time"

	"github.com/weirgo/weir/ggroup"
)

func start(t *testing.T, cfg Config) *Recorder {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// exchange has two goroutines of a group hand a number to each other n times, in a
// request of the first.
func exchange(r *Recorder, g *ggroup.Group, n int) (q *Request) {
	there, back, done := make(chan int), make(chan int), make(chan *Request)
	ggroup.BindTo(g, func() {
		for v := range there {
			back <- v + 1
		}
	})
	ggroup.BindTo(g, func() {
		q := r.Request("exchange")
		for i := range n {
			there <- i
			<-back
		}
		q.End()
		close(there)
		done <- q
	})
	return <-done
}

// TestRuntime: what the runtime records of a group is told.
func TestRuntime(t *testing.T) {
	if ok, why := Supported(); !ok {
		t.Fatal(why)
	}
	g := ggroup.New("exchange")
	r := start(t, Config{})
	other := start(t, Config{Bytes: 100 * recordBytes})
	const n = 1000
	q := exchange(r, g, n)
	for _, r := range []*Recorder{r, other} {
		found := false
		s := r.Snapshot()
		for _, stats := range s.Groups {
			if stats.Name != "exchange" {
				continue
			}
			found = true
			// Each waits for the other n times, but may find it ready sometimes.
			if stats.ID != g.ID() || stats.Started < 2 || s.Lost == 0 && (stats.Ready.Count() < n/2 || stats.Run.Count() < n/2) {
				t.Errorf("%+v", stats)
			}
		}
		if !found {
			t.Errorf("nothing of the group: %+v", s.Groups)
		}
	}
	p := q.Explain()
	checkWhole(t, "the request", p, int64(q.Time()))
	if s := r.Snapshot(); s.Lost == 0 && (p.Running == 0 || p.Parked == 0 || len(p.Waits) == 0 || r.ReasonString(p.Waits[0].Reason) == "") {
		t.Errorf("%+v", p)
	}
	parse(t, traceOf(t, other)).slices(t) // of what came last, whatever that is
	parsed := parse(t, traceOf(t, r))
	all := parsed.slices(t)
	slices := map[string]int{}
	for uuid, track := range parsed.tracks {
		slices[track.name] += len(all[uuid])
		if track.parent != 0 {
			slices[parsed.tracks[track.parent].name] += len(all[uuid])
		}
	}
	if slices["exchange"] == 0 || slices["processors"] == 0 || slices["requests"] == 0 {
		t.Errorf("the trace lacks slices of the group and its request, or of a processor: %v", slices)
	}
}

// TestRuntimeStarved: any wait is too long for a limit of a nanosecond.
func TestRuntimeStarved(t *testing.T) {
	g := ggroup.New("impatient")
	told := make(chan Starved, 1)
	r := start(t, Config{Limits: map[string]time.Duration{"impatient": 1}, Starved: func(s Starved) {
		select {
		case told <- s:
		default:
		}
	}})
	exchange(r, g, 100)
	if s := <-told; s.Name != "impatient" || s.Group != g.ID() || s.Waited < 1 || s.Since == 0 {
		t.Errorf("%+v", s)
	}
}
