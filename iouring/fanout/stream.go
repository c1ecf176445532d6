package fanout

import (
	"net/http"
	"sync"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/internal/ring"
	"github.com/weirgo/weir/sched/mailbox"
)

// Stream is one streamed HTTP response of a FanOut, from Open: the zero Stream has
// ended. One goroutine at a time adds frames to it (Reserve, Commit, Append), and
// the handler's calls Serve; everything else may be called from any.
//
//	state        meaning                              moved by
//	open         takes frames                         -
//	finishing    takes none; the rest and the end     Close
//	             of the body are on their way
//	ended        over, Err says how, Done is closed   the last send's completion;
//	                                                  Abort, peer, slow client
//
//	out          pending is with who adds a frame     Reserve → Commit
//	dirty        listed in the lane, not looked at    Commit, Close → OnRing or
//	                                                  sendDirect
//	inflight     the kernel reads from sending        sendOnRing → completion
//
// A stream is never both sending on the caller's thread and in flight: both
// begin under mu, and only if inflight is false. While out, pending is nil: a
// send that completes finds nothing more, and Commit marks the stream dirty. The
// buffers are lent: they grow by need, and a stream that has caught up has none.
type Stream struct {
	// What a frame touches comes first, on as few cache lines as it fits.
	mu        sync.Mutex
	out       bool
	paused    bool
	finishing bool
	ended     bool
	dirty     bool
	inflight  bool
	watched   bool   // the clock runs, and
	rounds    uint8  // has so many rounds left
	owed      int    // to be taken until then; the clock's judgement
	digits    uint8  // of the last chunk's size
	opened    bool   // Open has set what does not change: loan, ordinary
	serving   bool   // the ordinary path's handler is in Serve, and stays there until done
	aborted   bool   // ended by this side
	keep      bool   // the connection goes back to its listener
	rest      bool   // the client may still be sending its request's body
	held      int    // bytes of pending that are out
	pending   []byte // framed, not given to the kernel yet
	sending   []byte
	sent      int
	fan       *FanOut

	// On a ring; nil on the ordinary path.
	conn *iouring.Conn
	fd   int
	send ring.Op
	loan *iouring.Loan
	ring *ring.Ring

	header   http.Header // of a response that has not begun; see OpenLater
	err      error
	leaves   func() bool // ends the watch for a handler that leaves without Serve
	told     *mailbox.Entry
	probe    []byte        // see Config.Probe
	done     chan struct{} // made by who asks for it; over once the stream is out of the clock
	ordinary *ordinary     // nil on a ring
	place    stallPlace    // guarded by the clock
}

// frameBytes is the room that Reserve makes for a frame, if it need not grow.
const frameBytes = 512 - chunkBytes

// Reserve takes the stream's own buffer out: the caller appends one frame of the
// body right behind it and gives the result to Commit, which must follow, with
// the slice as it was if there is no frame. So a frame is copied once, from where
// it is made to where it is sent from. Nothing is locked in between.
//
// The error is ErrStreamFull when LimitBytes wait already, ErrStreamClosed after
// Close, and Err once the stream has ended. It panics if what was reserved before
// was not committed.
func (s *Stream) Reserve() ([]byte, error) {
	s.mu.Lock()
	if s.out {
		s.mu.Unlock()
		panic("fanout: Reserve twice without Commit")
	}
	if err := s.refusal(); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	if s.buffered() >= s.fan.config.LimitBytes {
		s.mu.Unlock()
		return nil, ErrStreamFull
	}
	b := s.appendHead(s.pending)
	s.pending, s.out, s.held = nil, true, len(b) // together: bytes that are out still wait
	digits := int(s.digits)
	s.mu.Unlock()
	b = s.fan.spares.room(b, frameBytes+chunkBytes)
	if s.loan != nil {
		b = chunkHead(b, digits)
	}
	return b, nil
}

// Commit takes what Reserve gave back, with a frame behind it, and sends nothing
// yet: Flush of the FanOut does. If the stream has ended meanwhile the frame is
// dropped and the error says why.
func (s *Stream) Commit(b []byte) error {
	// Not locked: what is out, held and digits change in the one committer's hands.
	digits, start := int(s.digits), s.held
	if !s.out || len(b) < start+s.headBytes(digits) {
		panic("fanout: Commit of something else than what Reserve gave")
	}
	if len(b) == start+s.headBytes(digits) {
		b = b[:start] // no frame, no chunk
	} else if s.loan != nil {
		b, digits = finishChunk(b, start, digits)
	}
	s.mu.Lock()
	if s.ended {
		s.out, s.held = false, 0
		err := s.refusal()
		s.mu.Unlock()
		s.fan.spares.give(b)
		return err
	}
	if len(b) == 0 {
		s.fan.spares.give(b)
		b = nil
	}
	s.pending, s.out, s.held, s.digits = b, false, 0, uint8(digits)
	if s.finishing { // Close came in between and left the end to us
		s.appendEnd()
	}
	if s.buffered() > s.fan.config.PauseBytes {
		s.paused = true
	}
	if s.buffered() > 0 { // the last frame of a source that then is silent may get stuck too
		s.watch()
	}
	finishing, mark := s.finishing, len(s.pending) > 0 && s.markDirty()
	s.mu.Unlock()
	s.announce(mark)
	if finishing && s.loan != nil {
		s.fan.lane.post()
	}
	return nil
}

// Append adds one frame of the body, copying it: Reserve and Commit in one.
func (s *Stream) Append(frame []byte) error {
	b, err := s.Reserve()
	if err != nil {
		return err
	}
	return s.Commit(append(b, frame...))
}

