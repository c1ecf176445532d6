package fanout

import (
	"errors"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// A client that never reads is noticed by what it leaves, not by what the kernel
// takes for it: its stream stops being Ready after little, whatever the frames'
// size, and is dropped.
func TestSilentClientIsNoticedEarly(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		for _, frameBytes := range []int{100, 6000, 200_000} {
			cfg := cfg
			cfg.DropAfter = 50 * time.Millisecond
			fan := newFanOut(t, cfg)
			opened := make(chan *Stream, 1)
			ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) { opened <- s }))
			_, _ = dialStream(t, ln)
			s := <-opened
			frame, sent := make([]byte, frameBytes), 0
			for s.Err() == nil {
				for s.Ready() && s.Append(frame) == nil {
					sent += frameBytes
					fan.Flush()
				}
				runtime.Gosched()
			}
			if err := s.Err(); !errors.Is(err, ErrSlowClient) {
				t.Errorf("frames of %d bytes: %v", frameBytes, err)
			}
			if sent > 1<<20 {
				t.Errorf("frames of %d bytes: %d bytes were sent to a client that never reads", frameBytes, sent)
			}
		}
	})
}
