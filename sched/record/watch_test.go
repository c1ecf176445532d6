package record

import (
	"bytes"
	"testing"
	"time"
)

// TestWatch: the recorder's own goroutine tells of waits, those that have ended and
// those that go on, and what it calls may use the recorder.
func TestWatch(t *testing.T) {
	s := &script{}
	told := make(chan Starved)
	var r *Recorder
	r = openWith(t, s, Config{Limit: time.Millisecond, Starved: func(a Starved) {
		r.Snapshot()
		r.Explain(a.G, a.Since, r.Now())
		if err := r.WriteTrace(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
		told <- a
	}})
	r.gone.Go(r.watch)
	ms := int64(time.Millisecond)
	s.write(
		Record{Time: 1 * ms, G: 1, Event: Ready},
		Record{Time: 3 * ms, G: 1, Event: Run},
	)
	s.flush()
	if a := <-told; a.G != 1 || !a.Runs {
		t.Errorf("%+v", a)
	}
	s.write(Record{Time: 4 * ms, G: 2, Event: Ready})
	s.at(9000 * ms)
	if a := <-told; a.G != 2 || a.Runs {
		t.Errorf("%+v", a)
	}
}

// TestPendingIsBounded: while nobody listens, alarms are counted.
func TestPendingIsBounded(t *testing.T) {
	s := &script{}
	r, told := alarms(t, s, Config{Limit: 1, Every: 1})
	for i := range int64(maxPending + 10) {
		s.write(Record{Time: 100 * i, G: 1, Event: Ready}, Record{Time: 100*i + 50, G: 1, Event: Run}, Record{Time: 100*i + 51, G: 1, Event: Park})
	}
	s.flush()
	if got := told(); len(got) != maxPending {
		t.Errorf("%d are told", len(got))
	}
	if g := r.Snapshot().Groups[0]; g.Starved != maxPending+10 || g.Untold != 10 {
		t.Errorf("%+v", g)
	}
}

// TestAt: an instant of time's is between two of the clock's.
func TestAt(t *testing.T) {
	r, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	before := r.Now()
	at := r.At(time.Now())
	if after := r.Now(); at < before || at > after {
		t.Errorf("now is %d, between %d and %d", at, before, after)
	}
	if Goroutine() == 0 {
		t.Error("a goroutine has no id")
	}
}

func TestRequests(t *testing.T) {
	s := &script{self: 7}
	r := openWith(t, s, Config{Window: 1000})
	s.at(100)
	q := r.Request("a")
	s.write(
		Record{Time: 110, G: 7, P: 0, Event: Run, Arg: 10},
		Record{Time: 150, G: 7, P: 0, Event: Park, Reason: 2},
		Record{Time: 160, G: 7, P: 0, Event: Ready},
		Record{Time: 170, G: 7, P: 0, Event: Run, Arg: 10},
	)
	if q.ID() != "a" || q.Time() != 70 {
		t.Errorf("%q after %v", q.ID(), q.Time())
	}
	s.at(200)
	q.End()
	s.at(300)
	q.End()
	p := q.Explain()
	if checkWhole(t, "a request", p, 100); q.Time() != 100 || p.Running != 70 || p.Ready != 20 || p.Parked != 10 {
		t.Errorf("%v: %+v", q.Time(), p)
	}

	s.at(1000)
	open := r.Request("open")
	s.at(1201)
	r.Request("b").End()
	if len(r.requests.all) != 2 {
		t.Errorf("%d are kept, want 2: one is older than the window", len(r.requests.all))
	}
	for range maxRequests {
		r.Request("many")
	}
	if len(r.requests.all) != maxRequests || r.requests.all[0] == open {
		t.Errorf("%d are kept, the first is %q", len(r.requests.all), r.requests.all[0].id)
	}
}
