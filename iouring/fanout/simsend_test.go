package fanout

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/sched/mailbox"
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

// Close meets a stream that is ending: it finds nothing to abort, and returns
// when that end is told all the same.
func TestCloseWaitsForEndsOnTheirWay(t *testing.T) {
	simulate(t, 1, func(s *simulation) {
		p, conn := s.peers[0], s.net.incoming[0].(*simConn)
		s.accept()
		s.open(p)
		p.framed, p.keep, p.stream.keep = []byte(lastChunk), true, true
		feed, told := mailbox.NewFeed(), new(mailbox.Entry)
		told.Init(feed, nil)
		p.stream.told = told

		gone, cancel := context.WithCancel(context.Background())
		cancel()
		closed := make(chan int, 1)
		conn.lent = func() { // on its way back
			conn.lent = func() {}
			go func() {
				_ = s.fan.Close(gone)
				closed <- len(feed.Take(nil))
			}()
			synctest.Wait() // until it has done what it can
		}
		_ = p.stream.Close()
		p.conn, p.stream = nil, nil
		for len(closed) == 0 {
			s.turn(0, 0)
		}
		if n := <-closed; n != 1 {
			s.fatalf("Close returned, and %d of 1 ends were told", n)
		}
	})
}

// A client that has the whole response, has sent its next request and then ended
// its side is answered, though the ring hears of that end before it has finished
// the stream.
func TestRequestAheadOfThePeersEnd(t *testing.T) {
	simulate(t, 1, func(s *simulation) {
		s.accept()
		p := s.peers[0]
		s.open(p)
		stream := p.stream
		stream.keep, stream.finishing = true, true // complete, and nobody has come for it
		p.conn, p.stream, p.ending = nil, nil, true
		p.sent = []byte("GET / HTTP/1.1")
		socket := s.k.sockets[p.fd]
		socket.arriving, socket.eof = append(socket.arriving, p.sent...), true
		for range 100 {
			s.turn(0, 1<<20)
		}
		if err := stream.Err(); err != nil {
			s.fatalf("Err %v", err)
		}
		if len(p.read) != len(p.sent) {
			s.fatalf("%d bytes of %d were read", len(p.read), len(p.sent))
		}
	})
}
