package main

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/internal/ccall"
	"github.com/weirgo/weir/bench/internal/crowd"
	"github.com/weirgo/weir/bench/internal/delay"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/ggroup"
)

// outboxSteps is how far the emitter may be behind.
const outboxSteps = 64

// An engine is the inference loop and its emitter.
type engine struct {
	group     *ggroup.Group
	decode    ccall.Computation
	workSteps int

	outbox   chan []token
	done     sync.WaitGroup
	steps    []stepTime // the loop's
	requests delay.Set  // the emitter's
}

// A token is what a step makes for a sequence.
type token struct {
	text  []byte
	begun time.Time // its request, of which it is the last token; else zero
}

// stepTime is how long a step's parts took.
type stepTime struct {
	processor time.Duration // from C's end to running Go code
	wall, cpu time.Duration // of the Go code
}

// outside is the step's time outside of C.
func (s stepTime) outside() time.Duration { return s.processor + s.wall }

func newEngine() (*engine, error) {
	decode, err := ccall.New(*step)
	if err != nil {
		return nil, err
	}
	group, err := ggroup.Open("infer", engineOptions()...)
	return &engine{
		group: group, decode: decode, workSteps: crowd.Calibrate(*tokenWork), outbox: make(chan []token, outboxSteps),
		steps: make([]stepTime, 0, 1 + 2**window / *step),
	}, err
}

// start begins the loop, which ends at the time given.
func (e *engine) start(ends time.Time) error {
	e.done.Add(2)
	if err := e.group.Go(func() {
		defer e.done.Done()
		e.emit()
	}); err != nil {
		return err
	}
	return e.group.Go(func() {
		defer e.done.Done()
		defer close(e.outbox)
		critical(func() { e.loop(ends) })
		quietPoint()
	})
}

// A sequence is a request in the batch.
type sequence struct {
	begun time.Time // zero: before the measurement, and some of its tokens are there
	made  int
	state uint64
}

// loop makes steps until the time given, and at least so many that each sequence
// has had a request of its own from the first token to the last. The batch is
// never empty meanwhile: all of it is one critical stretch.
func (e *engine) loop(ends time.Time) {
	// As the server's has: its own thread, whose clock tells what it ran.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	batch := make([]sequence, *sequences)
	for i := range batch {
		batch[i] = sequence{made: i * *tokens / len(batch), state: uint64(i)} // they do not end in the same step
	}
	for n, now := 0, time.Now(); n < 2**tokens || now.Before(ends); n, now = n+1, time.Now() {
		e.step(batch, now)
	}
}

// step decodes, and samples a token for each sequence.
func (e *engine) step(batch []sequence, now time.Time) {
	for i := range batch {
		if batch[i].made == *tokens {
			batch[i] = sequence{begun: now, state: batch[i].state}
		}
	}
	processor := e.decode.Call()
	begin, beginCPU := time.Now(), threadTime()
	made := make([]token, len(batch))
	for i := range batch {
		s := &batch[i]
		s.state = crowd.Compute(s.state, e.workSteps)
		made[i].text = make([]byte, *tokenBytes)
		made[i].text[0] = byte(s.state)
		if s.made++; s.made == *tokens {
			made[i].begun = s.begun
		}
	}
	e.outbox <- made
	e.steps = append(e.steps, stepTime{processor, time.Since(begin), threadTime() - beginCPU})
}

// emit takes the tokens and notes how long each request took.
func (e *engine) emit() {
	for made := range e.outbox {
		for _, t := range made {
			if !t.begun.IsZero() {
				e.requests.Add(time.Since(t.begun))
			}
		}
	}
}

// threadTime returns the CPU time of the calling thread.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic("c08: a thread has no clock")
	}
	return time.Duration(t.Nano())
}

// record sets what the steps and requests came to.
func (e *engine) record(r *sample.Recorder) {
	e.requests.Record(r, "request", delay.Milliseconds)
	shortest := slices.MinFunc(e.steps, func(a, b stepTime) int { return int(a.outside() - b.outside()) }).outside()
	var stalls, cpu delay.Set
	for _, s := range e.steps {
		stalls.Add(s.outside() - shortest)
		cpu.Add(s.cpu)
	}
	stalls.Record(r, "stall", delay.Microseconds)
	usual := cpu.Quantile(0.5)
	var processor, stopped, assist time.Duration
	for _, s := range e.steps {
		processor += max(0, s.processor)
		stopped += max(0, s.wall-s.cpu)
		assist += max(0, s.cpu-usual)
	}
	for name, lost := range map[string]time.Duration{"processor": processor, "stopped": stopped, "assist": assist} {
		r.Set("lost/"+name+"_us_per_s", delay.Microseconds.In(lost)/window.Seconds())
	}
}
