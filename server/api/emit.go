package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/openai"
)

// emit generates for a job whose stream the emitter serves. The handler's
// goroutine waits for the first output, which a failure answered by a status
// may come before, opens the stream and leaves the rest to the emitter, which
// it says by a movedError.
func (h *Handler) emit(w http.ResponseWriter, r *http.Request, j *job, encoder *openai.StreamEncoder) error {
	frames := &fanFrames{fan: h.emitter.fan, told: &h.emitter.resumed, w: w, r: r, timeout: h.cfg.WriteTimeout}
	out := h.newStreamSink(frames, encoder)
	// The request's context ends with this handler; the generation may not.
	gen, reason, err := h.submit(context.Background(), j)
	if err == nil {
		reason, err = h.generate(r.Context(), gen, j, out, frames.opened)
		if reason == handedOver && err == nil {
			frames.w, frames.r, frames.emitted = nil, nil, true
			out.release()
			return &movedError{&emission{job: j.move(), out: out, gen: gen, stream: frames.stream}}
		}
		gen.Cancel()
	}
	answer := h.finish(j, out, reason, err)
	out.release()
	if frames.stream != nil {
		endStream(frames.stream, err)
		_ = frames.stream.Serve()
	}
	return answer
}

// movedError is how a handler says that its response goes on without it: the
// emitter is to take the emission, and accounts for the request at its end.
type movedError struct{ emission *emission }

func (*movedError) Error() string { return "api: response has left its handler" }

// endStream ends a response: in order, or broken off for a client that is gone.
func endStream(s *fanout.Stream, err error) {
	if errors.Is(err, errClientGone) {
		s.Abort(fanout.ErrPeerGone)
		return
	}
	_ = s.Close() // cannot fail
}

// fanFrames writes frames to a stream of the fan-out, which the first frames
// open.
type fanFrames struct {
	fan     *fanout.FanOut
	told    *mailbox.Entry
	w       http.ResponseWriter
	r       *http.Request
	timeout time.Duration
	stream  *fanout.Stream
	direct  *httpFrames // where the fan-out takes no stream
	emitted bool        // the emitter's: it flushes all streams together
}

// opened reports whether a stream has begun that somebody else can go on with.
func (f *fanFrames) opened() bool { return f.stream != nil }

// WriteFrames implements frameWriter.
func (f *fanFrames) WriteFrames(frames []byte) error {
	if f.stream == nil && f.direct == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.direct != nil {
		return f.direct.WriteFrames(frames)
	}
	if err := f.stream.Append(frames); err != nil {
		return err
	}
	if !f.emitted {
		f.fan.Flush()
	}
	return nil
}

func (f *fanFrames) open() error {
	setEventStream(f.w.Header())
	bounded := newBoundedWriter(f.w, f.timeout)
	bounded.bound() // the header, to a client that pipelines and does not read
	stream, err := f.fan.Open(&bounded, f.r, f.told)
	switch {
	case errors.Is(err, fanout.ErrTooManyStreams), errors.Is(err, fanout.ErrFanOutClosed):
		f.direct = newHTTPFrames(f.w, f.timeout) // nothing is sent yet
		return nil
	case err != nil:
		return err
	}
	f.stream = stream
	return nil
}

// emission is a streamed response whose generation the emitter reads. The
// handler makes it; once it is handed over only the emitter's goroutine
// touches it.
//
//	paused  its client does not keep up: it is in emitter.paused, unread
//	over    the client gets nothing more, results are thrown away
//	ended   the generation is read to its end
type emission struct {
	job    *job
	out    *streamSink
	gen    *batch.Generation
	stream *fanout.Stream
	about  exchange
	entry  mailbox.Entry // of the generation, in the emitter's feed

	paused, over, ended bool
}
