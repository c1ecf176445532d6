package ring

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

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

// noRings skips what needs a kernel that has rings, and checks that the tests
// before have closed theirs.
func noRings(t *testing.T) {
	t.Helper()
	requireURing(t)
	if n := ringGroups(); n != 0 {
		t.Fatalf("%d groups of ring threads live though nobody uses a ring", n)
	}
}

// groupTask tells in which group a ring's thread is.
type groupTask chan *ggroup.Group

func (g groupTask) OnRing(*Ring) { g <- ggroup.Current() }

func TestRingThreadsShareAGroup(t *testing.T) {
	noRings(t)
	a, b := startedRing(t), startedRing(t)
	if n := ringGroups(); n != 1 {
		t.Errorf("%d groups for two rings", n)
	}
	for _, r := range []*Ring{a, b} {
		task := make(groupTask, 1)
		if err := r.Post(task); err != nil {
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
	a.Close()
	if n := ringGroups(); n != 1 {
		t.Errorf("%d groups while a ring lives", n)
	}
	b.Close()
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
	r.Close()
	if slices.ContainsFunc(ggroup.Groups(), func(g *ggroup.Group) bool { return g.Name() == threadsGroup }) {
		t.Error("a group beyond the limit")
	}
}

// The shared ring lives while it has users, and a moment longer; its counters
// outlive it. The moment is the test's: endShared is what the timer calls.
func TestSharedRingEndsWithItsLastUser(t *testing.T) {
	noRings(t)
	first, err := Shared()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Shared()
	if err != nil || second != first {
		t.Fatalf("two rings at once, %v", err)
	}
	o := newTestOp(nop)
	submitAll(t, first, o)
	_ = o.result(t)
	first.Release()
	if endShared(first); ringGroups() != 1 {
		t.Error("the ring ended under a user")
	}
	second.Release()
	before := SharedStats()
	if endShared(first); ringGroups() != 0 {
		t.Error("the ring outlives its last user")
	}
	if after := SharedStats(); after.Submissions < before.Submissions || before.Submissions == 0 {
		t.Errorf("%d submissions counted before the ring's end, %d after", before.Submissions, after.Submissions)
	}
	again, err := Shared()
	if err != nil || again == first {
		t.Fatalf("no new ring, %v", err)
	}
	again.Release()
	endShared(again)
}

// failTask breaks a ring as a kernel does that refuses enter for good.
type failTask struct{}

func (failTask) OnRing(r *Ring) { r.fail(unix.EBADF) }

// A broken ring ends its requests and goes on running tasks, for who has it; the
// next user gets another one.
func TestBrokenSharedRingIsReplaced(t *testing.T) {
	noRings(t)
	broken, err := Shared()
	if err != nil {
		t.Fatal(err)
	}
	a, _ := socketPair(t)
	pending := newTestOp(pollIn(a))
	submitAll(t, broken, pending)
	if err := broken.Post(failTask{}); err != nil {
		t.Fatal(err)
	}
	if res := pending.result(t); res != -int32(unix.EBADF) {
		t.Errorf("a pending request ends with %d", res)
	}
	if err := broken.Broken(); !errors.Is(err, unix.EBADF) || Running() {
		t.Errorf("Broken: %v, Running: %v", err, Running())
	}
	for range 3 { // it neither spins nor takes anything up
		late := newTestOp(nop)
		submitAll(t, broken, late)
		if res := late.result(t); res != -int32(unix.EBADF) {
			t.Errorf("a late request ends with %d", res)
		}
	}
	next, err := Shared()
	if err != nil || next == broken || next.Broken() != nil || !Running() {
		t.Fatalf("the broken ring is everybody's still, %v", err)
	}
	o := newTestOp(nop)
	submitAll(t, next, o)
	if res := o.result(t); res != 0 {
		t.Errorf("the next ring: %d", res)
	}
	for _, r := range []*Ring{broken, next} {
		r.Release()
		endShared(r)
	}
	if n := ringGroups(); n != 0 {
		t.Errorf("%d groups of ring threads are left", n)
	}
}
