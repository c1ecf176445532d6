package fanout

import (
	"math/rand"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/ring"
	"github.com/weirgo/weir/iouring/internal/sys"
)

// simKernel is a kernel side that misbehaves in every way the real one may,
// decided by a seed: it interrupts, takes submissions in part, lets the queue
// fill up, holds completions back, sends short, ends multishots, runs out of
// buffers, resets connections. It never loses a byte itself, so what is lost or
// doubled was lost or doubled above it.
type simKernel struct {
	rng     *rand.Rand
	sockets map[int32]*simSocket

	sq      []sys.SQE
	free    []uint16 // provided buffers the kernel has
	added   []uint16 // given back, not published
	buffers [][]byte

	requests []*simRequest
	cq       []sys.CQE
	cqLimit  int
	held     []sys.CQE // overflow
	closed   bool

	counts map[string]int // how often each fault was injected

	// timers is taken by what timers' goroutines do while the simulation sleeps,
	// and before it does: so each sees what the other did.
	timers sync.Mutex
}

type simSocket struct {
	arriving []byte // what the peer has sent and we have not received
	eof      bool   // the peer has ended after that
	reset    bool
	got      []byte // what the peer has received
	fin      bool   // we have shut it down
	closed   bool   // we have closed it
}

type simRequest struct {
	sqe sys.SQE
}

const simBufferBytes = 64

func newSimKernel(seed int64, entries, completions, buffers int) *simKernel {
	k := &simKernel{
		rng:     rand.New(rand.NewSource(seed)),
		sockets: map[int32]*simSocket{},
		sq:      make([]sys.SQE, 0, entries),
		cqLimit: completions,
		counts:  map[string]int{},
	}
	for i := range buffers {
		k.buffers = append(k.buffers, make([]byte, simBufferBytes))
		k.free = append(k.free, uint16(i))
	}
	return k
}

// chance is true once in n, and counts the fault by name.
func (k *simKernel) chance(n int, fault string) bool {
	if k.rng.Intn(n) != 0 {
		return false
	}
	k.counts[fault]++
	return true
}

func (k *simKernel) Next() *sys.SQE {
	if len(k.sq) == cap(k.sq) {
		k.counts["SQ full"]++
		return nil
	}
	k.sq = append(k.sq, sys.SQE{})
	return &k.sq[len(k.sq)-1]
}

func (k *simKernel) Room() uint32                { return uint32(cap(k.sq) - len(k.sq)) }
func (k *simKernel) Wake()                       {}
func (k *simKernel) Park()                       {}
func (k *simKernel) Ready() uint32               { return uint32(len(k.cq)) }
func (k *simKernel) Completion(i uint32) sys.CQE { return k.cq[i] }
func (k *simKernel) Advance(n uint32)            { k.cq = k.cq[n:] }
func (k *simKernel) Overflowed() bool            { return len(k.held) > 0 }
func (k *simKernel) Buffer(bid uint16) []byte    { return k.buffers[bid] }
func (k *simKernel) AddBuffer(bid uint16)        { k.added = append(k.added, bid) }
func (k *simKernel) Close()                      { k.closed = true }

func (k *simKernel) RegisterBuffers([]unix.Iovec) error { return nil }

func (k *simKernel) PublishBuffers() {
	k.free = append(k.free, k.added...)
	k.added = nil
}

// Enter takes some submissions and lets some requests get on. It never sleeps:
// a step with nothing to do is an interrupted one.
func (k *simKernel) Enter(bool) error {
	if k.chance(12, "EINTR") {
		return unix.EINTR
	}
	if len(k.held) > 0 {
		for len(k.held) > 0 && len(k.cq) < k.cqLimit {
			k.cq, k.held = append(k.cq, k.held[0]), k.held[1:]
		}
		if len(k.held) > 0 {
			k.counts["EBUSY"]++
			return unix.EBUSY
		}
	}
	n := len(k.sq)
	if n > 1 && k.chance(6, "partial submission") {
		n = k.rng.Intn(n)
	}
	taken := append([]sys.SQE(nil), k.sq[:n]...)
	k.sq = append(k.sq[:0], k.sq[n:]...)
	for _, e := range taken {
		k.submit(e)
	}
	k.progress()
	return nil
}

func (k *simKernel) submit(e sys.SQE) {
	switch e.Opcode {
	case sys.OpAsyncCancel:
		res := -int32(unix.ENOENT)
		for i, q := range k.requests {
			if q.sqe.UserData == e.Addr {
				k.requests = append(k.requests[:i], k.requests[i+1:]...)
				k.counts["cancelled"]++
				k.post(sys.CQE{UserData: q.sqe.UserData, Res: -int32(unix.ECANCELED)})
				res = 0
				break
			}
		}
		k.post(sys.CQE{UserData: e.UserData, Res: res})
	case sys.OpRecv, sys.OpSend:
		k.requests = append(k.requests, &simRequest{e})
	default:
		k.post(sys.CQE{UserData: e.UserData, Res: -int32(unix.EINVAL)})
	}
}

