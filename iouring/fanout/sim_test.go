package fanout

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/internal/ring"
)

var simSeed = flag.Int64("sim.seed", 0, "run this seed of the simulation only")

// simulation is a server over a simulated kernel and a simulated package net:
// a listener, the connections it accepts, their streams, and the ring that
// serves those, all on one goroutine, so that a seed decides everything.
//
// Its connections go the way of production: accepted from package net, read by
// a handler, lent to the ring for a stream, given back to the listener, and
// accepted again with what came meanwhile.
type simulation struct {
	t     *testing.T
	seed  int64
	rng   *rand.Rand
	k     *simKernel
	r     *ring.Ring
	net   *simListener
	ln    *iouring.Listener
	fan   *FanOut
	peers []*simPeer
	bad   string // the first thing that package net would not survive
	draws map[string]int
}

// simPeer is one client, and what each side of it should see.
type simPeer struct {
	fd     int32
	conn   *iouring.Conn // as accepted; nil before, and while the listener has it
	first  *iouring.Conn // the same, for good
	stream *Stream       // while the handler streams
	sent   []byte        // by the peer to us
	read   []byte        // by handlers
	framed []byte        // what the peer must receive, a prefix of it if it is gone
	keep   bool          // the connection outlives the stream
	gone   bool          // reset, closed or dropped by somebody
	ending bool          // the peer sends nothing more
}

func newSimulation(t *testing.T, seed int64) *simulation {
	rng := rand.New(rand.NewSource(seed))
	k := newSimKernel(seed+1, 2+rng.Intn(6), 2+rng.Intn(12), 1<<rng.Intn(4))
	r := ring.New(ring.Config{Queue: 1024, Ops: 8 + rng.Intn(64), InboxBytes: 64 << rng.Intn(6)}, k)
	s := &simulation{t: t, seed: seed, rng: rng, k: k, r: r, net: &simListener{}, draws: map[string]int{}}
	s.net.during = func() {
		if rng.Intn(3) == 0 { // the ring's thread does not wait for an Accept
			s.r.Step()
		}
	}
	var err error
	if s.ln, err = iouring.NewListener(s.net, iouring.WithIdleTimeout(simIdleTimeout)); err != nil {
		t.Fatal(err)
	}
	r.Retain()
	s.fan = newOn(r, Config{LimitBytes: 4096, PauseBytes: 1024, DirectLimit: []int{-1, 2, 8}[rng.Intn(3)], DropAfter: simDropAfter})
	for i := range 2 + rng.Intn(10) {
		p := &simPeer{fd: int32(i) + simFirstDescriptor}
		k.sockets[p.fd] = &simSocket{}
		s.net.incoming = append(s.net.incoming, &simConn{k: k, fd: p.fd, rng: rng, wrong: s.wrong})
		s.peers = append(s.peers, p)
	}
	return s
}

// Virtual time: a step takes simStep, now and then an hour or two pass.
const (
	simStep        = time.Millisecond
	simIdleTimeout = time.Hour
	simDropAfter   = 40 * time.Minute
)

// simFirstDescriptor is above what any process may open.
const simFirstDescriptor = 1 << 28

// wrong notes what is to fail the test outside of the code under test.
func (s *simulation) wrong(format string, args ...any) {
	if s.bad == "" {
		s.bad = fmt.Sprintf(format, args...)
	}
}

func (s *simulation) fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d (-sim.seed=%d): %s", s.seed, s.seed, fmt.Sprintf(format, args...))
}

// act does one thing that peers or the program might do.
func (s *simulation) act() {
	p := s.peers[s.rng.Intn(len(s.peers))]
	switch n := s.rng.Intn(100); {
	case p.gone:
	case n < 25:
		s.peerSends(p)
	case n < 26 && !p.ending:
		p.ending = true
		s.k.sockets[p.fd].eof = true
	case n < 27:
		p.gone = true
		s.k.sockets[p.fd].reset = true
	case n < 28:
		s.pass(time.Duration(s.rng.Int63n(int64(2 * simIdleTimeout))))
	case p.conn == nil:
		s.fan.Flush()
	case p.stream != nil && n < 70:
		s.append(p)
	case p.stream != nil && n < 76:
		s.close(p)
	case p.stream != nil && n < 77:
		p.gone = true
		p.stream.Abort(nil)
	case p.stream == nil && n < 60:
		s.open(p)
	case p.stream == nil && n < 61:
		p.gone = true
		_ = p.conn.Close()
	default:
		s.fan.Flush()
	}
}

// pass lets time go by, and finds what timers have closed: connections that wait
// for their next request, streams whose clients take nothing.
func (s *simulation) pass(d time.Duration) {
	s.k.timers.Lock()
	s.k.timers.Unlock()
	time.Sleep(d) // of the bubble's clock
	synctest.Wait()
	for _, p := range s.peers {
		if socket := s.k.sockets[p.fd]; !p.gone && socket.fin && !p.ending {
			p.gone = true
			if p.stream != nil && errors.Is(p.stream.Err(), ErrSlowClient) {
				s.draws["slow client"]++
			} else {
				s.draws["idle timeout"]++
			}
		}
	}
}

