package main

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// exits is the exit codes that an ending came to, each with its time.
type exits struct {
	mu    sync.Mutex
	codes []int
	first chan struct{} // closed: there is one
}

func (x *exits) exit(code int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.codes) == 0 {
		close(x.first)
	}
	x.codes = append(x.codes, code)
}

func (x *exits) all() []int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.codes)
}

// newEnding returns an ending that notes instead of exiting.
func newEnding(t *testing.T) (*ending, *exits, *bytes.Buffer) {
	t.Helper()
	said, x := new(bytes.Buffer), &exits{first: make(chan struct{})}
	log, err := new(options).openLogging(said)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.close)
	e := &ending{log: log, exit: x.exit}
	t.Cleanup(e.done)
	return e, x, said
}

// The process ends by the step that it is at, and never later than the first step
// allows.
func TestEndingIsBounded(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(e *ending)
		code []int // after ten minutes
		wait time.Duration
	}{
		{"nobody asks", func(e *ending) { e.at(step{"a", time.Second, 1}) }, nil, 0},
		{"asked, and ends by itself", func(e *ending) { e.at(step{"a", time.Second, 1}); e.begin(); e.done() }, nil, 0},
		{"asked", func(e *ending) { e.at(step{"a", time.Minute, 1}); e.begin() }, []int{1}, time.Minute},
		{"asked twice", func(e *ending) {
			e.at(step{"a", time.Minute, 1})
			e.begin()
			synctest.Sleep(time.Second)
			e.begin()
		}, []int{1}, time.Minute},
		{"a step with less time", func(e *ending) {
			e.at(step{"a", time.Minute, 1})
			e.begin()
			synctest.Sleep(time.Second)
			e.at(step{"b", time.Second, 3})
		}, []int{3}, 2 * time.Second},
		{"a step with more time than is left", func(e *ending) {
			e.at(step{"a", time.Minute, 1})
			e.begin()
			e.at(step{"b", time.Hour, 3})
		}, []int{3}, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, x, said := newEnding(t)
				begun := time.Now()
				test.do(e)
				select {
				case <-x.first:
					if waited := time.Since(begun); waited != test.wait || !bytes.Contains(said.Bytes(), []byte(" what=")) {
						t.Errorf("after %v: %s", waited, said)
					}
				case <-time.After(10 * time.Minute):
				}
				if got := x.all(); !slices.Equal(got, test.code) {
					t.Errorf("exit codes %v, want %v", got, test.code)
				}
			})
		})
	}
}
