package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/bench/internal/sample"
)

func TestMain(m *testing.M) {
	if os.Getenv(hogVariable) != "" {
		hog()
		return
	}
	os.Exit(m.Run())
}

func TestShare(t *testing.T) {
	free := rate{tokensPerSecond: 1000, processors: 1.25}
	for _, c := range []struct {
		rate    float64
		percent int
		want    float64
	}{
		{1000, 150, 1}, // bounds nothing
		{800, 100, 1}, {400, 50, 1}, {200, 50, 0.5}, {440, 50, 1.1},
	} {
		if got := (rate{tokensPerSecond: c.rate}).share(free, c.percent); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v tokens a second at %d %%: share %v, want %v", c.rate, c.percent, got, c.want)
		}
	}
}

func TestReadMetric(t *testing.T) {
	text := "# HELP a_b c\na_bc 1\na_b{x=\"y\"} 2\na_b 0.5\n"
	if got, err := readMetric(strings.NewReader(text), "a_b"); got != 0.5 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := readMetric(strings.NewReader(text), "a"); err == nil {
		t.Error("no error for a metric that is not there")
	}
}

// Hogs take processors' time in a group, whose quota can be set, and end.
func TestHogsInAGroup(t *testing.T) {
	g, err := newGroup(groupName("test"))
	if err != nil {
		t.Skipf("not supported here: %v", err)
	}
	if err := g.limit(50); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(g.dir, g.file())); err != nil || !strings.HasPrefix(string(text), "50000") {
		t.Errorf("the quota is %q, %v", text, err)
	}
	stop, err := startHogs(g)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
	if err != nil {
		t.Error(err)
	}
	for _, line := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		for used := time.Duration(0); used < 10*time.Millisecond; {
			if used, err = sample.ProcessClock(pid); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := g.remove(); err != nil {
		t.Error(err)
	}
}
