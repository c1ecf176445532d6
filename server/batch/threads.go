package batch

import (
	"sync/atomic"

	"github.com/weirgo/weir/server/engine"
)

// compute is what decodes compute on.
//
//	asked  nil→t    SetThreads; t→nil  the engine goroutine, when it takes them
//	force  t        the engine goroutine, once the engine has them
type compute struct {
	asked, force atomic.Pointer[engine.Threads]
}

// SetThreads has later decodes compute on other threads, in another group. It returns
// at once: the engine goroutine changes them between two steps, or wakes up to do so,
// and Threads tells when. What is asked for last counts. It reports false, and does
// nothing, if the engine cannot.
func (l *Loop) SetThreads(t engine.Threads) bool {
	if _, ok := (*l.shared.Load()).(engine.ThreadedContext); !ok {
		return false
	}
	l.compute.asked.Store(&t)
	l.wakeEngine()
	return true
}

// Threads returns what decodes compute on. No other group is in use, or will be but
// the one that was asked for last.
func (l *Loop) Threads() engine.Threads { return *l.compute.force.Load() }

// takeThreads puts in force what has been asked for. Engine goroutine.
func (l *Loop) takeThreads() {
	if t := l.compute.asked.Swap(nil); t != nil {
		if !l.rest.asleep { // or Wake makes a context with them
			l.context.(engine.ThreadedContext).SetThreads(*t)
			l.scout.take(t)
		}
		l.compute.force.Store(t)
	}
}

// take has the embedder compute on threads, before it does. Engine goroutine.
func (c *embedder) take(t *engine.Threads) {
	if c.threads == t {
		return
	}
	c.threads = t
	if threaded, ok := c.EmbeddingContext.(engine.ThreadedContext); ok {
		threaded.SetThreads(*t)
	}
}
