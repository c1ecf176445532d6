package ggroup

import (
	"bytes"
	"io"
	"runtime/trace"
	"slices"
	"strings"
	"testing"

	exptrace "golang.org/x/exp/trace"
)

// told are the lines about groups in a trace, and "+" for each goroutine that whoever
// logs has started.
func told(t *testing.T, text *bytes.Buffer) []string {
	t.Helper()
	r, err := exptrace.NewReader(text)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	logger := exptrace.NoGoroutine
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		switch ev.Kind() {
		case exptrace.EventLog:
			logger = ev.Goroutine()
			lines = append(lines, ev.Log().Category+" "+ev.Log().Message)
		case exptrace.EventStateTransition:
			if st := ev.StateTransition(); st.Resource.Kind == exptrace.ResourceGoroutine && ev.Goroutine() == logger {
				if from, _ := st.Goroutine(); from == exptrace.GoNotExist && !runtimes(st.Stack) {
					lines = append(lines, "+")
				}
			}
		}
	}
}

// runtimes reports whether a goroutine that starts so is one of the collector's, which
// anybody may have to start.
func runtimes(start exptrace.Stack) bool {
	for frame := range start.Frames() {
		return strings.HasPrefix(frame.Func, "runtime.")
	}
	return false
}

func TestGroupsAreTraced(t *testing.T) {
	outer, inner, closed := New("outer"), New("inner"), New("closed")
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := trace.Start(&text); err != nil {
		t.Skipf("not supported while the test itself is traced: %v", err)
	}
	ended := make(chan bool)
	BindTo(outer, func() { close(ended) })
	if err := closed.Go(func() {}); err == nil {
		t.Error("a closed group has started a goroutine")
	}
	err := outer.Do(func() {
		func() {
			defer func() { _ = recover() }()
			_ = inner.Do(func() { panic("left by it") })
		}()
	})
	trace.Stop()
	if err != nil {
		t.Error(err)
	}
	<-ended
	want := []string{
		"ggroup.next outer", "+",
		"ggroup.next closed", "ggroup.next ",
		"ggroup outer", "ggroup inner", "ggroup outer", "ggroup ",
	}
	if got := told(t, &text); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	// Without a trace nothing is in the way.
	if err := outer.Do(func() {}); err != nil {
		t.Error(err)
	}
	for _, g := range []*Group{outer, inner} {
		if err := g.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
