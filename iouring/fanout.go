package iouring

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// FanOutConfig bounds a FanOut. The zero value takes the defaults.
type FanOutConfig struct {
	// StreamsLimit is the most streams at once (default 65536).
	StreamsLimit int
	// LimitBytes is the most a stream holds that its client has not taken
	// (default 256 KiB); Append beyond it fails with ErrStreamFull.
	LimitBytes int
	// PauseBytes is where a stream stops being Ready (default 32 KiB); it is
	// again at half of that.
	PauseBytes int
	// DropAfter is how long a client may take nothing while something waits
	// for it, before the stream is dropped with ErrSlowClient (default 30 s).
	DropAfter time.Duration
	// DropWhenFull drops a stream at the first Append that exceeds LimitBytes.
	DropWhenFull bool
	// DirectLimit is how many streams Flush sends for on the caller's thread,
	// with plain system calls, rather than wake the ring's thread for so few
	// (default 8; negative: none).
	DirectLimit int
	// OnReady is called when a stream that was not Ready is again. It runs on
	// the ring's thread or a handler's goroutine: it must not block, nor call
	// Flush or Close.
	OnReady func(*Stream)
	// Backend chooses who sends, as for Listen.
	Backend Backend
}

func (c *FanOutConfig) fill() {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.StreamsLimit, 65536)
	def(&c.LimitBytes, 256<<10)
	def(&c.PauseBytes, 32<<10)
	def(&c.DirectLimit, 8)
	if c.DropAfter <= 0 {
		c.DropAfter = 30 * time.Second
	}
}

// Errors of streams.
var (
	ErrStreamFull     = errors.New("iouring: stream holds as much as it may: its client reads too slowly")
	ErrStreamClosed   = errors.New("iouring: stream is closed")
	ErrSlowClient     = errors.New("iouring: client stopped reading")
	ErrPeerGone       = errors.New("iouring: client has gone")
	ErrTooManyStreams = errors.New("iouring: too many streams")
	ErrFanOutClosed   = errors.New("iouring: fan-out is closed")
)

// FanOut sends the frames of many streams in one submission: Append puts a
// frame into a stream's own buffer, Flush sends what all streams have. Neither
// waits for a client. A stream whose client is slow gathers its frames, then
// stops being Ready so that its source can pause, and is dropped in the end; the
// others never notice.
//
// All methods may be called from any goroutine; one goroutine at a time should
// append to one stream.
type FanOut struct {
	config FanOutConfig
	lane   *lane // nil: every stream takes the ordinary path

	spares  spareBuffers
	mu      sync.Mutex
	streams map[*Stream]struct{}
	closed  bool
	empty   chan struct{} // closed when closed and no stream is left
	stop    chan struct{}
}

// NewFanOut makes a FanOut on the process's ring. Without io_uring every stream
// takes the ordinary path through net/http; with BackendURing that is an error.
func NewFanOut(cfg FanOutConfig) (*FanOut, error) {
	cfg.fill()
	c := newConfig([]Option{WithBackend(cfg.Backend)})
	ch, err := c.choose(sharedProbe)
	if err != nil {
		return nil, err
	}
	f := &FanOut{config: cfg, streams: map[*Stream]struct{}{}, empty: make(chan struct{}), stop: make(chan struct{})}
	if ch.uring {
		r, err := sharedRing()
		if err != nil {
			return nil, err
		}
		f.lane = &lane{ring: r}
	} else {
		logFallback(c.logger, ch)
	}
	go f.watchStalled()
	return f, nil
}

// bodyRestBytes is how much of a request's unread body Open discards to keep
// the connection for another request.
const bodyRestBytes = 256 << 10

// Open sends the response header that is set on w, with status 200, and takes
// the response over. The caller appends and flushes, at some point calls Close,
// and returns from its handler with Serve:
//
//	s, err := fan.Open(w, r)
//	if err != nil { http.Error(...) }
//	register(s)         // somebody appends, flushes, closes
//	return s.Serve()    // at once, or on the ordinary path after the end
//
// Over HTTP/1.1 without TLS, on a connection of this package, the stream leaves
// the HTTP server: no goroutine and no buffer of net/http's stays with it, and
// at its end the connection goes back to the listener. Everything else (TLS,
// HTTP/2, HTTP/1.0, package net) takes the ordinary path behind the same type.
// r.Context() ends with the handler; use Done for the stream's own life.
func (f *FanOut) Open(w http.ResponseWriter, r *http.Request) (*Stream, error) {
	s := newStream(f)
	if err := f.register(s); err != nil {
		return nil, err
	}
	if err := f.open(s, w, r); err != nil {
		f.remove(s)
		return nil, err
	}
	if err := s.nowOpen(); err != nil {
		return nil, err
	}
	return s, nil
}

