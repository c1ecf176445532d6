package fanout

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// A write on the caller's thread fails, and before it can end the stream the
// ring begins to send what came meanwhile. That send stays the kernel's: nothing
// may begin another beside it.
func TestFailedWriteLeavesTheRingsSendAlone(t *testing.T) {
	simulate(t, 1, func(s *simulation) {
		s.accept()
		p := s.peers[0]
		s.open(p)
		stream := p.stream
		frames(t, stream, 1)
		p.framed = []byte("5\r\nframe\r\n")
		stream.OnRing(s.r)
		if stream.send.Idle() || !stream.inflight {
			s.fatalf("the ring has not begun to send")
		}
		p.gone = true
		stream.sendFailed(nil, unix.EPIPE)
		if !stream.send.Idle() && !stream.inflight {
			s.fatalf("the kernel sends, and the stream does not know")
		}
		if err := stream.Err(); !errors.Is(err, ErrPeerGone) {
			s.fatalf("Err %v, want ErrPeerGone", err)
		}
		for range 100 { // until the kernel has let go
			s.turn(0, 0)
		}
		if !stream.send.Idle() || stream.inflight {
			s.fatalf("the send does not end")
		}
	})
}
