package screen

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/weirgo/weir/sched/probe"
)

// source is a process of which a second is over at each reading, and that ends with
// the last one.
type source struct {
	readings int
	last     int
	err      error // of the last one
}

func (s *source) Ended() bool { return s.readings > s.last }

func (s *source) Read() (*probe.Snapshot, error) {
	if s.err != nil && s.readings == s.last {
		return nil, s.err
	}
	n := uint64(s.readings)
	s.readings++
	part := func(ms uint64) time.Duration { return time.Duration(n*ms) * time.Millisecond }
	g := probe.Group{
		ID: 3, Name: "inference", Goroutines: map[probe.State]int{probe.Running: 1, probe.Waiting: 12},
		Runs: 1200 * n, Preempted: 3 * n, Running: part(450), Off: probe.Absences{Running: probe.Absence{Stolen: probe.Away{Count: n, Time: part(12)}}},
	}
	g.Wait.Counts[12] = 100 * n
	g.Stolen.Counts[22] = n
	return &probe.Snapshot{
		Span:       time.Duration(n) * time.Second,
		Groups:     []probe.Group{{ID: 0, Goroutines: map[probe.State]int{}, Started: n}, g, {ID: 9, Runs: 1}},
		Threads:    []probe.Thread{{ID: 41}, {ID: 42, Goroutine: 17, Group: 3, On: part(500)}},
		Goroutines: []probe.Goroutine{{ID: 18, Group: 9, State: probe.Waiting, For: time.Minute}, {ID: 17, Group: 3, State: probe.Runnable, For: 5 * time.Microsecond, Runs: n}},
		Collector:  probe.Collector{Cycles: n},
		Lost:       7,
	}, nil
}

// now is an interval that is over at once.
func now(time.Duration) <-chan time.Time {
	c := make(chan time.Time, 1)
	c <- time.Time{}
	return c
}

