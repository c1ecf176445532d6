package iouring

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// ringGroups counts the groups of ring threads.
func ringGroups() (n int) {
	for _, g := range ggroup.Groups() {
		if g.Name() == threadsGroup {
			n++
		}
	}
	return n
}

// noRings waits until the shared ring of earlier tests has ended.
func noRings(t *testing.T) {
	t.Helper()
	requireBackend(t, WithBackend(BackendURing))
	if n := settle(0, ringGroups); n != 0 {
		t.Fatalf("%d groups of ring threads live though nobody uses a ring", n)
	}
}

// startedRing is a ring that the test closes itself.
func startedRing(t *testing.T) *ring {
	t.Helper()
	r, err := startRing(ringConfig{entries: 8, completions: 16, queue: 16, ops: 64, buffers: 8, bufferBytes: 512})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// groupTask tells in which group a ring's thread is.
type groupTask chan *ggroup.Group

func (g groupTask) onRing(*ring) { g <- ggroup.Current() }

func TestRingThreadsShareAGroup(t *testing.T) {
	noRings(t)
	a, b := startedRing(t), startedRing(t)
	if n := ringGroups(); n != 1 {
		t.Errorf("%d groups for two rings", n)
	}
	for _, r := range []*ring{a, b} {
		task := make(groupTask, 1)
		if err := r.post(task); err != nil {
			t.Fatal(err)
		}
		g := <-task
		if g == nil || g.Name() != threadsGroup {
			t.Fatalf("a ring's thread is in group %v", g)
		}
		if s := g.Stats(); s.Goroutines != 2 {
			t.Errorf("%d goroutines in the group, %v", s.Goroutines, s.NotInEffect)
		}
	}
	a.close()
	if n := ringGroups(); n != 1 {
		t.Errorf("%d groups while a ring lives", n)
	}
	b.close()
	if n := ringGroups(); n != 0 {
		t.Errorf("%d groups after the last ring", n)
	}
}

func TestRingWithoutAGroup(t *testing.T) {
	noRings(t)
	var taken []*ggroup.Group
	for {
		g, err := ggroup.Open("taken")
		if err != nil {
			break
		}
		taken = append(taken, g)
	}
	defer func() {
		for _, g := range taken {
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	if len(taken) == 0 {
		t.Fatal("no group could be opened")
	}
	r := startedRing(t)
	o := newTestOp(nop)
	submitAll(t, r, o)
	if res := o.result(t); res != 0 {
		t.Errorf("result %d", res)
	}
	r.close()
	if slices.ContainsFunc(ggroup.Groups(), func(g *ggroup.Group) bool { return g.Name() == threadsGroup }) {
		t.Error("a group beyond the limit")
	}
}

// The shared ring lives while a fan-out is open or a connection is in its care,
// and its counters outlive it.
func TestSharedRingEndsWithItsLastUser(t *testing.T) {
	noRings(t)
	fan, err := NewFanOut(FanOutConfig{Backend: BackendURing, DirectLimit: -1})
	if err != nil {
		t.Fatal(err)
	}
	_, ln := serveHTTP(t, "tcp", streamServer(fan, func(s *Stream, r *http.Request) {
		_ = s.Append([]byte("x"))
		_ = s.Close()
	}), WithBackend(BackendURing))
	c := dialRaw(t, ln)
	_, _ = io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	if err := fan.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(ringLinger + ringLinger/2) // the connection waits on the ring
	if n := ringGroups(); n != 1 {
		t.Errorf("%d groups while the ring watches a connection", n)
	}
	before := Stats()
	_ = c.Close()
	if n := settle(0, ringGroups); n != 0 {
		t.Errorf("%d groups after the last user", n)
	}
	if after := Stats(); after.Submissions < before.Submissions || before.Submissions == 0 {
		t.Errorf("%d submissions counted before the ring's end, %d after", before.Submissions, after.Submissions)
	}
	again := newFanOut(t, FanOutConfig{Backend: BackendURing})
	if again.lane == nil || ringGroups() != 1 {
		t.Error("no new ring")
	}
}
