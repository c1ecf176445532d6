package record

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestAttribute(t *testing.T) {
	// Goroutine 1 in 100 ns: ready at 10, runs from 20 on, is preempted at 50, runs
	// from 60 on, assists 65 to 70, parks at 80 for reason 2.
	course := []Record{
		{Time: 10, G: 1, Event: Ready},
		{Time: 20, G: 1, Event: Run, Arg: 10},
		{Time: 50, G: 1, Event: Preempt},
		{Time: 60, G: 1, Event: Run, Arg: 10},
		{Time: 65, G: 1, Event: AssistStart},
		{Time: 70, G: 1, Event: AssistEnd},
		{Time: 80, G: 1, Event: Park, Reason: 2},
	}
	with := func(more ...Record) []Record {
		all := append(slices.Clone(course), more...)
		slices.SortStableFunc(all, func(a, b Record) int { return int(a.Time - b.Time) })
		return all
	}
	for _, test := range []struct {
		name     string
		records  []Record
		from, to int64
		want     Parts
	}{
		{"all of it", course, 0, 100, Parts{Running: 30 + 5 + 10, Ready: 10, Preempted: 10, Assist: 5, Parked: 30, Waits: []Wait{{0, 10}, {2, 20}}}},
		{"cut in two states", course, 15, 55, Parts{Ready: 5, Running: 30, Preempted: 5}},
		{"within one", course, 30, 31, Parts{Running: 1}},
		{"after all", course, 200, 300, Parts{Parked: 100, Waits: []Wait{{2, 100}}}},
		{"before all", course, -50, 5, Parts{Parked: 55, Waits: []Wait{{0, 55}}}},
		{"empty", course, 30, 30, Parts{}},
		{"backwards", course, 30, 20, Parts{}},
		{"nothing is recorded", nil, 0, 7, Parts{Unknown: 7}},
		{"of others only", []Record{{Time: 5, G: 2, Event: Run}}, 0, 7, Parts{Unknown: 7}},
		{"a stop in a wait", with(Record{Time: 12, G: 2, Event: STWStart}, Record{Time: 18, G: 2, Event: STWEnd}), 0, 50,
			Parts{Parked: 10, Waits: []Wait{{0, 10}}, Ready: 4, Stopped: 6, Running: 30}},
		{"a stop that preempts", with(Record{Time: 45, G: 2, Event: STWStart}, Record{Time: 58, G: 2, Event: STWEnd}), 20, 60,
			Parts{Running: 30, Stopped: 8, Preempted: 2}},
		{"its own stop", with(Record{Time: 30, G: 1, Event: STWStart}, Record{Time: 40, G: 1, Event: STWEnd}), 20, 60,
			Parts{Running: 20, Stopped: 10, Preempted: 10}},
		{"a stop while it is parked", with(Record{Time: 82, G: 2, Event: STWStart}, Record{Time: 84, G: 2, Event: STWEnd}), 80, 100,
			Parts{Parked: 20, Waits: []Wait{{2, 20}}}},
		{"a stop without an end", with(Record{Time: 55, G: 2, Event: STWStart}), 50, 58, Parts{Preempted: 5, Stopped: 3}},
		{"a stop without a beginning", with(Record{Time: 55, G: 2, Event: STWEnd}), 50, 58, Parts{Stopped: 5, Preempted: 3}},
		{"its Ready was lost", []Record{{Time: 0, G: 1, Event: Park, Reason: 3}, {Time: 50, G: 1, Event: Run, Arg: 20}}, 0, 60,
			Parts{Parked: 30, Waits: []Wait{{3, 30}}, Ready: 20, Running: 10}},
		{"first seen to run", []Record{{Time: 50, G: 1, Event: Run, Arg: 20}}, 0, 60, Parts{Unknown: 30, Ready: 20, Running: 10}},
		{"first seen to park", []Record{{Time: 50, G: 1, Event: Park, Reason: 1}}, 0, 60, Parts{Running: 50, Parked: 10, Waits: []Wait{{1, 10}}}},
		{"first seen at an assist's end", []Record{{Time: 50, G: 1, Event: AssistEnd}}, 0, 60, Parts{Assist: 50, Running: 10}},
		{"back from the kernel, waiting", []Record{{Time: 50, G: 1, P: -1, Event: SyscallExit}, {Time: 55, G: 1, Event: Run}}, 0, 60, Parts{Syscall: 50, Ready: 5, Running: 5}},
		{"into the kernel and back", []Record{{Time: 10, G: 1, Event: SyscallEnter}, {Time: 30, G: 1, P: 2, Event: SyscallExit}}, 0, 60, Parts{Running: 40, Syscall: 20}},
		{"an assist that waits", []Record{{Time: 10, G: 1, Event: AssistStart}, {Time: 20, G: 1, Event: Park, Reason: 7},
			{Time: 30, G: 1, Event: Ready}, {Time: 35, G: 1, Event: Run}, {Time: 40, G: 1, Event: AssistEnd}}, 0, 50,
			Parts{Running: 20, Assist: 25, Ready: 5}},
		{"from its start to its end", []Record{{Time: 10, G: 1, Event: GoStart}, {Time: 20, G: 1, Event: Run}, {Time: 40, G: 1, Event: Exit}}, 0, 50,
			Parts{Unknown: 20, Ready: 10, Running: 20}},
		{"created and made ready", []Record{{Time: 10, G: 1, Event: GoStart}, {Time: 15, G: 1, Event: Ready}, {Time: 20, G: 1, Event: Run}}, 10, 20, Parts{Ready: 10}},
	} {
		if got := Attribute(test.records, 1, test.from, test.to); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

// TestAttributeSchedules: what is told of made-up schedules is true, whichever the
// interval, and complete if records are missing.
func TestAttributeSchedules(t *testing.T) {
	for seed := range uint64(1000) {
		s := newSchedule(seed)
		s.run(100)
		from, to := s.interval()
		for g := range s.next {
			got := Attribute(s.records, g, from, to)
			if want := s.parts(g, from, to); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, g%d from %d to %d: %+v\nwant %+v", seed, g, from, to, got, want)
			}
			checkTimeline(t, fmt.Sprintf("seed %d, g%d", seed, g), Timeline(s.records, g, from, to), from, to)
			middle := from + s.rnd.Int64N(to-from+1)
			halves, second := Attribute(s.records, g, from, middle), Attribute(s.records, g, middle, to)
			halves.Add(&second)
			if !reflect.DeepEqual(got, halves) {
				t.Fatalf("seed %d, g%d from %d by %d to %d: %+v\nin one piece %+v", seed, g, from, middle, to, halves, got)
			}
		}
		lossy := slices.DeleteFunc(slices.Clone(s.records), func(Record) bool { return s.rnd.IntN(4) == 0 })
		for g := range s.next {
			what := fmt.Sprintf("seed %d with losses, g%d", seed, g)
			checkTimeline(t, what, Timeline(lossy, g, from-5000, to+5000), from-5000, to+5000)
			checkWhole(t, what, Attribute(lossy, g, from-5000, to+5000), to-from+10_000)
		}
	}
}

// checkWhole checks that the parts are those of a whole.
func checkWhole(t *testing.T, what string, p Parts, whole int64) {
	t.Helper()
	if p.Total() != time.Duration(whole) {
		t.Fatalf("%s: %+v is %d, want %d", what, p, p.Total(), whole)
	}
	parked := time.Duration(0)
	for i, w := range p.Waits {
		parked += w.Time
		if w.Time <= 0 || i > 0 && p.Waits[i-1].Reason >= w.Reason {
			t.Fatalf("%s: %+v", what, p.Waits)
		}
	}
	if parked != p.Parked {
		t.Fatalf("%s: parked %v, for reasons %v", what, p.Parked, parked)
	}
	for s := range states {
		if p.Of(s) < 0 {
			t.Fatalf("%s: %v for %v", what, s, p.Of(s))
		}
	}
}

// checkTimeline checks that spans fill an interval, and that each is needed.
func checkTimeline(t *testing.T, what string, spans []Span, from, to int64) {
	t.Helper()
	at := from
	for i, s := range spans {
		if s.From != at || s.To <= s.From {
			t.Fatalf("%s: span %d of %+v begins at %d or is empty, want %d", what, i, spans, s.From, at)
		}
		if i > 0 && s.State == spans[i-1].State && s.Reason == spans[i-1].Reason && s.P == spans[i-1].P {
			t.Fatalf("%s: span %d goes on with the one before: %+v", what, i, spans)
		}
		at = s.To
	}
	if at != to {
		t.Fatalf("%s: the spans end at %d, want %d", what, at, to)
	}
}

func TestPartsOf(t *testing.T) {
	p := Parts{Running: 1, Ready: 2, Preempted: 4, Assist: 8, Stopped: 16, Syscall: 32, Parked: 64, Unknown: 128}
	if p.Total() != 255 {
		t.Errorf("total %d, want 255", p.Total())
	}
	seen := time.Duration(0)
	for s := range states {
		seen |= p.Of(s)
		if s.String() == "" || s.String() == "no state" {
			t.Errorf("state %d is called %q", s, s)
		}
	}
	if seen != 255 {
		t.Errorf("the states have %b", seen)
	}
	if p.Of(states) != 0 || states.String() != "no state" {
		t.Errorf("a state beyond all has %v", p.Of(states))
	}
}
