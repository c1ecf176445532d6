package record

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// alarms has a recorder whose alarms are kept.
func alarms(t *testing.T, s *script, cfg Config) (r *Recorder, told func() []Starved) {
	var all []Starved
	cfg.Starved = func(a Starved) { all = append(all, a) }
	r = openWith(t, s, cfg)
	return r, func() []Starved {
		r.turn()
		was := all
		all = nil
		return was
	}
}

// TestStarvedWhileItWaits: an alarm comes while the goroutine waits, says what runs
// instead, and comes once.
func TestStarvedWhileItWaits(t *testing.T) {
	s := &script{names: map[int32]string{3: "batch"}}
	r, told := alarms(t, s, Config{Limit: 100})
	s.write(
		Record{Time: 10, G: 8, P: 0, Group: 3, Event: Run},
		Record{Time: 20, G: 9, P: 1, Event: Run},
		Record{Time: 30, G: 1, Group: 3, P: 0, Event: Ready},
		Record{Time: 50, G: 9, P: 1, Event: Park},
		Record{Time: 60, G: 10, P: 1, Event: Run},
	)
	s.at(130)
	if got := told(); len(got) != 0 {
		t.Fatalf("at the limit: %+v", got)
	}
	s.at(131)
	want := []Starved{{Group: 3, Name: "batch", G: 1, Since: 30, Waited: 101, Instead: []Processor{
		{P: 0, Ran: []Ran{{8, 3, "batch", 101}}},
		{P: 1, Ran: []Ran{{10, 0, "", 71}, {9, 0, "", 20}}, Idle: 10},
	}}}
	if got := told(); !reflect.DeepEqual(got, want) {
		t.Fatalf("beyond the limit: %+v\nwant %+v", got, want)
	}
	s.at(5000)
	if got := told(); len(got) != 0 {
		t.Fatalf("once more: %+v", got)
	}
	s.write(Record{Time: 6000, G: 1, Group: 3, P: 0, Event: Run, Arg: 5970})
	if got := told(); len(got) != 0 {
		t.Fatalf("when it runs: %+v", got)
	}
	if g := r.Snapshot().Groups[1]; g.Starved != 1 || g.Waiting != 0 {
		t.Errorf("%+v", g)
	}
}

// TestStarvedUntilItRan: a wait that nobody looked at in time is told of when it
// has ended, a preempted one too.
func TestStarvedUntilItRan(t *testing.T) {
	s := &script{}
	_, told := alarms(t, s, Config{Limit: 100})
	s.write(
		Record{Time: 10, G: 1, P: 0, Event: Run},
		Record{Time: 20, G: 1, P: 0, Event: Preempt},
		Record{Time: 20, G: 2, P: 0, Event: Run},
		Record{Time: 200, G: 2, P: 0, Event: Park},
		Record{Time: 200, G: 1, P: 0, Event: Run, Arg: 180},
	)
	want := []Starved{{G: 1, Preempted: true, Since: 20, Waited: 180, Runs: true,
		Instead: []Processor{{P: 0, Ran: []Ran{{2, 0, "", 180}}}}}}
	if got := told(); !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v\nwant %+v", got, want)
	}
	// Who waits again is told of again, if that is long enough ago.
	s.write(
		Record{Time: 300, G: 1, P: 0, Event: Preempt},
		Record{Time: 500, G: 1, P: 0, Event: Run, Arg: 200},
	)
	if got := told(); len(got) != 0 {
		t.Fatalf("before a second is over: %+v", got)
	}
	later := int64(DefaultEvery) + 1000
	s.write(
		Record{Time: later, G: 1, P: 0, Event: Preempt},
		Record{Time: later + 200, G: 1, P: 0, Event: Run, Arg: 200},
	)
	if got := told(); len(got) != 1 || got[0].Untold != 1 || got[0].Since != later {
		t.Fatalf("a second later: %+v", got)
	}
}

