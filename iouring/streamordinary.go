package iouring

import (
	"context"
	"io"
	"net"
	"net/http"
)

// openOrdinary starts a stream that its handler's goroutine writes through
// net/http: TLS, HTTP/2, HTTP/1.0, package net.
func (s *Stream) openOrdinary(w http.ResponseWriter, rc *http.ResponseController, r *http.Request) error {
	s.writer, s.control, s.request = w, rc, r.Context()
	s.wake = make(chan struct{}, 1)
	w.WriteHeader(http.StatusOK)
	return rc.Flush()
}

// openForeign starts a stream on a connection that is not of this package but
// had to be hijacked to find that out. It is closed at the end, so what the
// client pipelines is not read as requests; it is read to notice its going.
func (s *Stream) openForeign(c net.Conn) {
	s.foreign, s.request = c, context.Background()
	s.wake = make(chan struct{}, 1)
	go func() {
		_, _ = io.Copy(io.Discard, c)
		s.end(nil, ErrPeerGone)
	}()
}

// Serve is how a handler ends. On a ring it returns nil at once; on the
// ordinary path it writes the stream's frames until the end and returns Err.
func (s *Stream) Serve() error {
	if s.conn != nil {
		return nil
	}
	for {
		select {
		case <-s.wake:
		case <-s.done:
			return s.Err()
		case <-s.request.Done():
			s.end(nil, ErrPeerGone)
			return s.Err()
		}
		if s.writePending() {
			return s.Err()
		}
	}
}

// writePending writes what is there and reports whether the stream has ended.
func (s *Stream) writePending() (ended bool) {
	s.mu.Lock()
	s.dirty = false
	s.sending, s.pending, s.sent = s.pending, s.sending[:0], 0
	finishing := s.finishing
	data := s.sending
	s.mu.Unlock()

	err := s.writeOut(data)

	s.mu.Lock()
	s.sending = s.fan.spares.kept(s.sending)
	ready := s.took(len(data))
	s.mu.Unlock()
	if ready && err == nil {
		s.fan.config.OnReady(s)
	}
	switch {
	case err != nil:
		s.end(nil, ErrPeerGone)
		return true
	case finishing:
		s.end(nil, nil)
		if s.foreign != nil {
			_ = s.foreign.Close()
		}
		return true
	}
	return false
}

func (s *Stream) writeOut(data []byte) error {
	if s.foreign != nil {
		_, err := s.foreign.Write(data)
		return err
	}
	if len(data) > 0 {
		if _, err := s.writer.Write(data); err != nil {
			return err
		}
	}
	return s.control.Flush()
}
