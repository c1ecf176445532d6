package fanout

import (
	"sync"
	"time"
)

// stallClock ends the streams whose clients take nothing. Only streams for which
// bytes wait stand in its list. The time they get is the same for all, so the
// order in which they came is that of their deadlines, and one timer, set to the
// first one's, serves all.
//
// A stream is in the list from when its clock starts until its deadline passes,
// even if it catches up: that costs nothing at each frame. It is judged then: one
// that has made progress gets another round, one for which nothing waits leaves.
//
// A stream's lock is taken before mu, never after.
type stallClock struct {
	after time.Duration

	mu    sync.Mutex
	first *Stream
	last  *Stream
	timer *time.Timer
}

// stallPlace is a stream's place in the list, guarded by the clock's mu.
type stallPlace struct {
	listed         bool
	deadline       time.Time
	before, behind *Stream
}

// start puts s at the end of the list. The stream's lock is held.
func (c *stallClock) start(s *Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.place = stallPlace{listed: true, deadline: time.Now().Add(c.after), before: c.last}
	if c.last != nil {
		c.last.place.behind = s
		c.last = s
		return
	}
	c.first, c.last = s, s
	c.arm(c.after)
}

// arm sets the timer; mu is held.
func (c *stallClock) arm(d time.Duration) {
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.expire)
		return
	}
	c.timer.Reset(d)
}

// leave takes s out, if it is in.
func (c *stallClock) leave(s *Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.place.listed {
		c.unlink(s)
	}
}

func (c *stallClock) unlink(s *Stream) {
	p := s.place
	if p.before != nil {
		p.before.place.behind = p.behind
	} else {
		c.first = p.behind
	}
	if p.behind != nil {
		p.behind.place.before = p.before
	} else {
		c.last = p.before
	}
	s.place = stallPlace{}
	if c.first == nil {
		c.timer.Stop()
	}
}

// due takes the first stream out if its deadline has passed, else sets the timer
// to it.
func (c *stallClock) due() *Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.first
	if s == nil {
		return nil
	}
	if left := time.Until(s.place.deadline); left > 0 {
		c.arm(left)
		return nil
	}
	c.unlink(s)
	return s
}

// expire is the timer's.
func (c *stallClock) expire() {
	for s := c.due(); s != nil; s = c.due() {
		s.judge()
	}
}

// watch starts the stream's clock unless it runs; mu is held.
func (s *Stream) watch() {
	if !s.watched && !s.ended {
		s.watched, s.moved = true, false
		s.fan.clock.start(s)
	}
}

// judge decides on a stream whose time is up.
func (s *Stream) judge() {
	s.mu.Lock()
	s.watched = false
	waits, moved := s.buffered() > 0 && !s.ended, s.moved
	if waits && moved {
		s.watch()
	}
	s.mu.Unlock() // not held to abort, which tells others
	if waits && !moved {
		s.Abort(ErrSlowClient)
	}
}
