package schedtrace

import (
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	// Of goroutines 5, in infer, and 2: park 300.2 µs and 800.4 µs of the story, and
	// goroutine 2's and main's first ones.
	r := read(t, story(), Config{})
	for _, test := range []struct {
		limit, crossed string // "" if it holds
	}{
		{"park=1ms", ""},
		{"park=800µs", "limit park=800µs crossed: it is 800µs"},
		{"park.max=800.4us", ""},
		{"park.max@infer=300us", "it is 300µs"},
		{"park.max@infer=301us", ""},
		{"park.p50=304us", ""},
		{"park.p99=1us", "crossed: it is 800µs"},
		{"park.over=2", ""},
		{"park.over=1", "crossed: 2 of 3 are over 80µs"},
		{"park.over=70%", ""},
		{"park.over = 50 %", `"over " is no statistic`},
		{"park.over=50 %", "crossed: 66.7 % of 3 are over 80µs"},
		{"run@main.waiter=1ms", ""},
		{"run.max@infer=25us", "crossed"},
		{"park@nobody=1s", "there is no such latency in the trace"},
		{"park", "no value: write one like"},
		{"walk=1s", `"walk" is no kind of latency: it is park or run`},
		{"park.p42=1s", "it is one of p50, p90, p95, p99, max, over"},
		{"park=fast", `"fast" is no time`},
		{"park=-1s", "no time"},
		{"park.over=-1", "no number of latencies"},
		{"park.over=101%", "no number of latencies"},
		{"park.over=NaN", "no number of latencies"},
		{"", "no value"},
	} {
		l, err := ParseLimit(test.limit)
		if err == nil {
			err = r.Check(l)
		}
		switch {
		case test.crossed == "" && err != nil:
			t.Errorf("%s: %v", test.limit, err)
		case test.crossed != "" && (err == nil || !strings.Contains(err.Error(), test.crossed)):
			t.Errorf("%s: %v, want %q", test.limit, err, test.crossed)
		}
	}
}
