package main

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/bench/internal/source"
)

// handlers serve each stream by its handler's goroutine, which waits for
// tokens on a channel, makes the frame, writes and flushes.
type handlers struct {
	frames func(n int) source.Framer
	count  atomic.Int64
}

func (h *handlers) Start(s *source.Source) (string, error) {
	listener, err := source.ListenLocal(net.Listen)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.stream(s, w, r) })}
	go server.Serve(listener)
	return listener.Addr().String(), nil
}

// handlerOutlet holds a few tokens: the source is not to wait for a handler
// that is a step behind.
type handlerOutlet chan []byte

func (o handlerOutlet) Token(text []byte) { o <- text }
func (o handlerOutlet) Finish()           { close(o) }

func (h *handlers) stream(s *source.Source, w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	frames := h.frames(int(h.count.Add(1)))
	flusher := w.(http.Flusher)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	flusher.Flush()
	outlet := make(handlerOutlet, 16)
	s.Join(outlet)
	var buffer []byte
	for n := 0; ; n++ {
		select {
		case text, ok := <-outlet:
			if !ok {
				_, _ = w.Write(frames.End(nil, n))
				return
			}
			buffer = frames.Text(buffer[:0], text)
			if _, err := w.Write(buffer); err != nil {
				return
			}
			flusher.Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (h *handlers) Flush()                       {}
func (h *handlers) Ring() (enters, sends uint64) { return 0, 0 }

func (h *handlers) Pause(d time.Duration) { time.Sleep(d) }
