package delay

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestSet(t *testing.T) {
	var s Set
	for _, i := range rand.Perm(100) {
		s.Add(time.Duration(i+1) * time.Millisecond)
	}
	tests := []struct {
		what      string
		got, want time.Duration
	}{
		{"p0", s.Quantile(0), time.Millisecond},
		{"p50", s.Quantile(0.5), 50 * time.Millisecond},
		{"p99", s.Quantile(0.99), 99 * time.Millisecond},
		{"p99.9", s.Quantile(0.999), 100 * time.Millisecond},
		{"max", s.Max(), 100 * time.Millisecond},
		{"mean", s.Mean(), 50500 * time.Microsecond},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s is %v, want %v", test.what, test.got, test.want)
		}
	}
	if share := s.ShareOver(62 * time.Millisecond); share != 0.38 {
		t.Errorf("share over 62 ms is %v", share)
	}
}

func TestWithOmitted(t *testing.T) {
	var s Set
	s.Add(time.Millisecond)
	s.Add(350 * time.Millisecond)
	all := s.WithOmitted(100 * time.Millisecond)
	if all.Len() != 5 || all.Quantile(0.4) != 50*time.Millisecond || all.Quantile(0.8) != 250*time.Millisecond || all.Max() != 350*time.Millisecond {
		t.Errorf("with what was omitted: %v", all.values)
	}
	if s.Len() != 2 || s.WithOmitted(0).Len() != 2 {
		t.Error("nothing is omitted at no interval, and the set itself stays")
	}
}

func TestSetGrowsAfterAQuestion(t *testing.T) {
	var s, other Set
	s.Add(2)
	_ = s.Max()
	other.Add(5)
	other.Add(-1)
	s.Merge(&other)
	if s.Len() != 3 || s.Max() != 5 || s.Quantile(0) != 0 {
		t.Errorf("%d delays from %v to %v", s.Len(), s.Quantile(0), s.Max())
	}
}

func TestEmptySet(t *testing.T) {
	var s Set
	if s.Mean() != 0 || s.Max() != 0 || s.ShareOver(0) != 0 {
		t.Errorf("an empty set has %v, %v, %v", s.Mean(), s.Max(), s.ShareOver(0))
	}
}

// set is a Setter.
type set map[string]float64

func (s set) Set(name string, value float64) { s[name] = value }

func TestRecord(t *testing.T) {
	var s Set
	for i := range 100 {
		s.Add(time.Duration(i+1) * time.Microsecond)
	}
	got := set{}
	s.Record(got, "echo", Microseconds)
	want := set{"echo_mean_us": 50.5, "echo_p50_us": 50, "echo_p99_us": 99, "echo_max_us": 100, "echo_count": 100}
	for name, want := range want {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if ms := Milliseconds.In(1500 * time.Microsecond); ms != 1.5 {
		t.Errorf("1.5 ms is %v", ms)
	}
}

// TestDueTimesCount: what was due while the goroutine could not run is late.
func TestDueTimesCount(t *testing.T) {
	var late Set
	now := time.Now()
	done := 0
	late.AddDue(now.Add(-100*time.Millisecond), now.Add(-5*time.Millisecond), 10*time.Millisecond, func(begun time.Time) {
		if done++; begun.Before(now) {
			t.Error("work began before it was called for")
		}
	})
	if late.Len() != 10 || done != 10 || late.Max() < 100*time.Millisecond {
		t.Errorf("%d delays of %d, the longest %v", late.Len(), done, late.Max())
	}
}
