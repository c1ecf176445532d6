package harness

import (
	"math"
	"strings"
	"testing"
)

func TestDisturbance(t *testing.T) {
	parse := func(line string, children float64) processorTimes {
		t.Helper()
		times, err := parseProcessorTimes(line + "\ncpu0 1 2 3\n")
		if err != nil {
			t.Fatal(err)
		}
		times.children = children
		return times
	}
	before := parse("cpu  100 0 100 1000 0 5 5 10 0 0", 3)
	after := parse("cpu  250 10 140 1400 100 50 45 15 90 0", 4)
	// 790 ticks in all: 200 of programs, 100 of them the child's; 5 stolen.
	got := after.since(before)
	if math.Abs(got.Others-100.0/790) > 1e-9 || math.Abs(got.Stolen-5.0/790) > 1e-9 {
		t.Errorf("disturbance is %+v", got)
	}
	if got := before.since(before); got != (disturbance{}) {
		t.Errorf("no time, and a disturbance of %+v", got)
	}
	for _, text := range []string{"", "cpu 1 2", "intr 1 2 3 4 5 6 7 8", "cpu 1 2 3 4 5 6 7 x"} {
		if _, err := parseProcessorTimes(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if now, err := readProcessorTimes(); err != nil || now.all <= 0 || now.programs > now.all {
		t.Errorf("now: %+v, %v", now, err)
	}
}

func TestDisturbanceWarning(t *testing.T) {
	quiet, loud := rawSample{}, rawSample{}
	loud.Others, loud.Stolen = 0.2, 0.1
	if text := disturbanceWarning([]rawSample{quiet, quiet, loud}); text != "" {
		t.Errorf("one loud child of three: %s", text)
	}
	if text := disturbanceWarning([]rawSample{quiet, loud, loud}); !strings.Contains(text, "30 %") {
		t.Errorf("two loud children of three: %q", text)
	}
}