// headBytes is the room in front of a frame for the size line of its chunk.
func (s *Stream) headBytes(digits int) int {
	if s.loan == nil {
		return 0
	}
	return digits + 2
}

// refusal is why nothing can be added; mu is held.
func (s *Stream) refusal() error {
	switch {
	case s.ended && s.err != nil:
		return s.err
	case s.ended, s.finishing, s.fan == nil:
		return ErrStreamClosed
	}
	return nil
}

// buffered is what the client has not taken; mu is held.
func (s *Stream) buffered() int { return len(s.pending) + s.held + len(s.sending) - s.sent }

// complete reports that all that will ever be sent was; mu is held.
func (s *Stream) complete() bool { return s.finishing && !s.out }

// appendEnd appends the end of the body; mu is held.
func (s *Stream) appendEnd() {
	if s.loan != nil {
		s.pending = append(s.appendHead(s.pending), lastChunk...)
	}
}

// markDirty reports whether the stream must be announced; mu is held. While a
// send is in flight its completion takes what is pending along.
func (s *Stream) markDirty() bool {
	if s.dirty || s.inflight {
		return false
	}
	s.dirty = true
	return true
}

// announce lists a ring's stream with its lane, or tells the goroutine of an
// ordinary one.
func (s *Stream) announce(mark bool) {
	switch {
	case s.loan == nil:
		s.ordinary.wake()
	case mark:
		s.fan.lane.mark(s)
	}
}

// Ready reports whether the client keeps up: less than PauseBytes wait for it.
// A source that stops while it is false, and goes on when it is told, never sees
// ErrStreamFull.
func (s *Stream) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.paused
}

// Done is closed when the stream has ended: sent to its end, dropped, or its
// client gone.
func (s *Stream) Done() <-chan struct{} {
	if s.fan == nil {
		return over
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = make(chan struct{})
	}
	return s.done
}

// nowDone closes what Done has given, or gives.
func (s *Stream) nowDone() {
	s.mu.Lock()
	done := s.done
	s.done = over
	s.mu.Unlock()
	if done != nil {
		close(done)
	}
}

// over is Done of a stream that has ended.
var over = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Err is nil before the stream has ended and after a good end; otherwise
// ErrPeerGone, ErrSlowClient, the error given to Abort, or the socket's.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Buffered is the number of bytes that the client has not taken yet, framing
// included.
func (s *Stream) Buffered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffered()
}

// Close ends the body, sends what is left and returns at once; Done follows
// when it is sent. It may be called more than once, and after the end; its error
// is nil.
func (s *Stream) Close() error {
	s.mu.Lock()
	if s.ended || s.finishing || s.fan == nil {
		s.mu.Unlock()
		return nil
	}
	s.finishing = true
	if !s.out {
		s.appendEnd()
	}
	if s.buffered() > 0 {
		s.watch()
	}
	mark := s.markDirty()
	s.mu.Unlock()
	s.announce(mark)
	if s.loan != nil { // the end is the ring's: it may as well send, for all that end now
		s.fan.lane.post()
	}
	return nil
}

// Abort ends the stream at once with err (nil: ErrStreamAborted). The client sees
// a broken response, not a complete one: its connection is closed, or, on the
// ordinary path, Serve panics with http.ErrAbortHandler. After the end it does
// nothing.
func (s *Stream) Abort(err error) {
	if err == nil {
		err = ErrStreamAborted
	}
	s.end(nil, err, true)
}

// notServed ends a stream whose handler has left it: r.Context() is done, and
// Serve was not called.
func (s *Stream) notServed() { s.end(nil, ErrNotServed, false) }

// end moves the stream to ended, once; r is the ring if its thread is the
// caller.
func (s *Stream) end(r *ring.Ring, err error, aborted bool) {
	s.mu.Lock()
	if s.ended || s.fan == nil {
		s.mu.Unlock()
		return
	}
	s.ended, s.err, s.aborted = true, err, aborted
	rest := s.pending
	s.pending, s.watched = nil, false
	opened, serving, inflight := s.opened, s.serving, s.inflight
	s.mu.Unlock()
	s.fan.spares.give(rest)
	// After ended: an Abort that comes now is late, and must not close a connection
	// that is on its way to its next request.
	switch {
	case err == nil:
		s.letGo(r)
	case serving:
		s.ordinary.interrupt()
	case opened && s.loan != nil: // else Open breaks it off, or net/http
		s.breakOff(r, inflight)
	}
	// Out of the clock before done: nothing knows an ended stream but its owner.
	// Out of the fan-out last, so that Wait returns after who is told.
	s.fan.clock.leave(s)
	s.nowDone()
	if opened {
		s.tell()
	}
	s.fan.remove(s)
}

// tell posts the entry that Open was given.
func (s *Stream) tell() {
	if s.told != nil {
		s.told.Post()
		s.told.Feed().Wake()
	}
}

// took notes that the client has taken something; mu is held. It reports
// whether the stream has become Ready.
func (s *Stream) took(n int) bool {
	s.owed -= n
	if !s.paused || s.buffered() > s.fan.config.PauseBytes/2 {
		return false
	}
	s.paused = false
	return true
}

// breakOff closes the connection under a ring's stream that ended badly.
func (s *Stream) breakOff(r *ring.Ring, inflight bool) {
	s.loan.Close(r)
	switch {
	case !inflight:
	case r != nil:
		r.CancelNow(&s.send)
	default:
		_ = s.ring.Cancel(&s.send)
	}
}
