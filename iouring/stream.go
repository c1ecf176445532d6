package iouring

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Stream is one streamed HTTP response of a FanOut.
//
//	state        meaning                              moved by
//	open         takes frames                         -
//	finishing    takes none; the rest and the end     Close
//	             of the body are on their way
//	ended        over, Err says how, Done is closed   the last send's completion;
//	                                                  Abort, peer, slow client
//
//	dirty        listed in the lane, not looked at    Append, Close → sendOnRing or
//	                                                  sendDirect
//	inflight     the kernel reads from sending        sendOnRing → completion
//
// A stream is never both sending on the caller's thread and in flight: both
// begin under mu, and only if inflight is false. The buffers belong to the
// stream; they grow by need and are let go when a burst is over.
type Stream struct {
	fan  *FanOut
	done chan struct{}

	mu        sync.Mutex
	opened    bool   // Open has set what does not change: conn, foreign, writer
	pending   []byte // framed, not given to the kernel yet
	finishing bool
	ended     bool
	err       error
	progress  uint64 // grows with every byte taken
	seen      uint64 // progress at the last look for stalled streams
	idleTicks int
	paused    bool
	resumed   chan struct{} // made by a waiter, closed when paused falls

	// On a ring.
	conn     *Conn
	ring     *ring
	send     op
	sending  []byte
	sent     int
	dirty    bool
	inflight bool
	keep     bool // the connection goes back to its listener

	// On the ordinary path.
	writer  http.ResponseWriter
	control *http.ResponseController
	request context.Context
	foreign net.Conn
	wake    chan struct{}
}

func newStream(f *FanOut) *Stream {
	s := &Stream{fan: f, done: make(chan struct{})}
	s.send.owner = s
	return s
}

// Append adds one frame of the body, copying it, and sends nothing yet: Flush
// of the FanOut does. The errors are ErrStreamFull, with the frame not taken,
// ErrStreamClosed after Close, and what Err says once the stream has ended.
func (s *Stream) Append(frame []byte) error {
	if len(frame) == 0 {
		return nil
	}
	s.mu.Lock()
	if err := s.refusal(); err != nil {
		s.mu.Unlock()
		return err
	}
	if s.buffered()+len(frame) > s.fan.config.LimitBytes {
		s.mu.Unlock()
		if s.fan.config.DropWhenFull {
			s.Abort(ErrSlowClient)
		}
		return ErrStreamFull
	}
	s.pending = s.fan.spares.room(s.pending, len(frame)+chunkBytes)
	if s.framed() {
		s.pending = appendChunk(s.pending, frame)
	} else {
		s.pending = append(s.pending, frame...)
	}
	if s.buffered() > s.fan.config.PauseBytes {
		s.paused = true
	}
	mark := s.markDirty()
	s.mu.Unlock()
	s.announce(mark)
	return nil
}

// refusal is why nothing can be appended; mu is held.
func (s *Stream) refusal() error {
	switch {
	case s.ended && s.err != nil:
		return s.err
	case s.ended, s.finishing:
		return ErrStreamClosed
	}
	return nil
}

// framed reports that the chunks of HTTP/1.1 are made here.
func (s *Stream) framed() bool { return s.conn != nil || s.foreign != nil }

// buffered is what the client has not taken; mu is held.
func (s *Stream) buffered() int { return len(s.pending) + len(s.sending) - s.sent }

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
	case s.conn == nil:
		select {
		case s.wake <- struct{}{}:
		default:
		}
	case mark:
		s.fan.lane.mark(s)
	}
}

// Flush sends what this and other streams of the FanOut have appended.
func (s *Stream) Flush() { s.fan.Flush() }

// Ready reports whether the client keeps up: less than PauseBytes wait for it.
// A source that stops while it is false, and goes on with OnReady or Wait,
// never sees ErrStreamFull.
func (s *Stream) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.paused
}

// Wait waits until the stream is Ready. Its error is ctx's, or why the stream
// has ended.
func (s *Stream) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		if s.ended {
			err := s.refusal()
			s.mu.Unlock()
			return err
		}
		if !s.paused {
			s.mu.Unlock()
			return nil
		}
		if s.resumed == nil {
			s.resumed = make(chan struct{})
		}
		resumed := s.resumed
		s.mu.Unlock()
		select {
		case <-resumed:
		case <-s.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Done is closed when the stream has ended: sent to its end, dropped, or its
// client gone.
func (s *Stream) Done() <-chan struct{} { return s.done }

// Err is nil before Done is closed and after a good end; otherwise ErrPeerGone,
// ErrSlowClient, the error given to Abort, or the socket's.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		return nil
	}
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
// when it is sent. It may be called more than once.
func (s *Stream) Close() error {
	s.mu.Lock()
	if s.ended || s.finishing {
		s.mu.Unlock()
		return nil
	}
	s.finishing = true
	if s.framed() {
		s.pending = append(s.pending, lastChunk...)
	}
	mark := s.markDirty()
	s.mu.Unlock()
	s.announce(mark)
	s.fan.Flush()
	return nil
}

// Abort ends the stream at once with err; the client sees a broken response,
// not a complete one.
func (s *Stream) Abort(err error) { s.end(nil, err) }

// nowOpen ends Open. A stream that was ended meanwhile is broken off, and Open
// fails with the reason.
func (s *Stream) nowOpen() error {
	s.mu.Lock()
	s.opened = true
	ended, err := s.ended, s.err
	s.mu.Unlock()
	if ended {
		s.breakOff(nil, false)
	}
	return err
}

// end moves the stream to ended, once; r is the ring if its thread is the
// caller.
func (s *Stream) end(r *ring, err error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended = true
	s.err = err
	s.pending = nil
	opened, inflight := s.opened, s.inflight
	s.mu.Unlock()
	if err != nil && opened { // else Open breaks it off
		s.breakOff(r, inflight)
	}
	s.fan.remove(s)
	close(s.done)
}

// took notes that the client has taken something; mu is held. It reports
// whether the stream has become Ready.
func (s *Stream) took(n int) bool {
	s.progress += uint64(n)
	if !s.paused || s.buffered() > s.fan.config.PauseBytes/2 {
		return false
	}
	s.paused = false
	if s.resumed != nil {
		close(s.resumed)
		s.resumed = nil
	}
	return s.fan.config.OnReady != nil
}

// stalled is asked stallTicks times in DropAfter and reports that nothing has
// been taken for that long though something waits.
func (s *Stream) stalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buffered() == 0 || s.progress != s.seen {
		s.seen, s.idleTicks = s.progress, 0
		return false
	}
	s.idleTicks++
	return s.idleTicks > stallTicks
}

const (
	lastChunk  = "0\r\n\r\n"
	chunkBytes = 16 + 2 + 2 // at most, around a chunk's data
)

// appendChunk appends data as one chunk of RFC 9112, section 7.1.
func appendChunk(b, data []byte) []byte {
	const digits = "0123456789abcdef"
	n := len(data)
	shift := 0
	for n>>shift >= 16 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		b = append(b, digits[n>>shift&15])
	}
	b = append(b, '\r', '\n')
	b = append(b, data...)
	return append(b, '\r', '\n')
}
