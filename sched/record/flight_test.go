package record

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestFlightBounds(t *testing.T) {
	f := newFlight(1000, 3000, 0)
	for i := range int64(10_000) {
		f.add(&Record{Time: i + 1, G: uint64(i%7) + 1, Event: Run})
		if want := min(i+1, 1001); int64(f.n) != want {
			t.Fatalf("%d records after %d: want those of the window, %d", f.n, i+1, want)
		}
	}
	f = newFlight(1<<40, 3000, 0)
	for i := range int64(10_000) {
		f.add(&Record{Time: i + 1, G: uint64(i%7) + 1, Event: Run})
		if want := min(i+1, 3000); int64(f.n) != want || len(f.records) > 3000 {
			t.Fatalf("%d records after %d: want %d, in memory for %d", f.n, i+1, want, len(f.records))
		}
		if oldest, newest := f.at(0).Time, f.at(f.n-1).Time; newest != i+1 || newest-oldest != int64(f.n)-1 {
			t.Fatalf("after %d the records are from %d to %d", i+1, oldest, newest)
		}
	}
	f.age(1<<40 + 9_990)
	if f.n != 11 || f.at(0).Time != 9_990 {
		t.Errorf("later there are %d", f.n)
	}
	f.age(1 << 50)
	if f.n != 0 || f.began != 10_000 || len(f.before) != 7 {
		t.Errorf("much later there are %d since %d, of %d goroutines", f.n, f.began, len(f.before))
	}
	f.add(&Record{Time: 1 << 50, G: 1, Event: Park})
	if f.n != 1 {
		t.Errorf("and then there are %d", f.n)
	}
}

// TestFlightRemembers: what has left the flight is known as if it had not.
func TestFlightRemembers(t *testing.T) {
	for seed := range uint64(300) {
		s := newSchedule(seed)
		s.run(150)
		src := &script{}
		small := openWith(t, src, Config{Bytes: 30 * recordBytes, Window: time.Hour})
		all := openWith(t, src, Config{Window: time.Hour})
		src.write(s.records...)
		src.at(s.now)
		from, to := small.began(), s.now
		for g := range s.next {
			want := all.Timeline(g, from, to)
			if got := small.Timeline(g, from, to); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, g%d from %d to %d: %+v\nwant %+v", seed, g, from, to, got, want)
			}
			if got, want := all.Explain(g, from, to), Attribute(s.records, g, from, to); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, g%d from %d to %d: %+v\nwant %+v", seed, g, from, to, got, want)
			}
			checkWhole(t, "what is before the flight", small.Explain(g, from-1_000_000, from+10), 1_000_010)
		}
		if got, want := small.during(from, to), all.during(from, to); !reflect.DeepEqual(trim(got), trim(want)) {
			t.Fatalf("seed %d: processors %+v\nwant %+v", seed, got, want)
		}
	}
}

// began flushes, and says when the flight begins.
func (r *Recorder) began() int64 {
	r.flush()
	return r.flight.began
}

// trim drops processors that were idle all the time.
func trim(all []Processor) []Processor {
	return slices.DeleteFunc(all, func(p Processor) bool { return len(p.Ran) == 0 })
}

// TestFlightOfManyEnded: goroutines that have ended are not remembered.
func TestFlightOfManyEnded(t *testing.T) {
	f := newFlight(1, 100, 0)
	for g := range int64(1000) {
		f.add(&Record{Time: 10 * g, G: uint64(g) + 1, Event: GoStart})
		f.add(&Record{Time: 10*g + 1, G: uint64(g) + 1, Event: Run})
		f.add(&Record{Time: 10*g + 2, G: uint64(g) + 1, Event: Exit})
	}
	f.age(1 << 40)
	if len(f.before) != 0 || len(f.procs) != 1 || f.procs[0].g != 0 {
		t.Errorf("%d are remembered, processors run %+v", len(f.before), f.procs)
	}
}

func TestConfig(t *testing.T) {
	for _, cfg := range []Config{{Window: -1}, {Bytes: -1}, {Limit: -1}, {Every: -1}, {Limits: map[string]time.Duration{"a": -1}}} {
		if r, err := New(cfg); err == nil {
			r.Close()
			t.Errorf("%+v is taken", cfg)
		}
	}
	r := openWith(t, &script{}, Config{})
	if r.cfg.Window != DefaultWindow || r.cfg.Bytes != DefaultBytes || r.cfg.Every != DefaultEvery {
		t.Errorf("%+v", r.cfg)
	}
}

// TestClosed: what was recorded stays, and nothing comes any more.
func TestClosed(t *testing.T) {
	s := &script{}
	r := openWith(t, s, Config{})
	s.write(Record{Time: 10, G: 1, Event: Run})
	s.flush()
	s.write(Record{Time: 20, G: 1, Event: Park})
	r.Close()
	r.Close()
	s.flush()
	if got, want := r.Explain(1, 10, 30), (Parts{Running: 20}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := r.Snapshot(); got.Records != 1 {
		t.Errorf("%+v", got)
	}
}

// TestUnsupported: without records all that can be asked is answered.
func TestUnsupported(t *testing.T) {
	s := &script{no: "no scheduler"}
	r := openWith(t, s, Config{Limit: 1, Starved: func(Starved) { t.Error("an alarm") }})
	s.at(1000)
	r.turn()
	q := r.Request("a")
	if got, want := r.Explain(1, 0, 100), (Parts{Unknown: 100}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	q.End()
	if got := r.Snapshot(); len(got.Groups) != 0 || got.Process.Count() == 0 || got.Records != 0 {
		t.Errorf("%+v", got)
	}
}