func (s *simulation) peerSends(p *simPeer) {
	if p.ending {
		return
	}
	data := make([]byte, 1+s.rng.Intn(200))
	s.rng.Read(data)
	p.sent = append(p.sent, data...)
	s.k.sockets[p.fd].arriving = append(s.k.sockets[p.fd].arriving, data...)
}

// open makes a stream of the connection's response, as FanOut.Open does after
// the hijack; the HTTP server may have read ahead.
func (s *simulation) open(p *simPeer) {
	ahead := make([]byte, s.rng.Intn(50))
	n, err := p.conn.Read(ahead)
	if err != nil && err != errWouldBlock {
		s.ended(p, err)
		return
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil).WithContext(iouring.ConnContext(context.Background(), p.conn))
	r.Close = s.rng.Intn(5) == 0
	p.keep = !r.Close
	p.stream, err = s.fan.Open(&simWriter{header: http.Header{}, conn: p.conn, ahead: ahead[:n]}, r, nil)
	if err != nil {
		s.fatalf("Open: %v", err)
	}
	s.draws["stream"]++
}

// append adds a frame. Between Reserve and Commit others may get on.
func (s *simulation) append(p *simPeer) {
	b, err := p.stream.Reserve()
	if err == nil {
		frame := make([]byte, s.rng.Intn(300))
		s.rng.Read(frame)
		switch s.rng.Intn(8) {
		case 0:
			s.r.Step()
		case 1:
			s.fan.Flush()
		}
		if err = p.stream.Commit(append(b, frame...)); err == nil && len(frame) > 0 {
			p.framed = fmt.Appendf(p.framed, "%x\r\n%s\r\n", len(frame), frame)
		}
	}
	if err != nil && p.stream.Err() != err && !errors.Is(err, ErrStreamFull) {
		s.fatalf("frame: %v", err)
	}
}

// close ends the stream; its connection is the listener's from here on, or
// nobody's.
func (s *simulation) close(p *simPeer) {
	if p.stream.Err() == nil {
		p.framed = append(p.framed, lastChunk...)
	}
	if s.rng.Intn(4) == 0 && p.stream.Err() == nil { // the last frame is not there yet
		if b, err := p.stream.Reserve(); err == nil {
			defer p.stream.Commit(b)
		}
	}
	_ = p.stream.Close()
	p.conn = nil
	p.gone = p.gone || !p.keep
}

// accept takes what an acceptor that is blocked in Accept would get. A connection
// that nobody woke it for is missed by check.
func (s *simulation) accept() {
	for s.net.returns() {
		c, err := s.ln.Accept()
		if err == errWouldBlock {
			continue
		}
		if err != nil {
			s.fatalf("Accept: %v", err)
		}
		p := s.peers[c.RemoteAddr().(*net.TCPAddr).Port-simFirstDescriptor]
		if p.first != nil {
			s.draws["accepted again"]++
			if p.first != c {
				s.fatalf("connection %d came back as another", p.fd)
			}
		}
		p.first, p.conn, p.stream = c.(*iouring.Conn), c.(*iouring.Conn), nil
	}
}

// readAll reads what each connection in a handler's hands has.
func (s *simulation) readAll(most int) {
	for _, p := range s.peers {
		for p.conn != nil && p.stream == nil && most > 0 {
			b := make([]byte, 1+s.rng.Intn(100))
			n, err := p.conn.Read(b)
			p.read = append(p.read, b[:n]...)
			if err == errWouldBlock {
				break
			}
			if err != nil {
				s.ended(p, err)
			}
			most--
		}
	}
}

// ended is what a handler does whose Read fails.
func (s *simulation) ended(p *simPeer, err error) {
	switch {
	case err == io.EOF:
		if len(p.read) != len(p.sent) {
			s.fatalf("connection %d: EOF after %d bytes of %d", p.fd, len(p.read), len(p.sent))
		}
	case !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, net.ErrClosed):
		s.fatalf("Read: %v", err)
	}
	p.gone = true
	_ = p.conn.Close()
	p.conn = nil
}

// check compares both directions with what was sent; whole says that all of it
// must have arrived.
func (s *simulation) check(whole bool) {
	if s.bad != "" {
		s.fatalf("%s", s.bad)
	}
	for _, p := range s.peers {
		if !bytes.HasPrefix(p.sent, p.read) {
			s.fatalf("connection %d: read %d bytes that are not a prefix of the %d sent", p.fd, len(p.read), len(p.sent))
		}
		got := s.k.sockets[p.fd].got
		if !bytes.HasPrefix(p.framed, got) {
			s.fatalf("connection %d: the peer got %d bytes that are not a prefix of the %d framed", p.fd, len(got), len(p.framed))
		}
		if !whole {
			continue
		}
		socket := s.k.sockets[p.fd]
		if (socket.eof || socket.reset) && !socket.closed {
			s.fatalf("connection %d: its peer has gone, and it is still open", p.fd)
		}
		if p.gone || p.ending {
			continue
		}
		if len(p.read) != len(p.sent) {
			s.fatalf("connection %d: read %d bytes of %d", p.fd, len(p.read), len(p.sent))
		}
		if len(got) != len(p.framed) {
			s.fatalf("connection %d: the peer got %d bytes of %d", p.fd, len(got), len(p.framed))
		}
	}
}

