package batch

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
)

// stuckAfterToken is what each token of a batch adds to Config.StuckAfter: a
// machine that reads four tokens a second of a prompt is slow, not stuck.
const stuckAfterToken = 250 * time.Millisecond

// lookEvery is how often a decode is looked at, or an eighth of
// Config.StuckAfter if that is less.
const lookEvery = time.Second

// watch looks from outside at the decode that is under way, which may never come
// back. It is a timer: armed while the engine goroutine is awake, silent while it
// is parked.
//
//	armed  false→true  the engine goroutine when it wakes, or look, if that
//	                   happened while it disarmed; who wins sets the timer
//	       true→false  look, when it finds the engine goroutine parked
type watch struct {
	timer *time.Timer
	every time.Duration
	armed atomic.Bool

	// look's own: there is one at a time.
	decode int64         // decodingSince of the decode that was seen last, or 0
	seen   time.Duration // for how long
	looked time.Time
}

func (w *watch) init(l *Loop) {
	w.every = min(lookEvery, l.config.StuckAfter/8)
	w.timer = time.AfterFunc(time.Hour, l.look)
	w.timer.Stop()
}

// arm sets the timer unless it is set.
func (w *watch) arm() {
	if w.armed.CompareAndSwap(false, true) {
		w.timer.Reset(w.every)
	}
}

// look is called by the timer.
func (l *Loop) look() {
	select {
	case <-l.done:
		return
	default:
	}
	w := &l.watch
	now, since := time.Now(), l.counters.decodingSince.Load()
	if since != w.decode {
		w.decode, w.seen = since, 0
	} else if since != 0 {
		// While the whole process was stopped, nobody has looked: that time is
		// not the decode's.
		w.seen += min(now.Sub(w.looked), 2*w.every)
		l.judge(since, w.seen)
	}
	w.looked = now
	again := l.suspect(now, since)
	if !l.idle.Asleep() {
		w.timer.Reset(again)
		return
	}
	// Disarmed first, then looked again: who wakes up later arms.
	w.armed.Store(false)
	if !l.idle.Asleep() {
		w.arm()
	}
}

// judge ends all generations if the decode that began at since, and has been seen
// for so long, takes longer than it may. The decode is asked to come back.
func (l *Loop) judge(since int64, seen time.Duration) {
	if seen < l.config.StuckAfter {
		return
	}
	l.own.Lock()
	batch := l.decodes
	if l.counters.decodingSince.Load() != since || seen < l.config.StuckAfter+time.Duration(batch)*stuckAfterToken {
		l.own.Unlock()
		return // it has come back, or has time yet
	}
	first := l.stuck.Swap(since) != since
	if first {
		l.counters.stuck.Add(1)
		l.context.Abort()
		l.abortEmbedder()
		l.scout.abort()
	}
	// Each time: a Submit may have been at work while the engine was judged.
	l.overtaken = true
	ended := l.endAll(ask.FinishError, stuckFault(since))
	l.own.Unlock()
	if first {
		l.config.Log.Error("engine stuck: its requests have ended with an error, new ones are refused until the decode returns; restart the server if it does not",
			"decoding", seen, "batch_tokens", batch, "generations", ended)
	}
}

// goOn takes up the loop after a decode during which all generations have been
// ended, whatever has come of it.
func (l *Loop) goOn(err error) {
	l.overtaken = false
	l.sweepLive()
	if since := l.stuck.Swap(0); since != 0 {
		l.context.Resume()
		l.scout.resume()
		if c := l.embeddings.context.Load(); c != nil {
			c.Resume()
		}
		l.config.Log.Warn("the stuck decode has returned: requests are taken again", "decoding", time.Duration(sinceStart()-since), "err", err)
	}
}

// stuckFault says for how long the engine has been at a decode.
func stuckFault(since int64) *ask.Fault {
	stuck := time.Duration(sinceStart() - since)
	return &ask.Fault{
		Kind: ask.EngineStuck, What: fmt.Sprintf("engine stuck for %d s", int(stuck.Seconds())),
		Remedy: "try another server, or again later",
	}
}

// Check returns nil, or an *ask.Fault that says for how long the engine has been
// stuck.
func (l *Loop) Check() error {
	if since := l.stuck.Load(); since != 0 {
		return stuckFault(since)
	}
	return nil
}
