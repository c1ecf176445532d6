package kvstore

import (
	"testing"
	"time"
)

func TestFaster(t *testing.T) {
	for name, c := range map[string]struct {
		speeds Speeds
		tokens int
		bytes  int64
		inRAM  bool
		want   bool
	}{
		"nothing known":          {Speeds{}, 1, 1 << 40, false, true},
		"nothing saved":          {Speeds{}, 0, 1, true, false},
		"restoring unknown":      {Speeds{Compute: 1e6}, 1, 1 << 40, true, true},
		"reading unknown":        {Speeds{Compute: 100, Restore: 1e9}, 100, 9e8, false, true},
		"in memory":              {Speeds{Compute: 100, Restore: 1e9, Read: 1e6}, 100, 9e8, true, true},
		"a second, just":         {Speeds{Compute: 100, Restore: 1e9}, 100, 1e9, true, false},
		"from a slow disk":       {Speeds{Compute: 100, Restore: 1e9, Read: 1e6}, 100, 1e6, false, false},
		"from a fast disk":       {Speeds{Compute: 100, Restore: 1e9, Read: 1e9}, 100, 4e8, false, true},
		"both together too slow": {Speeds{Compute: 100, Restore: 1e9, Read: 1e9}, 100, 6e8, false, false},
		"few tokens of much":     {Speeds{Compute: 1000, Restore: 1e9}, 10, 1e9, true, false},
	} {
		if got := c.speeds.Faster(c.tokens, c.bytes, c.inRAM); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := (Speeds{Compute: 50}).Computing(100); got != 2*time.Second {
		t.Error(got)
	}
	if got := (Speeds{}).Computing(100); got != 0 {
		t.Error(got)
	}
}

func TestRate(t *testing.T) {
	var r Rate
	if r.PerSecond() != 0 {
		t.Error("something is known")
	}
	r.Hope()
	r.Add(0, time.Second)
	r.Add(100, 0)
	if r.PerSecond() != 0 {
		t.Error("of nothing something is known")
	}
	for range 100 {
		r.Add(1000, time.Second)
	}
	if got := r.PerSecond(); got < 999 || got > 1001 {
		t.Error(got)
	}
	r.Add(10, time.Second) // one bad moment
	if got := r.PerSecond(); got < 800 || got > 950 {
		t.Errorf("after a bad moment %v", got)
	}
	for range 100 {
		r.Add(10, time.Second)
	}
	if got := r.PerSecond(); got < 9.9 || got > 10.1 {
		t.Errorf("the machine has changed: %v", got)
	}
	before := r.PerSecond()
	for range 32 {
		r.Hope()
	}
	if got := r.PerSecond() / before; got < 2 || got > 3.5 {
		t.Errorf("not tried 32 times: %v times as fast", got)
	}
}