func (f *FanOut) open(s *Stream, w http.ResponseWriter, r *http.Request) error {
	rc := http.NewResponseController(w)
	if f.lane == nil || r.TLS != nil || r.ProtoMajor != 1 || r.ProtoMinor < 1 || r.Method == http.MethodHead {
		return s.openOrdinary(w, rc, r)
	}
	keep := !r.Close && !headerHasClose(w.Header())
	if r.Body != nil {
		n, err := io.CopyN(io.Discard, r.Body, bodyRestBytes)
		if n == bodyRestBytes || err != io.EOF {
			keep = false
			w.Header().Set("Connection", "close")
		}
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(http.StatusOK)
	if err := rc.Flush(); err != nil {
		return err
	}
	conn, rw, err := rc.Hijack()
	if errors.Is(err, errors.ErrUnsupported) {
		return s.openOrdinary(w, rc, r)
	}
	if err != nil {
		return err
	}
	var pipelined []byte
	if n := rw.Reader.Buffered(); n > 0 {
		b, _ := rw.Reader.Peek(n)
		pipelined = append(pipelined, b...)
	}
	c, ok := conn.(*Conn)
	if !ok || !c.attachable() {
		s.openForeign(conn)
		return nil
	}
	return s.openRing(c, pipelined, keep)
}

func headerHasClose(h http.Header) bool {
	for _, v := range h.Values("Connection") {
		if v == "close" {
			return true
		}
	}
	return false
}

func (f *FanOut) register(s *Stream) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return ErrFanOutClosed
	case len(f.streams) >= f.config.StreamsLimit:
		return ErrTooManyStreams
	}
	f.streams[s] = struct{}{}
	return nil
}

func (f *FanOut) remove(s *Stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.streams[s]; ok {
		delete(f.streams, s)
		if f.closed && len(f.streams) == 0 {
			f.emptied()
		}
	}
}

// emptied lets Close return and the ring go; mu is held.
func (f *FanOut) emptied() {
	close(f.empty)
	if f.lane != nil {
		f.lane.ring.release()
	}
}

// Len is the number of open streams.
func (f *FanOut) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.streams)
}

// Flush sends what streams have appended since the last Flush: a few on this
// thread, many in one submission of the ring's. It does not wait.
func (f *FanOut) Flush() {
	if f.lane != nil {
		f.lane.flush(f.config.DirectLimit)
	}
}

// Close refuses new streams and waits until the open ones have ended, or until
// ctx is done, whereupon it aborts them.
func (f *FanOut) Close(ctx context.Context) error {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.stop)
		if len(f.streams) == 0 {
			f.emptied()
		}
	}
	f.mu.Unlock()
	select {
	case <-f.empty:
		return nil
	case <-ctx.Done():
	}
	for _, s := range f.snapshot() {
		s.Abort(ErrFanOutClosed)
	}
	return ctx.Err()
}

func (f *FanOut) snapshot() []*Stream {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*Stream, 0, len(f.streams))
	for s := range f.streams {
		all = append(all, s)
	}
	return all
}

// stallTicks is in how many looks DropAfter is divided.
const stallTicks = 4

// watchStalled drops the streams whose clients take nothing.
func (f *FanOut) watchStalled() {
	tick := time.NewTicker(max(f.config.DropAfter/stallTicks, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-tick.C:
		}
		for _, s := range f.snapshot() {
			if s.stalled() {
				s.Abort(ErrSlowClient)
			}
		}
	}
}

// lane is the way of many streams to one ring.
type lane struct {
	ring *ring

	mu     sync.Mutex
	dirty  []*Stream // have something to send
	posted bool      // the ring's thread will come for them

	working []*Stream // the ring's thread: those it came for
}

func (l *lane) mark(s *Stream) {
	l.mu.Lock()
	l.dirty = append(l.dirty, s)
	l.mu.Unlock()
}

func (l *lane) flush(directLimit int) {
	l.mu.Lock()
	n := len(l.dirty)
	if n == 0 || l.posted {
		l.mu.Unlock()
		return
	}
	if n <= directLimit && n <= len(directBatch{}) {
		var batch directBatch
		copy(batch[:], l.dirty)
		clear(l.dirty)
		l.dirty = l.dirty[:0]
		l.mu.Unlock()
		for _, s := range batch[:n] {
			s.sendDirect()
		}
		return
	}
	l.posted = true
	l.mu.Unlock()
	_ = l.ring.post(l) // a closed ring has failed every stream
}

type directBatch [32]*Stream

// onRing implements task.
func (l *lane) onRing(r *ring) {
	l.mu.Lock()
	l.dirty, l.working = l.working[:0], l.dirty
	l.posted = false
	l.mu.Unlock()
	for i, s := range l.working {
		s.takeDirty(r)
		l.working[i] = nil
	}
}
