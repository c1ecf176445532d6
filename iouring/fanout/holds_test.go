package fanout

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"weak"
)

// A stream on a ring holds nothing of its request's once the handler has gone.
func TestStreamsHoldNoRequest(t *testing.T) {
	type key struct{}
	type large [1 << 10]byte
	for _, b := range fanBackends[:2] { // on the ordinary path the handler stays
		t.Run(b.name, func(t *testing.T) {
			fan := newFanOut(t, b.cfg)
			opened, values := make(chan *Stream, 1), make(chan weak.Pointer[large], 1)
			ln := serve(t, "tcp", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				value := new(large)
				r = r.WithContext(context.WithValue(r.Context(), key{}, value))
				s, err := fan.Open(w, r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				_ = s.Serve()
				values <- weak.Make(value)
				opened <- s
			}))
			dialStream(t, ln)
			value, s := <-values, <-opened
			eventually(t, "the request's context is held", func() bool {
				runtime.GC()
				return value.Value() == nil
			})
			if err := s.Append([]byte("a frame")); err != nil {
				t.Errorf("the stream has ended: %v", err)
			}
			if err := s.Serve(); err != nil {
				t.Errorf("Serve again: %v", err)
			}
			_ = s.Close()
			fan.Flush()
		})
	}
}
