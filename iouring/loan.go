package iouring

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/ring"
	"github.com/weirgo/weir/iouring/internal/sys"
)

// Borrower is who a connection is lent to.
type Borrower interface {
	// PeerEnded is called once, on the ring's thread, when the peer has ended
	// the connection or broken it.
	PeerEnded(r *ring.Ring)
}

// Loan is a connection in a ring's care, without a goroutine: the borrower sends
// on its descriptor, which it acquires for that (Conn.Acquire), and one multishot receive, into provided buffers, notices
// the peer's end and keeps what the peer sends ahead. It ends with GiveBack, and
// then with the peer's next request, or with Close.
//
//	armed  want   meaning                      moved by
//	false  false  off                          -
//	true   true   the kernel receives          Receive, before it submits
//	true   false  called off, still there      deliver (inbox full, peer's end), end,
//	                                           callOff (which then cancel)
//
// A completion without CQEMore moves armed to false, or arms again if want
// still holds: the kernel ends a multishot for want of buffers or completions.
// While armed, the request holds a reference to the descriptor.
//
// mu is never held while a task is posted: the ring's thread takes it too.
type Loan struct {
	conn *Conn
	ring *ring.Ring
	recv ring.Op

	mu          sync.Mutex
	armed, want bool
	idle        bool             // in the listener's keeping, nothing of the next request yet
	discard     bool             // what arrives is nobody's
	linger      *time.Timer      // closes the connection if its peer does not; nil: nobody waits for that
	data        []byte           // arrived, unread
	err         error            // after data: io.EOF or an errno
	borrower    Borrower         // nil: given back, or told
	then        func(*ring.Ring) // called once on the ring's thread when armed falls
	left        atomic.Bool      // is no user of the ring any more
}

// Lend puts the connection into r's care for b. Nobody may be reading or writing
// it; ahead is what a reader has taken from it that belongs to the next request.
// The caller is a user of r.
func (c *Conn) Lend(r *ring.Ring, b Borrower, ahead []byte) (*Loan, error) {
	if err := c.check("lend"); err != nil {
		return nil, err
	}
	c.mode.Lock()
	defer c.mode.Unlock()
	if c.loan != nil {
		return nil, c.opError("lend", errors.New("is lent already"))
	}
	if !c.Acquire() {
		return nil, c.opError("lend", net.ErrClosed)
	}
	defer c.Release()
	raw, err := c.SyscallConn()
	if err == nil {
		// The number stays valid: only shut closes the connection, and not
		// before the last request.
		err = raw.Control(func(fd uintptr) { c.fd = int(fd) })
	}
	if err != nil {
		return nil, err
	}
	l := &Loan{conn: c, ring: r, borrower: b, data: ahead}
	c.reading.Lock()
	l.data, c.unread = append(l.data, c.unread...), nil
	c.reading.Unlock()
	l.recv.Owner = l
	r.Retain()
	c.last, c.loan = l, l
	return l, nil
}

// leave ends the care: the descriptor is closed, or package net's again.
func (l *Loan) leave() {
	if !l.left.Swap(true) {
		l.ring.Release()
	}
}

// Fd is the descriptor's number, for who has acquired the connection.
func (l *Loan) Fd() int { return l.conn.fd }

// Receive begins to watch the peer; with discard, what it sends belongs to a
// request that nobody reads any more. Not for the ring's thread.
func (l *Loan) Receive(discard bool) {
	if !l.conn.Acquire() {
		return
	}
	l.mu.Lock()
	l.armed, l.want = true, true // before the submission, whose completion moves them
	if l.discard = discard; discard {
		l.data = nil
	}
	l.mu.Unlock()
	if l.ring.Submit(&l.recv) == nil {
		return
	}
	l.mu.Lock() // the ring is closed
	l.armed, l.want, l.err = false, false, net.ErrClosed
	l.mu.Unlock()
	l.conn.Release()
}

// Prepare implements ring.Owner.
func (l *Loan) Prepare(_ *ring.Op, e *sys.SQE) { e.Recv(l.conn.fd, ring.ReceiveGroup) }

// Complete implements ring.Owner.
func (l *Loan) Complete(r *ring.Ring, _ *ring.Op, res int32, flags uint32, more bool) {
	var data []byte
	if flags&sys.CQEBuffer != 0 {
		b, bid := r.Buffer(max(res, 0), flags)
		data = b
		defer r.GiveBuffer(bid)
	}
	l.deliver(r, res, data, more)
}

