package fanout

import (
	"context"
	"errors"
	"net"
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
	proto   int           // of HTTP: 20, 11, 10
}

// http2 is different: a write deadline resets the stream though nothing is written.
func (o *ordinary) http2() bool { return o.proto >= 20 }

// pieceBytes is how much is written at once: progress is seen piece by piece.
const pieceBytes = 16 << 10

func (s *Stream) openOrdinary(w http.ResponseWriter, r *http.Request, limit time.Time) error {
	rc := http.NewResponseController(w)
	s.goOrdinary(w, rc, r)
	return s.begin(w, rc, limit)
}

func (s *Stream) goOrdinary(w http.ResponseWriter, rc *http.ResponseController, r *http.Request) {
	s.ordinary = &ordinary{writer: w, control: rc, request: r.Context(), awake: make(chan struct{}, 1), proto: 10*r.ProtoMajor + r.ProtoMinor}
}

// unserved leaves a stream that has been opened for Serve: whoever returns from the
// handler without it finds that the response cannot be completed.
func (o *ordinary) unserved() {
	deadline := time.Unix(1, 0)
	if o.http2() {
		deadline = time.Time{}
	}
	_ = o.control.SetWriteDeadline(deadline)
}

func (o *ordinary) wake() {
	select {
	case o.awake <- struct{}{}:
	default:
	}
}

// interrupt ends a write that waits for the client, while the handler is there:
// afterwards the writer is net/http's, and over HTTP/2 nobody's.
func (o *ordinary) interrupt() { _ = o.control.SetWriteDeadline(time.Unix(1, 0)) }

// nothingLeaves is Stream.leaves where there is no watch any more.
func nothingLeaves() bool { return false }

// Serve is how a handler ends. On a ring it returns nil at once. On the ordinary
// path it writes the stream's frames until the end and returns Err; if the stream
// was aborted (Abort, a slow client, the fan-out's Close) it panics with
// http.ErrAbortHandler instead, which is net/http's means to break a response off
// so that it cannot be taken for a complete one: leave to a defer what must be
// done after it. Called again, it returns or panics so again.
func (s *Stream) Serve() error {
	if s.fan == nil {
		return ErrStreamClosed
	}
	s.leaves() // what comes now is ours to notice
	if s.loan != nil {
		s.leaves = nothingLeaves // it holds the request's context, and by that what net/http has of the connection
		return nil
	}
	s.mu.Lock()
	s.serving = true
	s.mu.Unlock()
	done := s.Done()
	for !s.writePending() {
		select {
		case <-s.ordinary.awake:
		case <-done:
		case <-s.ordinary.request.Done():
			s.end(nil, ErrPeerGone, false)
		}
	}
	// Whoever ends the stream may still be at the writer, which is the handler's.
	<-done
	if s.err != nil && s.ordinary.proto == 10 {
		s.ordinary.reset()
	}
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
	s.fan.spares.give(s.sending)
	s.sending, s.sent = nil, 0
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

// reset breaks a response off whose end is its connection's: after a FIN it would
// be complete. On a unix socket there is nothing else.
func (o *ordinary) reset() {
	conn, _, err := o.control.Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn() // TLS would say that this is the end
		defer conn.Close()
	}
	if l, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0)
	}
}

// unbound takes the deadline back where it would fire between two writes, unless
// interrupt has set it.
func (s *Stream) unbound() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.ordinary; o.http2() && !s.ended {
		o.bounded = time.Time{}
		_ = o.control.SetWriteDeadline(time.Time{})
	}
}