// turn is one step of everybody.
func (s *simulation) turn(acts, reads int) {
	s.pass(simStep)
	for range acts {
		s.act()
	}
	s.r.Step()
	s.accept()
	s.readAll(reads)
	s.check(false)
}

func (s *simulation) run(steps int) {
	for range steps {
		s.turn(s.rng.Intn(4), s.rng.Intn(6))
	}
	for _, p := range s.peers {
		if p.stream != nil && p.conn != nil { // a reset that no receive sees is seen by a send
			s.close(p)
		}
	}
	for range 1000 { // let everything come to its end, before any timer does
		s.fan.Flush()
		s.turn(0, 1<<20)
	}
	s.check(true)
	if n := s.fan.Len(); n != 0 {
		s.fatalf("%d streams have not ended", n)
	}
}

// finish closes the listener and the ring, and looks for what was left behind.
func (s *simulation) finish() {
	if err := s.ln.Close(); err != nil {
		s.fatalf("Close: %v", err)
	}
	for _, p := range s.peers {
		if p.conn != nil {
			_ = p.conn.Close()
		}
	}
	closed := make(chan error, 1)
	go func() {
		closed <- s.fan.Close(context.Background())
		s.r.Close()
	}()
	synctest.Wait() // until it waits for the ring
	for i := 0; s.r.Step(); i++ {
		synctest.Wait()
		if i == 10_000 {
			s.fatalf("the ring does not come to its end: %+v", s.r.Stats())
		}
	}
	if err := <-closed; err != nil {
		s.fatalf("Close: %v", err)
	}
	s.k.PublishBuffers()
	if len(s.k.free) != len(s.k.buffers) {
		s.fatalf("%d of %d buffers came back", len(s.k.free), len(s.k.buffers))
	}
	if n := s.r.Stats().Strays; n != 0 {
		s.fatalf("%d completions for nobody", n)
	}
	if n := s.r.Users(); n != 0 {
		s.fatalf("the ring has %d users", n)
	}
	for _, p := range s.peers {
		if !s.k.sockets[p.fd].closed {
			s.fatalf("connection %d is open after the end", p.fd)
		}
	}
	s.check(false)
}

// simulate runs a seed in a bubble of virtual time.
func simulate(t *testing.T, seed int64, run func(s *simulation)) {
	synctest.Test(t, func(t *testing.T) {
		s := newSimulation(t, seed)
		run(s)
		s.finish()
	})
}

func TestSimulatedKernelLosesNothing(t *testing.T) {
	seeds := 300
	if testing.Short() {
		seeds = 40
	}
	counts := map[string]int{}
	one := func(seed int64) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			simulate(t, seed, func(s *simulation) {
				s.run(400)
				for _, m := range []map[string]int{s.k.counts, s.draws} {
					for what, n := range m {
						counts[what] += n
					}
				}
			})
		})
	}
	if *simSeed != 0 {
		one(*simSeed)
		return
	}
	for seed := int64(1); seed <= int64(seeds) && !t.Failed(); seed++ {
		one(seed)
	}
	for _, what := range []string{"SQ full", "EINTR", "EBUSY", "partial submission", "CQ overflow", "ENOBUFS",
		"multishot ended", "short send", "send: EAGAIN", "send: EINTR", "receive: EINTR", "receive: ECANCELED",
		"cancelled", "receive: reset", "send: reset", "write: EINTR", "write: EAGAIN", "write: reset", "short write",
		"stream", "accepted again", "idle timeout", "slow client"} {
		if counts[what] == 0 {
			t.Errorf("%q never happened", what)
		}
	}
	t.Logf("what happened: %v", counts)
}

// The peers of one schedule reset their connections before step 0, in another
// run before step 1, and so on through it.
func TestSimulatedResetAtEveryStep(t *testing.T) {
	const steps, seed = 60, 7
	for at := range steps {
		simulate(t, seed, func(s *simulation) { s.resetBefore(at, steps) })
	}
}

func (s *simulation) resetBefore(at, steps int) {
	for step := range steps {
		if step == at {
			for _, p := range s.peers {
				p.gone = true
				s.k.sockets[p.fd].reset = true
			}
		}
		s.turn(3, s.rng.Intn(6))
	}
	for range 200 {
		for _, p := range s.peers {
			if p.stream != nil && p.conn != nil { // a receive that is called off sees no reset, a send does
				s.append(p)
			}
		}
		s.fan.Flush()
		s.turn(0, 0)
	}
	if n := s.fan.Len(); n != 0 {
		s.fatalf("reset before step %d: %d streams live on", at, n)
	}
	for _, p := range s.peers {
		if p.stream == nil || p.conn == nil {
			continue
		}
		if err := p.stream.Err(); !errors.Is(err, ErrPeerGone) && !errors.Is(err, ErrStreamAborted) && !errors.Is(err, ErrSlowClient) {
			s.fatalf("reset before step %d: connection %d's stream ended with %v", at, p.fd, err)
		}
	}
}