// TestStarvedLimits: a group's own limit counts, and none is none.
func TestStarvedLimits(t *testing.T) {
	s := &script{names: map[int32]string{1: "latency", 2: "background", 3: "else"}}
	_, told := alarms(t, s, Config{Limit: 1000, Limits: map[string]time.Duration{"latency": 50, "background": 0}})
	for group := int32(0); group <= 3; group++ {
		s.write(Record{Time: 10, G: uint64(group) + 1, Group: group, P: -1, Event: Ready})
	}
	who := func() (names string) {
		for _, a := range told() {
			names += fmt.Sprintf("%q %d ", a.Name, a.G)
		}
		return names
	}
	s.at(100)
	if got, want := who(), `"latency" 2 `; got != want {
		t.Errorf("after 90 ns: %s, want %s", got, want)
	}
	s.at(1 << 40)
	if got, want := who(), `"" 1 "else" 4 `; got != want {
		t.Errorf("much later: %s, want %s", got, want)
	}
}

// TestStarvedAfterLosses: of a wait that may have ended nobody is told.
func TestStarvedAfterLosses(t *testing.T) {
	s := &script{}
	r, told := alarms(t, s, Config{Limit: 100})
	s.write(Record{Time: 10, G: 1, P: 0, Event: Ready})
	s.flush()
	s.lost = 7
	s.write(Record{Time: 300, G: 2, P: 0, Event: Ready})
	if got := told(); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
	s.at(500)
	if got := told(); len(got) != 1 || got[0].G != 2 {
		t.Fatalf("of who waits since then: %+v", got)
	}
	if got := r.Snapshot(); got.Lost != 7 || got.Anew != 1 || got.Records != 2 {
		t.Errorf("%+v", got)
	}
}

// TestStarvedMany: all who wait are counted, and one is told of.
func TestStarvedMany(t *testing.T) {
	s := &script{}
	r, told := alarms(t, s, Config{Limit: 100, Every: 1})
	for g := range uint64(1000) {
		s.write(Record{Time: int64(g), G: g + 1, P: -1, Event: Ready})
	}
	s.at(2000)
	if got := told(); len(got) != 1 || got[0].G != 1 {
		t.Fatalf("%d alarms: %+v", len(got), got)
	}
	if g := r.Snapshot().Groups[0]; g.Starved != 1000 || g.Untold != 999 || g.Waiting != 1000 {
		t.Errorf("%+v", g)
	}
	// Those that run leave the list wherever they are on it.
	for g := uint64(1000); g > 0; g -= 2 {
		s.write(Record{Time: 3000, G: g, P: -1, Event: Run, Arg: 1})
	}
	if g := r.Snapshot().Groups[0]; g.Starved != 1000 || g.Waiting != 500 {
		t.Errorf("%+v", g)
	}
}

// TestStarvedSchedules: what ran instead is true.
func TestStarvedSchedules(t *testing.T) {
	for seed := range uint64(200) {
		s := newSchedule(seed)
		s.run(150)
		src := &script{}
		r := openWith(t, src, Config{Window: time.Hour})
		src.write(s.records...)
		src.flush()
		from, to := s.interval()
		checkDuring(t, seed, r.during(from, to), s.ran(from, to), time.Duration(to-from))
	}
}

func checkDuring(t *testing.T, seed uint64, got []Processor, want map[int32]map[uint64]time.Duration, whole time.Duration) {
	t.Helper()
	for i, p := range got {
		busy := time.Duration(0)
		for j, ran := range p.Ran {
			busy += ran.Time
			if ran.Time != want[p.P][ran.G] {
				t.Errorf("seed %d: P%d ran g%d for %d, want %d", seed, p.P, ran.G, ran.Time, want[p.P][ran.G])
			}
			if j > 0 && ran.Time > p.Ran[j-1].Time {
				t.Errorf("seed %d: P%d: %+v is not in order", seed, p.P, p.Ran)
			}
		}
		all := time.Duration(0)
		for _, d := range want[p.P] {
			all += d
		}
		if p.P != int32(i) || busy+p.Others != all || busy+p.Others+p.Idle != whole {
			t.Errorf("seed %d: P%d of %v is %+v, want busy for %v", seed, i, whole, p, all)
		}
		delete(want, p.P)
	}
	if len(want) != 0 {
		t.Errorf("seed %d: of %v nothing is told", seed, want)
	}
}
