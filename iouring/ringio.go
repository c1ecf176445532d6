package iouring

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/sys"
)

// ringIO is the part of a connection that a ring's thread receives for: one
// multishot receive for its life, into provided buffers that go back to the
// kernel as soon as their data is copied to the waiting reader, or to the inbox
// if nobody waits. So an idle connection holds no buffer, nor does a slow one.
//
//	armed  want   meaning                      moved by
//	false  false  off                          -
//	false  true   about to be armed            Read (inbox emptied), attach
//	true   true   the kernel receives          arm, before it submits
//	true   false  called off, still there      deliver (inbox full), detach, close
//	                                           (all of them then cancel)
//
// A completion without CQEMore moves armed to false, or arms again if want
// still holds: the kernel ends a multishot for want of buffers or completions.
// While armed, the request holds a reference to the descriptor. The fields from
// armed on are guarded by the connection's in.mu, which is never held while a
// task is posted: the ring's thread takes it too.
type ringIO struct {
	conn *Conn
	ring *ring
	recv op
	poll op // one-shot, for POLLOUT
	// polling is set while poll is on its way; cleared by its completion.
	polling atomic.Bool

	armed, want bool
	borrowed    bool   // from package net, for a stream and until the next request
	idle        bool   // in the listener's keeping, nothing of the next request yet
	data        []byte // arrived, unread
	err         error  // after data: io.EOF or an errno
	dst         []byte // the waiting reader's memory
	got         int    // of dst, filled
	ended       bool   // err reported to stream
	stream      *Stream
	onOff       func(r *ring) // called once on the ring's thread when armed falls
	left        atomic.Bool   // is no user of the ring any more
}

// newRingIO puts c into r's care, of which it is a user until leave; the caller
// is one too, and holds c open.
func newRingIO(c *Conn, r *ring) *ringIO {
	x := &ringIO{conn: c, ring: r}
	x.recv.owner, x.poll.owner = x, x
	r.retain()
	c.gone = x.leave
	return x
}

// leave ends the care: the descriptor is closed, or package net's again.
func (x *ringIO) leave() {
	if !x.left.Swap(true) {
		x.ring.release()
	}
}

// arm starts receiving, from any goroutine but the ring's own.
func (x *ringIO) arm() {
	if !x.prepareArm() {
		return
	}
	if err := x.ring.submit(&x.recv); err != nil {
		x.disarmed(err)
	}
}

// armOnRing is arm for the ring's thread.
func (x *ringIO) armOnRing(r *ring) {
	if x.prepareArm() {
		r.restart(&x.recv)
	}
}

// prepareArm moves want and armed up, if they are not, and takes the reference.
func (x *ringIO) prepareArm() bool {
	h := &x.conn.in
	h.mu.Lock()
	defer h.mu.Unlock()
	if x.armed || x.err != nil || h.closed || !x.conn.acquire() {
		return false
	}
	x.armed, x.want = true, true
	return true
}

func (x *ringIO) disarmed(err error) {
	h := &x.conn.in
	h.mu.Lock()
	x.armed, x.err = false, err
	h.wake()
	h.mu.Unlock()
	x.conn.release()
}

// prepare implements opOwner.
func (x *ringIO) prepare(o *op, e *sys.SQE) {
	if o == &x.poll {
		e.Poll(x.conn.fd, unix.POLLOUT)
		return
	}
	e.Recv(x.conn.fd, receiveGroup)
}

// complete implements opOwner.
func (x *ringIO) complete(r *ring, o *op, res int32, flags uint32, more bool) {
	if o == &x.poll {
		x.polling.Store(false)
		x.conn.out.setReady()
		x.conn.release()
		return
	}
	var data []byte
	if flags&sys.CQEBuffer != 0 {
		b, bid := r.takeBuffer(max(res, 0), flags)
		data = b
		defer r.k.addBuffer(bid)
	}
	x.deliver(r, res, data, more)
}

