package tenants

import (
	"math"
	"sync"
	"testing"
	"time"
)

// spent is what a bucket was asked for at a time.
type spent struct {
	at                time.Duration
	tokens, perMinute int
}

func TestBucket(t *testing.T) {
	const s, m = time.Second, time.Minute
	for name, test := range map[string]struct {
		spent []spent
		at    time.Duration
		debt  time.Duration
	}{
		"untouched":                {nil, 0, 0},
		"a minute's at once":       {[]spent{{0, 60, 60}}, 0, 0},
		"one more":                 {[]spent{{0, 61, 60}}, 0, s},
		"one at a time":            {[]spent{{0, 60, 60}, {0, 1, 60}, {0, 1, 60}}, 0, 2 * s},
		"flows in":                 {[]spent{{0, 60, 60}, {10 * s, 11, 60}}, 10 * s, s},
		"owes less with time":      {[]spent{{0, 90, 60}}, 29 * s, s},
		"owes nothing":             {[]spent{{0, 90, 60}}, 30 * s, 0},
		"fills up to a minute's":   {[]spent{{0, 60, 60}, {time.Hour, 61, 60}}, time.Hour, s},
		"nothing":                  {[]spent{{0, 0, 60}, {0, -5, 60}}, 0, 0},
		"a fraction":               {[]spent{{0, 60_001, 60_000}}, 0, time.Millisecond},
		"another rate, same debt":  {[]spent{{0, 120, 60}, {0, 1000, 60_000}}, 0, m + s},
		"a day at most":            {[]spent{{0, math.MaxInt, 1}}, 0, 24 * time.Hour},
		"a day at most, and later": {[]spent{{0, math.MaxInt, 1}, {m, math.MaxInt, 1}}, m, 24 * time.Hour},
	} {
		var b Bucket
		for _, one := range test.spent {
			b.Spend(int64(one.at), one.tokens, one.perMinute)
		}
		if debt := time.Duration(b.DebtNs(int64(test.at))); debt != test.debt {
			t.Errorf("%s: owes for %v, want %v", name, debt, test.debt)
		}
	}
}

// Nothing that many take at once is lost.
func TestBucketOfMany(t *testing.T) {
	var b Bucket
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				b.Spend(0, 1, 60)
			}
		})
	}
	all.Wait()
	if debt := time.Duration(b.DebtNs(0)); debt != 740*time.Second {
		t.Errorf("owes for %v", debt)
	}
}
