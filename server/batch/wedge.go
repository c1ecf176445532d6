package batch

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/internal/threads"
)

// wedgedAfter is how long one operation of a decode may compute, or be blocked, until
// the engine counts as wedged. A decode has hundreds of operations: on a machine that
// reads four tokens a second of a prompt, the dearest of a batch of 512 takes one.
const wedgedAfter = 2400 * time.Millisecond

// suspicion is what look knows of a decode that may be wedged: one of which no
// operation ends. That is seen within five seconds, long before the decode counts as
// stuck, and nothing follows from it here: nobody's generation ends, and Live says so
// until the next operation.
//
// What must not count is a machine on which others compute. There a clock says nothing:
// an operation of a millisecond may take minutes. So the time of a look is
//
//   - the CPU time that the engine's thread has had: in its fair share, however small,
//     it gets on; only one that spins uses it up in one operation;
//   - not more than any other runnable thread of the process has had, because the
//     engine's threads wait for each other, spinning: one may be starved;
//   - the clock's, if the engine's thread neither computes nor wants to: it is blocked,
//     and no processor would help it. But who looks must have been on time then;
//   - none, if a page has come: a model that is mapped is read from its file, which may
//     be slow.
type suspicion struct {
	decode     int64 // decodingSince and operations at the look before
	operations uint32
	threads    threads.Snapshot // nil: none taken
	looked     time.Time        // when it was taken
	stalled    time.Duration

	engine atomic.Int64 // the engine goroutine's thread
	wedged atomic.Int64 // the decodingSince of a decode that is wedged, or 0
}

// operations is how many the decode under way has begun, more or less: a number that
// changes with each. It reports false if the engine does not say.
func (l *Loop) operations() (n uint32, ok bool) {
	c, counts := (*l.shared.Load()).(engine.CountingContext)
	if !counts {
		return 0, false
	}
	if n, ok = c.Progress(); !ok {
		return 0, false
	}
	if e := l.embeddings.context.Load(); e != nil { // one of them computes
		if c, counts := e.EmbeddingContext.(engine.CountingContext); counts {
			more, _ := c.Progress()
			n += more
		}
	}
	return n + l.scout.operations(), true
}

// suspect is part of look; since is the decode under way, if there is one. It returns
// when to look again.
func (l *Loop) suspect(now time.Time, since int64) (again time.Duration) {
	s, every := &l.suspicion, l.watch.every
	operations, ok := l.operations()
	if !ok {
		return every
	}
	if since == 0 || since != s.decode || operations != s.operations {
		if s.wedged.Swap(0) != 0 {
			l.config.Log.Warn("the engine gets on again")
		}
		s.decode, s.operations, s.threads, s.stalled = since, operations, nil, 0
		return every
	}
	snapshot, err := l.config.threads()
	if err != nil {
		return every // that it is stuck is seen all the same
	}
	if s.threads != nil {
		// Between two looks of this kind there is half the time.
		elapsed := now.Sub(s.looked)
		s.stalled += stalled(s.threads, snapshot, int(s.engine.Load()), elapsed, elapsed > every)
	}
	s.threads, s.looked = snapshot, now
	if s.stalled >= wedgedAfter && s.wedged.Swap(since) != since {
		l.config.Log.Error("engine wedged: its decode does not get on; what probes liveness is told so, and may start another process",
			"decoding", time.Duration(sinceStart()-since), "operations", operations)
	}
	return every / 2
}

// stalled is how much of the time between two snapshots counts as the engine's, of
// which no operation has ended meanwhile.
func stalled(before, after threads.Snapshot, engine int, elapsed time.Duration, late bool) time.Duration {
	was, is := before[engine], after[engine]
	least := is.CPU - was.CPU
	blocked := !was.Runnable && !is.Runnable && least < elapsed/10
	for id, t := range after {
		b, both := before[id]
		switch {
		case !both:
		case t.Faults != b.Faults:
			return 0
		case t.Runnable && b.Runnable:
			least = min(least, t.CPU-b.CPU)
		}
	}
	if blocked {
		if late {
			return 0
		}
		return elapsed
	}
	return max(0, min(least, elapsed))
}

// Live returns nil, or an *ask.Fault that says that the engine is stuck, as Check does,
// or that it is wedged. It reads atomics alone.
func (l *Loop) Live() error {
	if err := l.Check(); err != nil {
		return err
	}
	if since := l.suspicion.wedged.Load(); since != 0 && l.counters.decodingSince.Load() == since {
		return &ask.Fault{
			Kind:   ask.EngineStuck,
			What:   fmt.Sprintf("engine wedged: its decode has been running for %d s and does not get on", int(time.Duration(sinceStart()-since).Seconds())),
			Remedy: "start another process if this does not pass",
		}
	}
	return nil
}
