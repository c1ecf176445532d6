package fanout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/internal/probe"
	"github.com/weirgo/weir/iouring/internal/ring"
	"github.com/weirgo/weir/sched/mailbox"
)

// Config bounds a FanOut. The zero value takes the defaults.
type Config struct {
	// StreamsLimit is the most streams at once, those included that have not begun
	// (default 65536).
	StreamsLimit int
	// LimitBytes is how much may wait for a stream's client (default 256 KiB):
	// with that much, Reserve fails with ErrStreamFull. One frame may overshoot.
	LimitBytes int
	// PauseBytes is where a stream stops being Ready (default 32 KiB, and
	// always less than LimitBytes); it is again at half of that.
	PauseBytes int
	// DropAfter is in what time a client must take what waits for it, or 16 KiB
	// of that if it is more; else the stream is dropped with ErrSlowClient, at
	// the earliest after 7/8 of that time (zero or less: 30 s).
	DropAfter time.Duration
	// DirectLimit is how many streams Flush sends for on the caller's thread,
	// with plain system calls, rather than wake the ring's thread for so few
	// (default 8, at most 32; negative: none).
	DirectLimit int
	// Probe is a frame that clients skip, such as a comment in an event stream.
	// It is sent to a client that has ended its sending: one that has only done
	// that takes the rest of its stream, one that has gone shows by its reset.
	// Without a probe (the default), who ends its sending has gone. On the
	// ordinary path this is Stream.Probe's caller's to do.
	Probe []byte
	// Backend chooses who sends, as for iouring.Listen.
	Backend iouring.Backend
	// Log takes the line about a fallback (default slog.Default()).
	Log *slog.Logger
}

// check refuses what no FanOut could work with.
func (c *Config) check() error {
	for _, x := range []struct {
		name  string
		value int
	}{{"StreamsLimit", c.StreamsLimit}, {"LimitBytes", c.LimitBytes}, {"PauseBytes", c.PauseBytes}} {
		if x.value < 0 {
			return fmt.Errorf("fanout: make fan-out: %s is %d: want 1 or more, or 0 for the default", x.name, x.value)
		}
	}
	return nil
}

