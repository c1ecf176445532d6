package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/weirgo/weir/sched/schedtrace"
	"github.com/weirgo/weir/sched/schedtrace/schedtracetest"
)

// turns is a trace of groups whose goroutines are woken so many times, with a wait that
// grows.
func turns(groups, times int) []byte {
	w := schedtracetest.New(1)
	m, at := w.Thread(1), int64(2000)
	m.At(1000).ProcStart(0)
	m.At(1010).Running(1)
	for i := range groups {
		g := uint64(10 + i)
		m.At(at).Create(g, fmt.Sprintf("main.f%d", i))
		m.At(at+10).Block("sync", "main.main")
		m.At(at + 20).Start(g)
		for n := range times {
			m.At(at+30).Block("sync", "main.f")
			m.At(at + 40).Unblock(1)
			m.At(at + 50).Start(1)
			m.At(at+60).Unblock(g, "main.main")
			at += int64(1+i) * int64(1+n) * 100
			m.At(at+70).Block("sync", "main.main")
			m.At(at + 80).Start(g)
		}
		m.At(at + 90).Unblock(1)
		m.At(at + 100).Destroy()
		m.At(at + 110).Start(1)
		at += 200
	}
	return w.Bytes()
}

func TestDraw(t *testing.T) {
	for _, test := range []struct {
		groups, times int
		named         []string // in all plots
	}{
		{0, 0, nil}, // with nothing to draw there are axes
		{1, 1, []string{"main.f0"}},
		{3, 30, []string{"main.f0", "main.f1", "main.f2"}},
		{20, 5, []string{"main.f19", "main.f13"}},
	} {
		t.Run(fmt.Sprintf("%d groups", test.groups), func(t *testing.T) {
			r, err := schedtrace.Read(bytes.NewReader(turns(test.groups, test.times)), schedtrace.Config{})
			if err != nil {
				t.Fatal(err)
			}
			var before [][]byte
			for again := range 2 {
				folder := filepath.Join(t.TempDir(), "plots")
				if err := Draw(folder, r); err != nil {
					t.Fatal(err)
				}
				for i, name := range []string{"park.svg", "run.svg", "causes.svg"} {
					text, err := os.ReadFile(filepath.Join(folder, name))
					if err != nil {
						t.Fatal(err)
					}
					if again == 0 {
						before = append(before, text)
						checkSVG(t, name, text, test.named)
					} else if !bytes.Equal(text, before[i]) {
						t.Errorf("%s is drawn otherwise the second time", name)
					}
				}
			}
		})
	}
}

// checkSVG checks that a plot is whole, and what it names.
func checkSVG(t *testing.T, name string, text []byte, named []string) {
	t.Helper()
	for _, n := range named {
		if !bytes.Contains(text, []byte(n)) {
			t.Errorf("%s does not name %s", name, n)
		}
	}
	if bytes.Contains(text, []byte("NaN")) || bytes.Contains(text, []byte("Inf")) {
		t.Errorf("%s has a place that is no number", name)
	}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	for {
		switch _, err := decoder.Token(); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// A folder that cannot be made, or written to, is an error that names it.
func TestDrawFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Draw(t.TempDir(), new(schedtrace.Report)); err != nil {
		t.Errorf("an empty report: %v", err)
	}
	if err := Draw(file, new(schedtrace.Report)); err == nil || !bytes.Contains([]byte(err.Error()), []byte(file)) {
		t.Errorf("%v", err)
	}
}
