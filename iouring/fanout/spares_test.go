package fanout

import (
	"net/http"
	"testing"
)

// The buffer of a large frame is not kept for a burst that may never come: a few
// hundred of them would be what a process never gives back.
func TestLargeBuffersAreNotKept(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		fan := newFanOut(t, cfg)
		frame := make([]byte, 1<<20)
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			if err := s.Append(frame); err != nil {
				t.Error(err)
			}
			fan.Flush()
			_ = s.Close()
		}))
		c := client(t, ln)
		for range 4 {
			if got, err := body(c, "http://x/stream"); err != nil || len(got) != len(frame) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		}
		if err := fan.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		fan.spares.mu.Lock()
		defer fan.spares.mu.Unlock()
		for _, list := range [][][]byte{fan.spares.small, fan.spares.large} {
			for _, b := range list {
				if cap(b) > spareBytes {
					t.Errorf("a buffer of %d bytes is kept", cap(b))
				}
			}
		}
	})
}
