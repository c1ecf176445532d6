package fanout

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand"
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
		s.net.incoming = append(s.net.incoming, &simConn{
			k: k, fd: p.fd, rng: rng, wrong: s.wrong, lent: func() { s.abortLate(p) },
		})
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
		"cancelled", "receive: reset", "send: reset", "write: EINTR", "write: EAGAIN", "write: ENOBUFS", "send: ENOBUFS", "write: reset", "short write",
		"stream", "accepted again", "idle timeout", "slow client", "late abort", "closed while lent"} {
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
