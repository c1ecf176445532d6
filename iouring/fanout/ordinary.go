package fanout

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"
)

// ordinary is the path of a stream that its handler's goroutine writes through
// net/http: TLS, HTTP/2, HTTP/1.0, package net.
type ordinary struct {
	writer  http.ResponseWriter
	control *http.ResponseController
	request context.Context
	awake   chan struct{} // something to look at
	bounded time.Time     // when the write deadline was moved; Serve's
	fires   bool          // HTTP/2: a write deadline resets the stream though nothing is written
}

// pieceBytes is how much is written at once: progress is seen piece by piece.
const pieceBytes = 16 << 10

// begin sends the header, to a client that may not read. A stream has no length.
func (s *Stream) begin(w http.ResponseWriter, rc *http.ResponseController) error {
	w.Header().Del("Content-Length")
	_ = rc.SetWriteDeadline(time.Now().Add(s.fan.config.DropAfter)) // not every writer can
	w.WriteHeader(http.StatusOK)
	return rc.Flush()
}

func (s *Stream) openOrdinary(w http.ResponseWriter, r *http.Request) error {
	rc := http.NewResponseController(w)
	s.goOrdinary(w, rc, r)
	defer s.unbound()
	return s.begin(w, rc)
}

func (s *Stream) goOrdinary(w http.ResponseWriter, rc *http.ResponseController, r *http.Request) {
	s.ordinary = &ordinary{writer: w, control: rc, request: r.Context(), awake: make(chan struct{}, 1), fires: r.ProtoMajor > 1}
}

func (o *ordinary) wake() {
	select {
	case o.awake <- struct{}{}:
	default:
	}
}

// interrupt ends a write that waits for the client.
func (o *ordinary) interrupt() { _ = o.control.SetWriteDeadline(time.Unix(1, 0)) }

// Serve is how a handler ends. On a ring it returns nil at once. On the ordinary
// path it writes the stream's frames until the end and returns Err; if the stream
// was aborted (Abort, a slow client, the fan-out's Close) it panics with
// http.ErrAbortHandler instead, which is net/http's means to break a response off
// so that it cannot be taken for a complete one: leave to a defer what must be
// done after it.
func (s *Stream) Serve() error {
	if s.loan != nil {
		return nil
	}
	for !s.writePending() {
		select {
		case <-s.ordinary.awake:
		case <-s.done:
		case <-s.ordinary.request.Done():
			s.end(nil, ErrPeerGone, false)
		}
	}
	// Whoever ends the stream may still be at the writer, which is the handler's.
	<-s.done
	if s.aborted {
		panic(http.ErrAbortHandler)
	}
	return s.err
}

// writePending writes what is there and reports whether the stream has ended.
func (s *Stream) writePending() (ended bool) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return true
	}
	s.dirty = false
	s.sending, s.pending, s.sent = s.pending, s.sending[:0], 0
	finished := s.complete()
	s.mu.Unlock()

	err := s.writeOut()

	s.mu.Lock()
	s.sending, s.sent = s.fan.spares.kept(s.sending), 0
	s.mu.Unlock()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.end(nil, ErrSlowClient, true)
	case err != nil:
		s.end(nil, ErrPeerGone, false)
	case finished:
		s.end(nil, nil, false)
	default:
		return false
	}
	return true
}

// writeOut writes sending, which nobody else changes, piece by piece.
func (s *Stream) writeOut() error {
	for s.sent < len(s.sending) {
		s.bound()
		n, err := s.ordinary.writer.Write(s.sending[s.sent:min(len(s.sending), s.sent+pieceBytes)])
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.sent += n
		ready := s.took(n)
		s.mu.Unlock()
		if ready {
			s.tell()
		}
	}
	s.bound()
	defer s.unbound()
	return s.ordinary.control.Flush()
}

// bound gives the next write DropAfter, moving the deadline once per quarter of
// that at most. Under the lock, so that it never takes interrupt's back.
func (s *Stream) bound() {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.ordinary; !s.ended && now.Sub(o.bounded) >= s.fan.config.DropAfter/4 {
		o.bounded = now
		_ = o.control.SetWriteDeadline(now.Add(s.fan.config.DropAfter))
	}
}

// unbound takes the deadline back where it would fire between two writes, unless
// interrupt has set it.
func (s *Stream) unbound() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.ordinary; o.fires && !s.ended {
		o.bounded = time.Time{}
		_ = o.control.SetWriteDeadline(time.Time{})
	}
}