func (c *Config) fill() {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.StreamsLimit, 65536)
	def(&c.LimitBytes, 256<<10)
	def(&c.PauseBytes, 32<<10)
	c.PauseBytes = min(c.PauseBytes, c.LimitBytes-1) // or a source that waits for Ready meets ErrStreamFull
	def(&c.DirectLimit, 8)
	if c.DropAfter <= 0 {
		c.DropAfter = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// Errors of streams.
var (
	ErrStreamFull     = errors.New("fanout: stream holds as much as it may: its client reads too slowly")
	ErrStreamClosed   = errors.New("fanout: stream is closed")
	ErrStreamAborted  = errors.New("fanout: stream was aborted")
	ErrSlowClient     = errors.New("fanout: client stopped reading")
	ErrPeerGone       = errors.New("fanout: client has gone")
	ErrTooManyStreams = errors.New("fanout: too many streams")
	ErrFanOutClosed   = errors.New("fanout: fan-out is closed")
	ErrNotServed      = errors.New("fanout: request ended before its handler called Serve")
)

// FanOut sends the frames of many streams in one submission: Commit puts a frame
// into a stream's own buffer, Flush sends what all streams have. Neither waits
// for a client. A stream whose client is slow gathers its frames, then stops
// being Ready so that its source can pause, and is dropped in the end; the
// others never notice.
//
// All methods may be called from any goroutine. The zero FanOut is a closed one.
type FanOut struct {
	config Config
	choice probe.Choice
	lane   *lane // nil: every stream takes the ordinary path
	clock  stallClock
	spares spareBuffers

	mu      sync.Mutex
	streams map[*Stream]struct{}
	closed  bool
	none    chan struct{} // closed while no stream is open
}

// New makes a FanOut on the process's ring. Where io_uring, or a limit of the
// process, does not allow one, every stream takes the ordinary path through
// net/http, and one log line a process says why; with BackendURing that is an
// error. So is a negative bound.
func New(cfg Config) (*FanOut, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	r, choice, err := ring.Choose(cfg.Backend)
	if err != nil {
		return nil, err
	}
	f := newOn(r, cfg)
	f.choice = choice
	choice.LogFallback(f.config.Log, probe.ForStreams)
	return f, nil
}

// newOn makes a FanOut that is a user of r, which may be nil.
func newOn(r *ring.Ring, cfg Config) *FanOut {
	cfg.fill()
	f := &FanOut{config: cfg, streams: map[*Stream]struct{}{}, none: make(chan struct{})}
	f.clock.round = max(cfg.DropAfter/stallRounds, 1)
	close(f.none)
	if r != nil {
		f.lane, f.choice = &lane{ring: r}, probe.Choice{URing: true}
	}
	return f
}

// Open sends the response header that is set on w, with status 200, and takes the
// response over. The caller reserves, commits and flushes, at some point calls
// Close, and returns from its handler with Serve:
//
//	s, err := fan.Open(w, r, told)
//	if err != nil { http.Error(...) }
//	register(s)         // somebody commits, flushes, closes
//	return s.Serve()    // at once, or on the ordinary path after the end
//
// A handler that ends otherwise, by a panic or because it forgot, has its stream
// ended with ErrNotServed, and its client sees a broken response; over HTTP/2, of
// one that forgot, an empty one.
//
// What is left of an HTTP/1 request's body is read first, up to 256 KiB; with more
// than that the connection is closed after the stream. Body and header get
// DropAfter together. A body that does not arrive is an error, which wraps what
// reading gave; nothing has been sent then. Other errors are ErrTooManyStreams,
// ErrFanOutClosed, a client's that has gone, and a broken ring's with
// BackendURing.
//
// told, which may be nil, is posted and its feed woken whenever the stream is
// Ready again after it was not, and when it has ended, for whatever reason: Err
// and Done say so by then. It is posted on the ring's thread, a timer's or
// whoever's goroutine ends the stream, and not if Open fails.
//
// Over HTTP/1.1 on a connection that iouring.ConnContext has put into the
// request's context, the stream leaves the HTTP server: no goroutine and no
// buffer of net/http's stays with it, and at its end the connection goes back to
// its listener. Everything else (TLS, HTTP/2, HTTP/1.0, other listeners) takes
// the ordinary path behind the same type. r.Context() ends with the handler; use
// Done for the stream's own life.
func (f *FanOut) Open(w http.ResponseWriter, r *http.Request, told *mailbox.Entry) (*Stream, error) {
	return f.OpenProbed(w, r, told, f.config.Probe)
}

// OpenProbed is Open for a stream whose frames are not those that Config.Probe is
// one of: it has a probe of its own, none if that is empty.
func (f *FanOut) OpenProbed(w http.ResponseWriter, r *http.Request, told *mailbox.Entry, probe []byte) (*Stream, error) {
	s := &Stream{fan: f, told: told, probe: probe}
	if err := f.register(s); err != nil {
		return nil, err
	}
	if err := s.open(w, r); err != nil {
		f.remove(s)
		return nil, err
	}
	if err := s.nowOpen(); err != nil {
		return nil, err
	}
	s.leaves = context.AfterFunc(r.Context(), s.notServed)
	return s, nil
}

// carrier is the connection that a ring can take over, nil if there is none. The
// error is a broken ring's, where nothing else may be taken.
func (f *FanOut) carrier(r *http.Request) (*iouring.Conn, error) {
	if f.lane == nil || r.TLS != nil || r.ProtoMajor != 1 || r.ProtoMinor < 1 || r.Method == http.MethodHead {
		return nil, nil
	}
	choice, err := f.choice.OrNet(f.lane.ring.Broken())
	if err != nil {
		return nil, err
	}
	if !choice.URing {
		choice.LogFallback(f.config.Log, probe.ForStreams)
		return nil, nil
	}
	return iouring.FromContext(r.Context()), nil
}

func (f *FanOut) register(s *Stream) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed || f.streams == nil:
		return ErrFanOutClosed
	case len(f.streams) >= f.config.StreamsLimit:
		return ErrTooManyStreams
	}
	if len(f.streams) == 0 {
		f.none = make(chan struct{})
	}
	f.streams[s] = struct{}{}
	return nil
}

func (f *FanOut) remove(s *Stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.streams[s]; !ok {
		return
	}
	delete(f.streams, s)
	if len(f.streams) == 0 {
		close(f.none)
		f.giveUp()
	}
}

// giveUp lets the ring go when nothing will need it; mu is held, so that the
// last stream and Close do not both.
func (f *FanOut) giveUp() {
	if f.closed && len(f.streams) == 0 && f.lane != nil {
		f.lane.ring.Release()
	}
}

// Len is the number of open streams.
func (f *FanOut) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.streams)
}

// Flush sends what streams have committed since the last Flush: a few on this
// thread, many in one submission of the ring's. It does not wait.
func (f *FanOut) Flush() {
	if f.lane != nil {
		f.lane.flush(f.config.DirectLimit)
	}
}

// Wait waits until no stream is open, and whoever is told of their ends has
// been. Its error is ctx's.
func (f *FanOut) Wait(ctx context.Context) error {
	f.mu.Lock()
	none := f.none
	f.mu.Unlock()
	if none == nil {
		return nil
	}
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close refuses new streams and waits until the open ones have ended, or until
// ctx is done, whereupon it aborts them with ErrFanOutClosed and returns ctx's
// error. When it returns none is open, and whoever is told of their ends has been.
// It may be called more than once.
func (f *FanOut) Close(ctx context.Context) error {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		f.giveUp()
	}
	f.mu.Unlock()
	err := f.Wait(ctx)
	if err == nil {
		return nil
	}
	f.mu.Lock()
	left := make([]*Stream, 0, len(f.streams))
	for s := range f.streams {
		left = append(left, s)
	}
	f.mu.Unlock()
	for _, s := range left {
		s.Abort(ErrFanOutClosed)
	}
	<-f.none // some may be on their way to another end; closed, so it is the last one
	return err
}
