package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// sleep frees the engine's contexts and the model's weights once nobody has asked for
// anything for a while, and has them made and loaded again for who asks next.
//
//	awake → changing   look, with no users and an idle engine for long enough
//	changing → asleep  all is freed; or the loading has failed
//	asleep → changing  who enters
//	changing → awake   all is there; or it could not be freed
//
// What must not go is used between enter and leave. Generations are the engine's: it
// is not idle before the last of them has ended, and what they gave is spelt without
// the weights.
type sleep struct {
	after time.Duration // 0: never
	idle  func() (since time.Time, idle bool)
	fall  func() error                // frees all; if it fails, all is there
	rise  func(context.Context) error // the reverse
	open  context.Context             // done when the generator is closed
	log   *slog.Logger

	mu     sync.Mutex
	state  sleepState
	users  int
	left   time.Time // by the last user
	change *change   // the one under way
	timer  *time.Timer
	closed bool
}

type sleepState uint8

const (
	awake sleepState = iota
	changing
	asleep
)

// change is one of state, and why it failed, once it is done.
type change struct {
	to   sleepState
	done chan struct{}
	err  error
}

// newSleep makes the sleep of a generator that is awake. It frees nothing where the
// model cannot be loaded again.
func newSleep(g *Generator, after time.Duration, log *slog.Logger) (*sleep, error) {
	s := &sleep{open: g.open, log: log, left: time.Now(), idle: g.loop.Idle}
	if after <= 0 {
		return s, nil
	}
	model, ok := g.model.(engine.SleepingModel)
	if !ok {
		return nil, errors.New("local: this engine cannot unload a model: serve without sleeping")
	}
	if log == nil {
		s.log = slog.Default()
	}
	g.fill() // who describes the generator does not wake it
	s.after = after
	s.fall = func() error {
		if err := g.loop.Sleep(); err != nil {
			return err
		}
		if err := model.Unload(); err != nil {
			return errors.Join(err, g.loop.Wake())
		}
		return nil
	}
	s.rise = func(ctx context.Context) error {
		if err := model.Reload(ctx); err != nil {
			return err
		}
		if err := g.loop.Wake(); err != nil {
			return errors.Join(err, model.Unload())
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(after, func() { s.look(time.Now()) })
	return s, nil
}

// enter keeps the model loaded until leave, and has it loaded before if it is not. Who
// gives up does not stop the loading: others may wait for it. The error is an
// *ask.Fault.
func (s *sleep) enter(ctx context.Context) error {
	if s.after == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.state != awake {
		if s.closed {
			return ask.Closing()
		}
		if s.state == asleep {
			s.begin(awake, s.rise)
		}
		c := s.change
		if err := s.wait(ctx, c); err != nil {
			return err
		}
		if c.to == awake && c.err != nil {
			return ask.Failed(fmt.Errorf("local: wake up: %w", c.err))
		}
	}
	s.users++
	return nil
}

// wait waits for a change. The lock is held, but not meanwhile.
func (s *sleep) wait(ctx context.Context, c *change) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return ask.GivenUp(ctx.Err())
	case <-s.open.Done():
		return ask.Closing()
	}
}

// leave ends what enter began.
func (s *sleep) leave() {
	if s.after == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	s.left = time.Now()
}

// look has the generator fall asleep if it is time, and looks again otherwise.
func (s *sleep) look(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.state != awake {
		return
	}
	left := s.after
	if since, idle := s.idle(); idle && s.users == 0 {
		if s.left.After(since) {
			since = s.left
		}
		left -= now.Sub(since)
	}
	if left > 0 {
		s.timer.Reset(left)
		return
	}
	s.begin(asleep, func(context.Context) error { return s.fall() })
}

// begin begins a change to a state, in a goroutine of its own. The lock is held.
func (s *sleep) begin(to sleepState, do func(context.Context) error) {
	from, began := s.state, time.Now()
	c := &change{to: to, done: make(chan struct{})}
	s.state, s.change = changing, c
	go func() {
		c.err = do(s.open)
		s.mu.Lock()
		defer s.mu.Unlock()
		defer close(c.done)
		if c.err != nil {
			to = from
		}
		if s.state = to; to == awake {
			s.left = time.Now()
			s.timer.Reset(s.after)
		}
		s.say(to, c.err, time.Since(began))
	}()
}

// say tells of a change.
func (s *sleep) say(to sleepState, err error, took time.Duration) {
	took = took.Round(time.Millisecond)
	switch {
	case s.open.Err() != nil:
	case err != nil && to == asleep:
		s.log.Error("the model cannot be loaded again: requests fail until it can; start the server again if its file has changed", "error", err)
	case err != nil:
		s.log.Warn("the model could not be unloaded: trying again later", "error", err)
	case to == asleep:
		s.log.Info("model unloaded: nobody asks for anything", "duration", took)
	default:
		s.log.Info("model loaded again", "duration", took)
	}
}

// close ends it, and waits for the change under way. Whoever enters is turned away
// unless the model is there. The generator's context is done.
func (s *sleep) close() {
	if s.after == 0 {
		return
	}
	s.mu.Lock()
	s.closed = true
	s.timer.Stop()
	c := s.change
	s.mu.Unlock()
	if c != nil {
		<-c.done
	}
}

// Asleep implements generate.Sleeper.
func (g *Generator) Asleep() bool {
	g.sleep.mu.Lock()
	defer g.sleep.mu.Unlock()
	return g.sleep.state == asleep
}
