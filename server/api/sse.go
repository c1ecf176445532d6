package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/weirgo/weir/server/openai"
)

// frameWriter brings SSE frames to one client. WriteFrames returns when the
// frames may be overwritten; its error means that the client is gone. This is
// the seam for writing the frames of many streams in one system call.
type frameWriter interface {
	WriteFrames(frames []byte) error
}

// errClientGone wraps failures of writing to a client.
var errClientGone = errors.New("api: client is gone")

// maxPooledBytes keeps one response with a vocabulary's log-probabilities from
// holding its buffer for ever.
const maxPooledBytes = 64 << 10

var framePool = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// streamSink is the sink of a streamed response: one write a wake.
type streamSink struct {
	h      *Handler
	out    frameWriter
	enc    *openai.StreamEncoder
	pooled *[]byte
	frames []byte
	begun  bool // the first frame is in frames, or written
}

func (h *Handler) newStreamSink(out frameWriter, enc *openai.StreamEncoder) *streamSink {
	pooled := framePool.Get().(*[]byte)
	return &streamSink{h: h, out: out, enc: enc, pooled: pooled, frames: (*pooled)[:0]}
}

// release gives the buffer back.
func (s *streamSink) release() {
	if cap(s.frames) <= maxPooledBytes {
		*s.pooled = s.frames
		framePool.Put(s.pooled)
	}
	s.frames, s.pooled = nil, nil
}

// begin puts the first frame before the first output: until then a failure can
// still be answered by a status.
func (s *streamSink) begin() {
	if !s.begun {
		s.begun = true
		s.frames = s.enc.AppendStart(s.frames)
	}
}

func (s *streamSink) text(text []byte, entries []openai.LogprobEntry) {
	s.begin()
	if len(entries) == 0 {
		s.frames = s.enc.AppendText(s.frames, text)
		return
	}
	s.frames = s.enc.AppendTextLogprobs(s.frames, text, entries)
}

func (s *streamSink) flush() error {
	s.begin()
	if len(s.frames) == 0 {
		return nil // everything is held back
	}
	err := s.out.WriteFrames(s.frames)
	s.frames = s.frames[:0]
	if err != nil {
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	return nil
}

func (s *streamSink) finish(reason openai.FinishReason, usage openai.Usage) error {
	s.begin()
	s.frames = s.enc.AppendFinish(s.frames, reason)
	s.frames = s.enc.AppendUsage(s.frames, usage)
	s.frames = s.enc.AppendDone(s.frames)
	return s.flush()
}

func (s *streamSink) fail(err error) error {
	if !s.begun {
		return err
	}
	wire := s.h.wireError(err)
	if !errors.Is(err, errClientGone) && !errors.Is(err, context.Canceled) {
		s.frames = s.enc.AppendError(s.frames, wire)
		_ = s.flush() // the failure itself is what gets reported
	}
	return &begunError{wire}
}

// httpFrames writes frames through net/http: one write and one flush.
type httpFrames struct{ boundedWriter }

func newHTTPFrames(w http.ResponseWriter, timeout time.Duration) *httpFrames {
	return &httpFrames{newBoundedWriter(w, timeout)}
}

// WriteFrames implements frameWriter.
func (f *httpFrames) WriteFrames(frames []byte) error {
	if f.deadline.IsZero() { // nothing is written yet
		setEventStream(f.Header())
	}
	if _, err := f.Write(frames); err != nil {
		return err
	}
	return f.control.Flush()
}

// boundedWriter gives a client a bounded time for each write. The rest of
// net/http's writer is reached through Unwrap.
type boundedWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	timeout  time.Duration
	deadline time.Time // of writing, in force
}

func newBoundedWriter(w http.ResponseWriter, timeout time.Duration) boundedWriter {
	return boundedWriter{ResponseWriter: w, control: http.NewResponseController(w), timeout: timeout}
}

// Write implements io.Writer.
func (b *boundedWriter) Write(p []byte) (int, error) {
	b.bound()
	return b.ResponseWriter.Write(p)
}

// bound moves the deadline. That costs more than a frame: it does so once in a
// quarter.
func (b *boundedWriter) bound() {
	if now := time.Now(); b.deadline.Sub(now) < b.timeout*3/4 {
		b.deadline = now.Add(b.timeout)
		_ = b.control.SetWriteDeadline(b.deadline) // a writer without deadlines has none to miss
	}
}

// Unwrap is for http.ResponseController.
func (b *boundedWriter) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func setEventStream(header http.Header) {
	header["Content-Type"] = eventStream
	header["Cache-Control"] = noCache
	header["X-Accel-Buffering"] = noBuffering
}

var (
	eventStream = []string{"text/event-stream; charset=utf-8"}
	noCache     = []string{"no-cache"}
	noBuffering = []string{"no"} // nginx and its kin pass each frame on at once
)
