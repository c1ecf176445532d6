package batch

import (
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/pace"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// filed makes a loop of two places whose store has two prompts in files alone.
func filed(t *testing.T) (*Loop, *enginetest.Model) {
	t.Helper()
	cfg := Config{MaxSequences: 2, CacheDir: t.TempDir()}
	loop, model := storing(t, enginetest.Options{}, cfg)
	for seed := range 4 {
		answered(t, loop, model, asking(prompt(seed, 100), 3))
	}
	written(t, loop, 2)
	return loop, model
}

// Who waits for a file holds nobody up, and waits no longer than computing takes.
func TestFilesAreNotWaitedForForever(t *testing.T) {
	loop, model := filed(t)
	g := submit(t, loop, asking(prompt(0, 100), 3))
	other := submit(t, loop, asking(prompt(8, 20), 3))
	loop.prepare() // the file is being read
	if g.seq.fetch.lease == nil || len(loop.live) != 1 || loop.stored.deadline != g.seq.fetch.until || !loop.fetches(&g.seq) {
		t.Fatalf("%+v, %d live", g.seq.fetch, len(loop.live))
	}
	g.seq.fetch.until, loop.stored.deadline = 1, 1
	if !loop.storeReady() || loop.fetches(&g.seq) || loop.fetches(&g.seq) {
		t.Errorf("it waits on: %+v", g.seq.fetch)
	}
	all := finishAll(t, loop, []*Generation{g, other})
	checkOutput(t, model, loop.Limits(), asking(prompt(0, 100), 3), all[0], g.Finish())
	checkOutput(t, model, loop.Limits(), asking(prompt(8, 20), 3), all[1], other.Finish())
	if g.seq.fetch.lease != nil {
		t.Errorf("%+v", g.seq.fetch)
	}
}

// Who is cancelled while it waits for a file leaves nothing behind.
func TestCancelledWhileAFileIsRead(t *testing.T) {
	loop, model := filed(t)
	g := submit(t, loop, asking(prompt(0, 100), 3))
	loop.prepare()
	if g.seq.fetch.lease == nil {
		t.Fatal("no file is read")
	}
	g.Cancel()
	loop.step()
	if _, ended := ready(g, 1); !ended || g.seq.fetch.lease != nil {
		t.Errorf("%+v", g.seq.fetch)
	}
	if g := awaited(t, loop, model, asking(prompt(1, 100), 3)); g.Cached() != 99 {
		t.Errorf("%d tokens were computed already", g.Cached())
	}
}

// More than are read at once wait for their turn.
func TestManyFilesAtOnce(t *testing.T) {
	cfg := Config{MaxSequences: 1, CacheDir: t.TempDir()}
	loop, model := storing(t, enginetest.Options{}, cfg)
	const n = 12
	for seed := range n + 1 {
		answered(t, loop, model, asking(prompt(seed, 100), 3))
	}
	written(t, loop, n)
	var all []*Generation
	for seed := range n {
		all = append(all, submit(t, loop, asking(prompt(seed, 100), 3)))
	}
	for seed, g := range all {
		var got []engine.Token
		for ended := false; !ended; {
			if !loop.step() {
				runtime.Gosched()
			}
			var tokens []engine.Token
			tokens, ended = ready(g, 64)
			got = append(got, tokens...)
		}
		if checkOutput(t, model, loop.Limits(), asking(prompt(seed, 100), 3), got, g.Finish()); g.Cached() != 99 {
			t.Errorf("prompt %d: %d tokens were computed already", seed, g.Cached())
		}
	}
}

// A running loop that has nothing to do writes what is left in places, and what it is
// killed with is there for the next one. So is what is left when it is closed.
func TestIdleLoopWrites(t *testing.T) {
	for _, close := range []bool{false, true} {
		dir := t.TempDir()
		cfg := Config{MaxSequences: 2, CacheDir: dir, CacheBytes: -1}
		ec := engine.ContextConfig{ContextTokens: 2 * 256}
		loop, _ := open(t, enginetest.Options{}, ec, cfg)
		said, _ := collect(submit(t, loop, asking(prompt(1, 100), 5)))
		if close {
			loop.Close()
		} else {
			for loop.Stats().Stored.DiskEntries == 0 {
				runtime.Gosched()
			}
		}
		cfg.CacheDir = killed(t, dir)
		again, model := open(t, enginetest.Options{}, ec, cfg)
		r := asking(slices.Concat(prompt(1, 100), said, prompt(2, 10)), 5)
		g := submit(t, again, r)
		got, f := collect(g)
		if checkOutput(t, model, again.Limits(), r, got, f); g.Cached() != 104 {
			t.Errorf("closed %v: %d tokens were computed already", close, g.Cached())
		}
		if s := again.Stats(); s.DiskHits != 1 || s.Stored.Damaged != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// What a context had is in the store when it has slept.
func TestStatesOutliveSleep(t *testing.T) {
	loop, model := open(t, enginetest.Options{}, engine.ContextConfig{ContextTokens: 256},
		Config{MaxSequences: 1, CacheBytes: -1, Pacing: new(pace.Article)})
	for i, want := range []int{0, 99} {
		r := asking(prompt(1, 100), 3)
		g := submit(t, loop, r)
		got, f := collect(g)
		if checkOutput(t, model, loop.Limits(), r, got, f); g.Cached() != want {
			t.Errorf("request %d: %d tokens were computed already, want %d", i, g.Cached(), want)
		}
		err := loop.Sleep()
		for errors.Is(err, ErrBusy) { // it has not ended for the loop yet
			err = loop.Sleep()
		}
		if err := errors.Join(err, loop.Wake()); err != nil {
			t.Fatal(err)
		}
	}
	if s := loop.Stats(); s.RAMHits != 1 || s.Stored.RAMEntries != 1 {
		t.Errorf("%+v", s)
	}
}

// A higher tier does not take a place while it waits for a file, and has its state then.
func TestTiersWaitForFiles(t *testing.T) {
	loop, model := filed(t)
	low := []*Generation{submit(t, loop, asking(prompt(6, 20), 60)), submit(t, loop, asking(prompt(7, 20), 60))}
	loop.step()
	r := asking(prompt(0, 100), 3)
	r.Tenant.Tier = ask.TierPriority
	g := submit(t, loop, r)
	loop.step()
	if g.seq.fetch.lease == nil || len(loop.live) != 2 || loop.Stats().Preempted != 0 {
		t.Fatalf("%+v, %d live", g.seq.fetch, len(loop.live))
	}
	for !loop.storeReady() {
		runtime.Gosched()
	}
	got := finishAll(t, loop, []*Generation{g})[0]
	if checkOutput(t, model, loop.Limits(), r, got, g.Finish()); g.Cached() != 99 {
		t.Errorf("%d tokens were computed already", g.Cached())
	}
	for i, tokens := range finishAll(t, loop, low) {
		if len(tokens) == 0 || low[i].Finish().Err != nil {
			t.Errorf("%+v", low[i].Finish())
		}
	}
	if s := loop.Stats(); s.Preempted == 0 {
		t.Errorf("%+v", s)
	}
}

// While others run saving has its part of the time, and what it leaves is no more than
// one step may have.
func TestSavingHasItsPart(t *testing.T) {
	loop, _ := storing(t, enginetest.Options{}, Config{MaxSequences: 1})
	loop.stored.saving.Add(1000, time.Second) // a byte takes a millisecond
	const second = int64(time.Second)
	spend := func(at int64, bytes int) bool {
		loop.pacing.began = at
		if !loop.maySpend(bytes) {
			return false
		}
		loop.stored.credit -= time.Duration(bytes) * time.Millisecond
		return true
	}
	loop.stored.credit, loop.stored.step = 0, second
	if !spend(second, 900) {
		t.Error("nobody runs, and it is not saved")
	}
	loop.stored.credit = 0
	submit(t, loop, asking(prompt(1, 10), 100))
	loop.step()
	loop.stored.step = 10 * second
	for i, c := range []struct {
		at    int64 // milliseconds
		bytes int
		want  bool
	}{{200, 11, false}, {200, 9, true}, {200, 2, false}, {400, 9, true}, {100_000, 51, false}, {100_000, 45, true}, {100_001, 6, false}} {
		if got := spend(10*second+c.at*second/1000, c.bytes); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}

// Speeds that are measured decide.
func TestSpeeds(t *testing.T) {
	loop, _ := storing(t, enginetest.Options{}, Config{MaxSequences: 1})
	if v := loop.speeds(); v.Compute != 0 || v.Restore != 0 || v.Read != 0 {
		t.Errorf("%+v", v)
	}
	loop.pacing.estimate.promptNs.Store(int64(time.Millisecond))
	loop.stored.restoring.Add(1000, time.Second)
	if v := loop.speeds(); v.Compute != 1000 || v.Restore < 999 || v.Restore > 1001 {
		t.Errorf("%+v", v)
	}
}
