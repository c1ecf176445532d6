package main

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/source"
	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
)

// fanned serves all streams by fan-out: the source's goroutine makes the
// frames of all and sends them at once.
type fanned struct {
	fan    *fanout.FanOut
	count  atomic.Int64
	buffer []byte // the source's
}

func (f *fanned) Start(s *source.Source) (string, error) {
	listener, err := iouring.Listen("tcp", "127.0.0.1:0", iouring.WithBackend(iouring.BackendURing))
	if err != nil {
		return "", err
	}
	if f.fan, err = fanout.New(fanout.Config{Backend: iouring.BackendURing}); err != nil {
		return "", err
	}
	server := &http.Server{ConnContext: iouring.ConnContext, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.stream(s, w, r) })}
	go server.Serve(listener)
	return listener.Addr().String(), nil
}

// fannedOutlet is a stream and its frames; tokens counts those made.
type fannedOutlet struct {
	fanned *fanned
	stream *fanout.Stream
	frames source.Framer
	tokens int
	burst  []byte // instead of a token, for a client that does not read
}

// stuckPrompt in a request marks it as that of the client that does not read.
const stuckPrompt = "stuck"

// burstBytes a step fill the socket of a client that does not read at once.
const burstBytes = 64 << 10

func (f *fanned) stream(s *source.Source, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	stream, err := f.fan.Open(w, r, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	o := &fannedOutlet{fanned: f, stream: stream, frames: source.AppendFrames(int(f.count.Add(1)))}
	if bytes.Contains(body, []byte(stuckPrompt)) {
		o.burst = bytes.Repeat([]byte(" burst"), burstBytes/6)
	}
	s.Join(o)
	_ = stream.Serve()
}

// token appends a frame. A stream that is not ready or has ended takes none:
// the client sees that tokens are missing.
func (o *fannedOutlet) Token(text []byte) {
	if !o.stream.Ready() {
		return
	}
	if o.burst != nil {
		text = o.burst
	}
	o.fanned.buffer = o.frames.Text(o.fanned.buffer[:0], text)
	if o.stream.Append(o.fanned.buffer) == nil {
		o.tokens++
	}
}

func (o *fannedOutlet) Finish() {
	_ = o.stream.Append(o.frames.End(nil, o.tokens))
	_ = o.stream.Close()
}

func (f *fanned) Flush() { f.fan.Flush() }
func (f *fanned) Ring() (enters, sends uint64) {
	s := iouring.Stats()
	return s.Enters, s.Submissions
}

func (f *fanned) Pause(d time.Duration) { time.Sleep(d) }