// deliver takes one completion of the receive.
func (l *Loan) deliver(r *ring.Ring, res int32, data []byte, more bool) {
	l.mu.Lock()
	l.note(r, res, data)
	if !more && l.want && r.Closing() {
		l.err = net.ErrClosed
	}
	full := l.want && l.err == nil && len(l.data) > r.Config().InboxBytes
	if full || l.err != nil {
		l.want = false // both are decided here, under one lock with armed
	}
	again := !more && l.want
	off := !more && !again
	if off {
		l.armed = false
	}
	var told Borrower
	if l.err != nil {
		told, l.borrower = l.borrower, nil
	}
	var then func(*ring.Ring)
	if off {
		then, l.then = l.then, nil
	}
	begins := l.idle && (len(l.data) > 0 || l.err != nil)
	l.idle = l.idle && !begins
	lingered := l.linger != nil && l.err != nil
	l.mu.Unlock()

	switch {
	case again:
		r.Restart(&l.recv)
	case off:
		l.conn.Release()
	case full:
		r.CancelNow(&l.recv)
	}
	if told != nil {
		told.PeerEnded(r)
	}
	if then != nil {
		then(r)
	}
	if begins {
		l.conn.listener.begin(r, l)
	}
	if lingered {
		l.linger.Stop()
		l.conn.shut(r)
	}
}

// note keeps what a completion says; mu is held.
func (l *Loan) note(r *ring.Ring, res int32, data []byte) {
	switch errno := syscall.Errno(-res); {
	case res > 0 && l.discard:
	case res > 0:
		l.data = append(l.data, data...)
	case res == 0:
		l.err = io.EOF
	case errno == unix.ENOBUFS:
		r.CountNoBuffers()
	case errno == unix.ECANCELED, errno == unix.EINTR, errno == unix.EAGAIN:
	default:
		l.err = errno
	}
}

// GiveBack ends the borrower's part: the connection waits on the ring for its
// peer's next request and then comes out of Accept again. The ring's thread calls
// it, when nothing is being sent.
func (l *Loan) GiveBack(r *ring.Ring) {
	l.mu.Lock()
	l.borrower = nil
	l.mu.Unlock()
	l.conn.listener.giveBack(r, l)
}

// HalfClosed reports whether the peer has ended its sending, in order.
func (l *Loan) HalfClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err == io.EOF
}

// lingerTimeout is how long a peer that is still sending may take to read what it
// was sent.
const lingerTimeout = 5 * time.Second

// Linger ends the borrower's part of a connection whose peer may still send what
// is discarded: FIN goes out at once, and the connection is closed when the peer
// has ended, or after lingerTimeout. Closed at once, the kernel would answer what
// comes with a reset, and the peer lose what it has not read yet. The ring's thread
// calls it, when nothing is being sent.
func (l *Loan) Linger(r *ring.Ring) {
	l.mu.Lock()
	l.borrower = nil
	wait := l.want && l.err == nil && l.conn.CloseWrite() == nil
	if wait {
		l.linger = time.AfterFunc(lingerTimeout, func() { l.conn.shut(nil) })
	}
	l.mu.Unlock()
	if !wait {
		l.conn.shut(r)
	}
}

// Close closes the connection; r is the ring if its thread is the caller, else
// nil.
func (l *Loan) Close(r *ring.Ring) { l.conn.shut(r) }

// end makes the connection package net's again; then runs on the ring's thread
// when it may be read, with what has arrived in unread. The ring's thread calls
// it.
func (l *Loan) end(r *ring.Ring, then func(*ring.Ring)) {
	c := l.conn
	off := func(r *ring.Ring) {
		l.mu.Lock()
		data := l.data
		l.data = nil
		l.mu.Unlock()
		c.reading.Lock()
		c.unread, c.begun = append(c.unread, data...), true
		c.reading.Unlock()
		c.mode.Lock() // a Close from here on is package net's alone
		c.loan = nil
		c.mode.Unlock()
		l.leave()
		then(r)
	}
	l.mu.Lock()
	l.want = false
	armed := l.armed
	if armed {
		l.then = off // under the lock: the completion that finds want gone finds it
	}
	l.mu.Unlock()
	if armed {
		r.CancelNow(&l.recv)
		return
	}
	off(r)
}

// callOff ends what the kernel does for the connection. FIN does not wait for
// that: the caller has shut the socket down. A borrower who has not closed it
// himself is told by the last completion.
func (l *Loan) callOff(r *ring.Ring) {
	l.mu.Lock()
	l.want = false
	if l.err == nil {
		l.err = net.ErrClosed
	}
	armed := l.armed
	l.mu.Unlock()
	switch {
	case !armed:
	case r != nil:
		r.CancelNow(&l.recv)
	default:
		_ = l.ring.Cancel(&l.recv) // a closed ring has cancelled everything
	}
}
