package batch

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/internal/threads"
)

// seen is how soon a wedged engine must be.
const seen = 5 * time.Second

// process is a process whose engine's thread is named 0, and another, in virtual time.
type process struct {
	engine, other float64 // shares of a processor that the threads get
	blocked       bool    // the engine's does not want any
	faults        bool    // pages come all the time

	loop  *Loop
	begun time.Time
}

func (p *process) read() (threads.Snapshot, error) {
	passed := time.Since(p.begun)
	s := threads.Snapshot{
		int(p.loop.suspicion.engine.Load()): {CPU: time.Duration(p.engine * float64(passed)), Runnable: !p.blocked},
		-1:                                  {CPU: time.Duration(p.other * float64(passed)), Runnable: p.other < 1},
		int(passed):                         {Runnable: true}, // one that was not there before
	}
	if p.faults {
		s[-2] = threads.Thread{Faults: uint64(passed)}
	}
	return s, nil
}

// watched opens a loop whose third decode hangs until free, in a process. An operation
// ends every pace meanwhile; 0: none.
func watched(t *testing.T, p *process, pace time.Duration) (loop *Loop, free func()) {
	t.Helper()
	hold := make(chan struct{})
	var begun atomic.Pointer[time.Time]
	opts := enginetest.Options{
		Fault: func(step int, _ *engine.Batch) error {
			if step == 2 {
				now := time.Now()
				begun.Store(&now)
				<-hold
			}
			return nil
		},
		Operations: func() uint32 {
			if at := begun.Load(); at != nil && pace > 0 {
				return uint32(time.Since(*at) / pace)
			}
			return 0
		},
	}
	ready := make(chan struct{})
	loop, _ = open(t, opts, engine.ContextConfig{ContextTokens: 128}, Config{StuckAfter: time.Hour, threads: func() (threads.Snapshot, error) {
		<-ready
		return p.read()
	}})
	p.loop, p.begun = loop, time.Now()
	close(ready)
	free = func() { close(hold) }
	return loop, free
}

// An engine whose decode hangs is seen to be wedged, whether it waits or spins, and to
// get on again; its clients are left alone.
func TestWedgedEngineIsSeen(t *testing.T) {
	for name, p := range map[string]*process{
		"it waits":                  {blocked: true, other: 1},
		"it spins":                  {engine: 1, other: 1},
		"it spins beside the other": {engine: 0.99, other: 0.99},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				loop, free := watched(t, p, 0)
				g := submit(t, loop, plain(1, 5, 9))
				if err := loop.Live(); err != nil {
					t.Errorf("at first: %v", err)
				}
				synctest.Sleep(seen)
				if err := loop.Live(); err == nil || !strings.Contains(err.Error(), "engine wedged: its decode has been running for 5 s") {
					t.Errorf("after %v: %v", seen, err)
				}
				if err := loop.Check(); err != nil || loop.Stats().StuckDecodes != 0 {
					t.Errorf("it is taken for stuck: %v", err)
				}
				free()
				synctest.Wait()
				if err := loop.Live(); err != nil {
					t.Errorf("after its return: %v", err)
				}
				if tokens, _ := collect(g); len(tokens) != 9 {
					t.Errorf("%d tokens", len(tokens))
				}
			})
		})
	}
}

// However slow it is, an engine that gets on, or would if it had a processor, is live.
func TestStarvedIsNotWedged(t *testing.T) {
	for name, c := range map[string]struct {
		pace time.Duration
		process
	}{
		"a slow machine":                    {2 * time.Second, process{engine: 1, other: 1}},
		"a hog on each processor":           {4 * time.Second, process{engine: 0.5, other: 0.5}},
		"many hogs":                         {4 * time.Minute, process{engine: 0.01, other: 0.01}},
		"hogs on the other thread's":        {4 * time.Minute, process{engine: 1, other: 0.01}},
		"a quota that is used up":           {time.Hour, process{}},
		"a file that is slow to read":       {time.Hour, process{engine: 1, other: 1, faults: true}},
		"a file that is slow, and it waits": {time.Hour, process{blocked: true, faults: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				loop, free := watched(t, &c.process, c.pace)
				submit(t, loop, plain(1, 5, 9))
				for range 600 {
					synctest.Sleep(time.Second)
					if err := loop.Live(); err != nil {
						t.Fatal(err)
					}
				}
				free()
			})
		})
	}
}

// Of an engine that does not count its operations a long decode means nothing, until it
// counts as stuck.
func TestUncountedIsLiveUntilStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loop, _, _ := wedged(t, 0, engine.ContextConfig{ContextTokens: 128}, Config{threads: func() (threads.Snapshot, error) {
			t.Error("threads are looked at")
			return nil, nil
		}})
		submit(t, loop, plain(1, 5, 0))
		synctest.Sleep(defaultStuckAfter)
		if err := loop.Live(); err != nil {
			t.Error(err)
		}
		synctest.Sleep(4 * lookEvery)
		if err := loop.Live(); err == nil {
			t.Error("live while it is stuck")
		}
	})
}

// Where who looks came late, as when the process was stopped, a thread that is blocked
// was perhaps not.
func TestLateLooksDoNotCount(t *testing.T) {
	const engine = 7
	still, moved := threads.Snapshot{engine: {CPU: time.Second}}, threads.Snapshot{engine: {CPU: 2 * time.Second, Runnable: true}}
	for _, c := range []struct {
		name          string
		before, after threads.Snapshot
		late          bool
		want          time.Duration
	}{
		{"blocked", still, still, false, 10 * time.Second},
		{"blocked, and late", still, still, true, 0},
		{"it has computed, and late", still, moved, true, time.Second},
		{"no such thread", threads.Snapshot{}, threads.Snapshot{}, true, 0},
	} {
		if got := stalled(c.before, c.after, engine, 10*time.Second, c.late); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