// post adds a completion, or holds it back if the queue is full or the seed
// says so.
func (k *simKernel) post(c sys.CQE) {
	if len(k.held) > 0 || len(k.cq) >= k.cqLimit || k.chance(20, "CQ overflow") {
		k.held = append(k.held, c)
		return
	}
	k.cq = append(k.cq, c)
}

// progress lets each request get on, or not, in an order of the seed's.
func (k *simKernel) progress() {
	k.rng.Shuffle(len(k.requests), func(i, j int) { k.requests[i], k.requests[j] = k.requests[j], k.requests[i] })
	var left []*simRequest
	for _, q := range k.requests {
		if k.rng.Intn(3) == 0 {
			left = append(left, q)
			continue
		}
		done := false
		if q.sqe.Opcode == sys.OpRecv {
			done = k.receive(q)
		} else {
			done = k.send(q)
		}
		if !done {
			left = append(left, q)
		}
	}
	k.requests = left
}

func (k *simKernel) receive(q *simRequest) (done bool) {
	s := k.sockets[q.sqe.Fd]
	end := func(res int32) bool {
		k.post(sys.CQE{UserData: q.sqe.UserData, Res: res})
		return true
	}
	switch {
	case k.chance(40, "receive: EINTR"):
		return end(-int32(unix.EINTR))
	case k.chance(60, "receive: ECANCELED"):
		return end(-int32(unix.ECANCELED))
	case s.reset:
		k.counts["receive: reset"]++
		return end(-int32(unix.ECONNRESET))
	case len(s.arriving) == 0 && s.eof, s.fin:
		return end(0)
	case len(s.arriving) == 0:
		return false
	case len(k.free) == 0:
		k.counts["ENOBUFS"]++
		return end(-int32(unix.ENOBUFS))
	}
	bid := k.free[0]
	k.free = k.free[1:]
	n := copy(k.buffers[bid][:1+k.rng.Intn(simBufferBytes)], s.arriving)
	s.arriving = s.arriving[n:]
	c := sys.CQE{UserData: q.sqe.UserData, Res: int32(n), Flags: sys.CQEBuffer | uint32(bid)<<sys.CQEBufferShift}
	done = k.chance(10, "multishot ended")
	if !done {
		c.Flags |= sys.CQEMore
	}
	k.post(c)
	return done
}

func (k *simKernel) send(q *simRequest) (done bool) {
	s := k.sockets[q.sqe.Fd]
	res := int32(0)
	switch {
	case s.reset:
		k.counts["send: reset"]++
		res = -int32(unix.ECONNRESET)
	case s.fin:
		res = -int32(unix.EPIPE)
	case k.chance(30, "send: EINTR"):
		res = -int32(unix.EINTR)
	case k.chance(30, "send: EAGAIN"):
		res = -int32(unix.EAGAIN)
	case k.chance(30, "send: ENOBUFS"):
		res = -int32(unix.ENOBUFS)
	default:
		data := simMemory(q.sqe)
		n := len(data)
		if n > 1 && k.chance(3, "short send") {
			n = 1 + k.rng.Intn(n-1)
		}
		s.got = append(s.got, data[:n]...)
		res = int32(n)
	}
	k.post(sys.CQE{UserData: q.sqe.UserData, Res: res})
	return true
}

// Write is a plain write(2), which may be short, refused or fail.
func (k *simKernel) Write(fd int, p []byte) (int, error) {
	s := k.sockets[int32(fd)]
	switch {
	case s.reset:
		k.counts["write: reset"]++
		return -1, unix.ECONNRESET
	case s.fin:
		return -1, unix.EPIPE
	case k.chance(20, "write: EINTR"):
		return -1, unix.EINTR
	case k.chance(10, "write: EAGAIN"):
		return -1, unix.EAGAIN
	case k.chance(20, "write: ENOBUFS"):
		return -1, unix.ENOBUFS
	}
	if len(p) > 1 && k.chance(4, "short write") {
		p = p[:1+k.rng.Intn(len(p)-1)]
	}
	s.got = append(s.got, p...)
	return len(p), nil
}

func (k *simKernel) Shutdown(fd int) {
	k.timers.Lock()
	defer k.timers.Unlock()
	k.sockets[int32(fd)].fin = true
}

// holds reports whether a request on fd is with the kernel or on its way.
func (k *simKernel) holds(fd int32, opcode uint8) bool {
	for _, q := range k.requests {
		if q.sqe.Fd == fd && q.sqe.Opcode == opcode {
			return true
		}
	}
	for _, e := range k.sq {
		if e.Fd == fd && e.Opcode == opcode {
			return true
		}
	}
	return false
}

var _ ring.Kernel = (*simKernel)(nil)