// deliver takes one completion of the receive.
func (x *ringIO) deliver(r *ring, res int32, data []byte, more bool) {
	h := &x.conn.in
	h.mu.Lock()
	switch errno := syscall.Errno(-res); {
	case res > 0:
		x.put(data)
	case res == 0:
		x.err = io.EOF
	case errno == unix.ENOBUFS:
		r.stats.noBuffers.Add(1)
	case errno == unix.ECANCELED, errno == unix.EINTR, errno == unix.EAGAIN:
	default:
		x.err = errno
	}
	if x.err != nil {
		x.want = false
		h.wake()
	}
	full := len(x.data) > r.config.inboxBytes && x.want
	if full {
		x.want = false
	}
	if !more && x.want && r.closing.Load() {
		x.err, x.want = net.ErrClosed, false
		h.wake()
	}
	again := !more && x.want
	off := !more && !again
	if off {
		x.armed = false
	}
	onOff, stream := x.afterDelivery(off)
	idle := x.idle && (len(x.data) > 0 || x.err != nil)
	x.idle = x.idle && !idle
	h.mu.Unlock()

	switch {
	case again:
		r.restart(&x.recv)
	case off:
		x.conn.release()
	case full:
		r.cancelNow(&x.recv)
	}
	if stream != nil {
		stream.peerEnded(r)
	}
	if onOff != nil {
		onOff(r)
	}
	if idle {
		x.conn.listener.begin(r, x.conn)
	}
}

// afterDelivery says who is to be told, once each: the stream that the peer has
// ended, and whoever waits for the receive to be off.
func (x *ringIO) afterDelivery(off bool) (onOff func(*ring), stream *Stream) {
	if x.err != nil && !x.ended && x.stream != nil {
		x.ended = true
		stream = x.stream
	}
	if off && x.onOff != nil {
		onOff, x.onOff = x.onOff, nil
	}
	return onOff, stream
}

// put gives data to the waiting reader, or to the inbox.
func (x *ringIO) put(data []byte) {
	if x.dst != nil && len(x.data) == 0 {
		x.got = copy(x.dst, data)
		data = data[x.got:]
		x.dst = nil
		x.conn.in.wake()
	}
	x.data = append(x.data, data...)
}

// read is Conn.Read for a connection in a ring's care; in.turn is held.
func (x *ringIO) read(p []byte) (int, error) {
	h := &x.conn.in
	h.mu.Lock()
	for {
		if err := h.err(); err != nil {
			h.mu.Unlock()
			return 0, err
		}
		if len(x.data) > 0 || len(p) == 0 {
			n := copy(p, x.data)
			x.consume(n)
			resume := x.resume()
			h.mu.Unlock()
			if resume {
				x.arm()
			}
			return n, nil
		}
		if x.err != nil {
			err := x.err
			h.mu.Unlock()
			if err != io.EOF {
				err = os.NewSyscallError("read", err)
			}
			return 0, err
		}
		n := x.wait(p)
		if n > 0 {
			h.mu.Unlock()
			return n, nil
		}
	}
}

// resume wants data again when enough of a full inbox has been read, and reports
// whether the caller must arm the receive: one that is still being called off
// arms itself again with its last completion.
func (x *ringIO) resume() bool {
	if x.want || x.err != nil || x.stream != nil || len(x.data) >= x.ring.config.inboxBytes/2 {
		return false
	}
	x.want = true
	return !x.armed
}

// wait parks the reader with its memory on offer and returns what came into it.
func (x *ringIO) wait(p []byte) int {
	x.dst, x.got = p, 0
	h := &x.conn.in
	h.waiting = true
	h.cond.Wait()
	n := x.got
	x.dst, x.got = nil, 0
	return n
}

func (x *ringIO) consume(n int) {
	if x.data = x.data[n:]; len(x.data) == 0 {
		x.data = nil // an idle connection holds no buffer
	}
}

// awaitWritable waits until the socket takes data again.
func (x *ringIO) awaitWritable() error {
	if x.polling.CompareAndSwap(false, true) {
		if !x.conn.acquire() {
			x.polling.Store(false)
			return net.ErrClosed
		}
		if err := x.ring.submit(&x.poll); err != nil {
			x.polling.Store(false)
			x.conn.release()
			return err
		}
	}
	return x.conn.out.await()
}

// callOff ends what the kernel does for the connection; r is the ring if its
// thread is the caller, else nil. FIN does not wait for that: the caller has
// shut the socket down.
func (x *ringIO) callOff(r *ring) {
	h := &x.conn.in
	h.mu.Lock()
	x.want = false
	armed := x.armed
	h.mu.Unlock()
	if armed {
		x.cancel(r, &x.recv)
	}
	if x.polling.Load() {
		x.cancel(r, &x.poll)
	}
}

func (x *ringIO) cancel(r *ring, o *op) {
	if r != nil {
		r.cancelNow(o)
		return
	}
	_ = x.ring.cancel(o) // a closed ring has cancelled everything
}