func show(t *testing.T, s *source, c Config) string {
	t.Helper()
	c.Title, c.after = "process 1", now
	var out bytes.Buffer
	if err := Show(t.Context(), s, &out, c); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const picture = `process 1, the last 1.0s
stops -/s, p99 -, max -, - of the time; collections 1, - of the time, assists -/s

GROUP      RUN  READY  PARK  CALL  RUNS/s  PREEMPT/s  CALLS/s  WAIT p50    p99    max  RUNNING  STOLEN    p99  ASLEEP
(none)       -      -     -     -       -          -        -         -      -      -        -       -      -       -
inference    1      -    12     -    1200        3.0        -     8.2µs  8.2µs  8.2µs      45%    1.2%  8.4ms       -
group 9      -      -     -     -       -          -        -         -      -      -        -       -      -       -

THREAD  GOROUTINE      GROUP   ON  STOLEN go  call  idle  ASLEEP go  call  idle
42             17  inference  50%          -     -     -          -     -     -
41              -          -    -          -     -     -          -     -     -

GOROUTINE      GROUP     STATE    FOR  RUNS  RUNNABLE  RUNNING  STOLEN  ASLEEP  IN CALL
17         inference  runnable  5.0µs     1         -        -       -       -        -
18           group 9   waiting    60s     0         -        -       -       -        -

`

func TestOnce(t *testing.T) {
	if got := show(t, &source{last: 9}, Config{Once: true, Terminal: true}); got != picture {
		t.Errorf("it shows\n%s\nnot\n%s", got, picture)
	}
}

// Tables come until the process ends, which is said; JSON is JSON to its end.
func TestUntilTheEnd(t *testing.T) {
	got := show(t, &source{last: 3}, Config{})
	if n := strings.Count(got, "process 1, the last 1.0s\n"); n != 4 || !strings.HasSuffix(got, "\n\nprocess 1 has ended\n") {
		t.Errorf("%d intervals:\n%s", n, got)
	}
	lines := 0
	for line := range strings.Lines(show(t, &source{last: 3}, Config{JSON: true})) {
		var s struct {
			Span   time.Duration `json:"span_ns"`
			Groups []struct {
				Name string
				Runs uint64
				Wait struct{ Count uint64 }
			}
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil || s.Span != time.Second || len(s.Groups) != 3 || s.Groups[1].Runs != 1200 || s.Groups[1].Wait.Count != 100 {
			t.Errorf("%v: %+v", err, s)
		}
		lines++
	}
	if lines != 4 {
		t.Errorf("%d lines", lines)
	}
}

// What cannot be read or written ends it with an error; a context that ends does not.
func TestFailures(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []Config{{after: now}, {after: now, JSON: true}, {after: now, Terminal: true, options: terminal(nil)}} {
		for last := range 2 {
			if err := Show(t.Context(), &source{last: last, err: failed}, io.Discard, c); !errors.Is(err, failed) {
				t.Errorf("%+v, reading %d: %v", c, last, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Show(ctx, &source{last: 1 << 60}, io.Discard, c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	closed, w := io.Pipe()
	closed.Close()
	if err := Show(t.Context(), &source{last: 9}, w, Config{after: now}); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// terminal stands for one of 120 columns and 10 rows, on which keys are pressed.
func terminal(keys io.Reader) []tea.ProgramOption {
	return []tea.ProgramOption{tea.WithInput(keys), tea.WithWindowSize(120, 10), tea.WithEnvironment([]string{"TERM=xterm"})}
}

// sink is read while it is written.
type sink struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// A terminal gets the picture, gives up its screen when q is pressed or the process
// ends, and nobody reads the source after that.
func TestLive(t *testing.T) {
	for name, c := range map[string]struct {
		last int
		says bool
	}{"q": {1 << 60, false}, "the process ends": {2, true}} {
		t.Run(name, func(t *testing.T) {
			keys, press := io.Pipe()
			defer press.Close()
			s, out := &source{last: c.last}, &sink{}
			read := make(chan bool, 1)
			config := Config{Title: "process 1", Terminal: true, options: terminal(keys), after: func(d time.Duration) <-chan time.Time {
				select {
				case read <- true:
				default:
				}
				return now(d)
			}}
			if !c.says {
				go func() {
					<-read
					_, _ = press.Write([]byte("\t q"))
				}()
			}
			if err := Show(t.Context(), s, out, config); err != nil {
				t.Fatal(err)
			}
			n := s.readings
			text := out.text.String()
			if !strings.Contains(text, "\x1b[?1049h") || !strings.Contains(text, "\x1b[?1049l") || strings.Contains(text, "process 1 has ended") != c.says {
				t.Errorf("%q", text)
			}
			if s.readings != n {
				t.Error("it is still read")
			}
		})
	}
}

// Keys change the picture: which rows are below, whether it moves, and its height.
func TestKeys(t *testing.T) {
	s := &source{last: 9}
	before, _ := s.Read()
	m := &model{ctx: t.Context(), source: s, config: Config{Title: "process 1", after: now}, before: before}
	see := func(want ...string) {
		t.Helper()
		picture := m.View().Content
		for _, w := range want {
			if part, unwanted := strings.CutPrefix(w, "!"); strings.Contains(picture, part) == unwanted {
				t.Errorf("%s:\n%s", w, picture)
			}
		}
	}
	see("not over", "!GROUP")
	m.Update(m.next())
	see("inference", "1200", "THREAD", "!GOROUTINE      GROUP     STATE")
	m.Update(tea.KeyPressMsg{Code: tea.KeyTab})
	see("GOROUTINE      GROUP     STATE", "!THREAD", "  1         -")
	m.Update(tea.KeyPressMsg{Code: tea.KeySpace})
	m.Update(m.next())
	see("(held)", "  1         -", "the last 1.0s")
	m.Update(tea.KeyPressMsg{Code: tea.KeySpace})
	m.Update(m.next())
	see("!(held)", "  3         -", "the last 2.0s")
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 6})
	see("GROUP", keys, "!inference", "!GOROUTINE ")
	if lines := strings.Count(m.View().Content, "\n") + 1; lines != 6 {
		t.Errorf("%d lines of 6", lines)
	}
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: tea.KeyEscape}, {Code: 'c', Mod: tea.ModCtrl}} {
		if _, do := m.Update(key); do == nil {
			t.Errorf("%s does not end it", key)
		}
	}
	m.finish()
	if m.next() != nil || s.readings != 4 {
		t.Errorf("%d readings", s.readings)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "-", 7: "7ns", 1500: "1.5µs", 15 * time.Microsecond: "15µs", 9990 * time.Microsecond: "10ms", 90 * time.Second: "90s"} {
		if got := short(d); got != want {
			t.Errorf("%d: %s, not %s", d, got, want)
		}
	}
}
