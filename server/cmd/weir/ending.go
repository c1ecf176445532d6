package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Bounds of the end, all behind the drain limit: the process has ended two seconds
// after it.
const (
	// goodbyeLimit is what clients get to be told that they are cut off.
	goodbyeLimit = time.Second
	// flushLimit is what the log's reader gets to take what is left.
	flushLimit = 300 * time.Millisecond
	// hardLimit is when the process ends, whatever it is at.
	hardLimit = 1500 * time.Millisecond
	// lastLine is what the line that says so gets.
	lastLine = 100 * time.Millisecond
)

// closeLimit is what is freed in order gets, if the hard limit leaves so much.
const closeLimit = 5 * time.Second

// step is something that serving or its end is at, and how long it may take once the
// process is to end. Where it cannot be bounded, in a call of C or a page of a file
// that does not come, the process ends without it, with the exit code.
type step struct {
	what  string
	limit time.Duration
	code  int
}

// ending ends the process when a step of its end takes too long.
type ending struct {
	log     *logging
	exit    func(code int)                                  // os.Exit
	signals func(context.Context) (context.Context, func()) // firstSignal, or endSignal

	mu       sync.Mutex
	step     step
	deadline time.Time   // zero: the process is not to end yet
	timer    *time.Timer // to deadline
}

// endSignal returns a context that the first SIGTERM or SIGINT ends too.
func endSignal(parent context.Context) (ctx context.Context, release func()) {
	return signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
}

// firstSignal is endSignal for who has no other use of SIGHUP: a terminal that hangs
// up ends the context too.
func firstSignal(parent context.Context) (ctx context.Context, release func()) {
	ctx, release = endSignal(parent)
	if signal.Ignored(syscall.SIGHUP) { // by nohup
		return ctx, release
	}
	// A terminal may say so twice, by itself and by its shell: this one does not
	// get its default effect back.
	ctx, _ = signal.NotifyContext(ctx, syscall.SIGHUP)
	return ctx, release
}

// listen returns a context that the first signal ends too. Signals then have their
// default effect back: a second one ends the process.
func (e *ending) listen(parent context.Context) (ctx context.Context, release func()) {
	signalled, stop := e.signals(parent)
	ctx, cancel := context.WithCancel(context.Background())
	context.AfterFunc(signalled, func() {
		stop()
		e.begin()
		cancel()
	})
	return ctx, func() { stop(); cancel() }
}

// at says what is done from here on.
func (e *ending) at(s step) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.step = s
	if !e.deadline.IsZero() {
		e.tighten()
	}
}

// begin says that the process is to end.
func (e *ending) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.deadline.IsZero() {
		e.tighten()
	}
}

// tighten gives the step its time, but no more than there was.
func (e *ending) tighten() {
	deadline := time.Now().Add(e.step.limit)
	if !e.deadline.IsZero() && e.deadline.Before(deadline) {
		return
	}
	e.deadline = deadline
	if e.timer == nil {
		e.timer = time.AfterFunc(e.step.limit, e.expire)
	} else {
		e.timer.Reset(e.step.limit)
	}
}

// expire ends the process.
func (e *ending) expire() {
	e.mu.Lock()
	late := e.step
	e.mu.Unlock()
	e.log.Error("ending without more waiting: this takes longer than it may", "what", late.what)
	e.log.flush(lastLine)
	e.exit(late.code)
}

// done says that the process ends by itself.
func (e *ending) done() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer != nil {
		e.timer.Stop()
	}
}
