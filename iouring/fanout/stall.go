package fanout

import (
	"sync"
	"time"
)

// stallClock ends the streams whose clients do not keep up: who has bytes waiting
// must take all of them, or progressBytes of them, within DropAfter. A client that
// dribbles a byte now and then is as silent as one that reads nothing.
//
// Only streams for which bytes wait stand in its list. DropAfter is looked at in
// stallRounds rounds, which are the same time for all, so the order in which
// streams came is that of their deadlines, and one timer, set to the first one's,
// serves all. A stream is judged at the end of each round; one that has taken what
// it owed begins to count again from there, and with a round less, because what
// waits then has waited for up to a round: it is dropped between 7/8 of DropAfter
// and DropAfter after its last progress.
//
// A stream is in the list from when its clock starts until its round ends, even if
// it catches up: that costs nothing at each frame.
//
// A stream's lock is taken before mu, never after.
type stallClock struct {
	round time.Duration

	mu    sync.Mutex
	first *Stream
	last  *Stream
	timer *time.Timer
}

const (
	stallRounds = 8
	// progressBytes is what a client must take of a larger backlog within
	// DropAfter: 16 KiB in 30 s is half a kilobyte a second.
	progressBytes = pieceBytes
)

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
	s.place = stallPlace{listed: true, deadline: time.Now().Add(c.round), before: c.last}
	if c.last != nil {
		c.last.place.behind = s
		c.last = s
		return
	}
	c.first, c.last = s, s
	c.arm(c.round)
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
		s.count(stallRounds)
	}
}

// count gives the client so many rounds for what waits now; mu is held.
func (s *Stream) count(rounds uint8) {
	s.watched, s.rounds, s.owed = true, rounds, min(s.buffered(), progressBytes)
	s.fan.clock.start(s)
}

// judge decides on a stream at the end of a round.
func (s *Stream) judge() {
	s.mu.Lock()
	s.watched = false
	stuck := false
	switch {
	case s.ended || s.buffered() == 0:
	case s.owed <= 0:
		s.count(stallRounds - 1)
	case s.rounds > 1:
		s.watched, s.rounds = true, s.rounds-1
		s.fan.clock.start(s)
	default:
		stuck = true
	}
	s.mu.Unlock() // not held to abort, which tells others
	if stuck {
		s.Abort(ErrSlowClient)
	}
}
