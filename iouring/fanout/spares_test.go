package fanout

import (
	"net/http"
	"testing"
	"unsafe"
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
		for _, b := range fan.spares.large {
			if cap(b) > spareBytes {
				t.Errorf("a buffer of %d bytes is kept", cap(b))
			}
		}
	})
}

// A stream between two frames holds no buffer, and the next frame is sent as the first.
func TestIdleStreamsHoldNoBuffer(t *testing.T) {
	eachFanOut(t, func(t *testing.T, cfg Config, network string) {
		fan := newFanOut(t, cfg)
		ln := serve(t, network, streamServer(fan, func(s *Stream, r *http.Request) {
			for range 3 {
				if err := s.Append([]byte("a frame")); err != nil {
					t.Error(err)
				}
				fan.Flush()
				eventually(t, "a buffer is held", func() bool {
					s.mu.Lock()
					defer s.mu.Unlock()
					return s.pending == nil && s.sending == nil
				})
			}
			_ = s.Close()
		}))
		if got, err := body(client(t, ln), "http://x/stream"); err != nil || string(got) != "a framea framea frame" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// What a step of many streams gives back serves the next one, and a buffer that append
// has made larger is as good as another.
func TestSpareBuffersComeBack(t *testing.T) {
	const streams = 10 * bundleLimit
	var spares spareBuffers
	buffers := make([][]byte, streams)
	step := func() {
		for i := range buffers {
			buffers[i] = append(spares.room(nil, firstBytes), make([]byte, 3*firstBytes/2)...)
		}
		for _, b := range buffers {
			spares.give(b)
		}
	}
	step()
	// The collector may empty the pool now and then.
	if n := testing.AllocsPerRun(50, step); n > streams/4 {
		t.Errorf("%v allocations for %d frames", n, streams)
	}
	for need, size := range map[int]int{1: 0, firstBytes: 0, firstBytes + 1: 1, 2 * firstBytes: 1, 8 * firstBytes: 3, 8*firstBytes + 1: 4} {
		if got := sizeOf(need); got != size {
			t.Errorf("%d bytes are of size %d, want %d", need, got, size)
		}
	}
}

func TestStreamIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Stream{}); size > 320 {
		t.Errorf("a stream is %d bytes", size)
	}
}
