package fanout

import "github.com/weirgo/weir/iouring"

// Probe sends the stream's probe to a client that may have gone: one that has will
// answer with a reset. Where something is on its way to the client anyway, that
// does as well. It may be called at any time, beside the goroutine that adds
// frames.
func (s *Stream) Probe() {
	s.mu.Lock()
	if s.fan == nil || s.ended || s.finishing || s.out || s.buffered() > 0 || len(s.probe) == 0 {
		s.mu.Unlock()
		return
	}
	b := s.fan.spares.room(s.pending, len(s.probe)+2*chunkBytes)
	switch {
	case s.loan == nil:
		s.pending = append(b, s.probe...)
	case s.header != nil:
		s.pending = append(b, interim...)
	default:
		digits := int(s.digits)
		b, digits = finishChunk(append(chunkHead(b, digits), s.probe...), 0, digits)
		s.pending, s.digits = b, uint8(digits)
	}
	s.watch()
	mark := s.markDirty()
	s.mu.Unlock()
	s.announce(mark)
	s.fan.Flush()
}

// interim is what a client is sent that waits for its response (RFC 9110, section
// 15.2): every client of HTTP/1.1 skips it.
const interim = "HTTP/1.1 100 Continue\r\n\r\n"

// doubt is for a client on a ring that has ended its sending. Streams whose
// clients do that are few: they get a goroutine, off the ring's thread.
func (s *Stream) doubt() {
	s.Probe()
	if iouring.AwaitPeerGone(s.Done(), s.conn) {
		s.end(nil, ErrPeerGone, false)
	}
}
