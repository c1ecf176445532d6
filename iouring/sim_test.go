package iouring

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net"
	"syscall"
	"testing"
)

var simSeed = flag.Int64("sim.seed", 0, "run this seed of the simulation only")

// simulation is a ring over a simulated kernel and connections over that, all
// on one goroutine, so that a seed decides everything.
type simulation struct {
	t     *testing.T
	rng   *rand.Rand
	k     *simKernel
	r     *ring
	fan   *FanOut
	peers []*simPeer
}

// simPeer is one connection: a reader (plain) or a stream, and what each side
// should see.
type simPeer struct {
	fd     int32
	conn   *Conn
	stream *Stream
	sent   []byte // by the peer to us
	read   []byte // by us
	framed []byte // what the peer must receive, a prefix of it after a reset
	gone   bool   // reset or closed by the simulation
	ending bool
}

func newSimulation(t *testing.T, seed int64) *simulation {
	rng := rand.New(rand.NewSource(seed))
	k := newSimKernel(seed+1, 2+rng.Intn(6), 2+rng.Intn(12), 1<<rng.Intn(4))
	r := newRing(ringConfig{entries: cap(k.sq), completions: k.cqLimit, queue: 1024, ops: 8 + rng.Intn(64), inboxBytes: 64 << rng.Intn(6)})
	r.k = k
	cfg := FanOutConfig{LimitBytes: 4096, PauseBytes: 1024, DirectLimit: -1}
	cfg.fill()
	s := &simulation{t: t, rng: rng, k: k, r: r}
	s.fan = &FanOut{config: cfg, lane: &lane{ring: r}, streams: map[*Stream]struct{}{}, empty: make(chan struct{})}
	for i := range 2 + rng.Intn(10) {
		s.addPeer(i%2 == 0)
	}
	return s
}

func (s *simulation) addPeer(stream bool) {
	fd, err := deadSocket()
	if err != nil {
		s.t.Fatal(err)
	}
	c := &Conn{network: "tcp"}
	c.init(fd)
	c.in.init()
	c.out.init()
	x := newRingIO(c, s.r)
	c.ringIO.Store(x)
	p := &simPeer{fd: int32(fd), conn: c}
	s.k.sockets[p.fd] = &simSocket{}
	s.peers = append(s.peers, p)
	if stream {
		p.stream = newStream(s.fan)
		if err := s.fan.register(p.stream); err != nil {
			s.t.Fatal(err)
		}
		if err := p.stream.openRing(c, nil, false); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	x.arm()
}

// act does one thing that peers or the program might do.
func (s *simulation) act() {
	p := s.peers[s.rng.Intn(len(s.peers))]
	if p.gone {
		return
	}
	switch n := s.rng.Intn(100); {
	case n < 40:
		s.peerSends(p)
	case n < 75:
		s.append(p)
	case n < 78 && !p.ending && p.stream == nil:
		p.ending = true
		s.k.sockets[p.fd].eof = true
	case n < 79:
		p.gone = true
		s.k.sockets[p.fd].reset = true
	case n < 80 && p.stream == nil:
		p.gone = true
		p.conn.shut(nil)
	case n < 82 && p.stream != nil && !p.ending:
		p.ending = true
		p.framed = append(p.framed, lastChunk...)
		_ = p.stream.Close()
	default:
		s.fan.Flush()
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

func (s *simulation) append(p *simPeer) {
	if p.stream == nil || p.ending {
		return
	}
	frame := make([]byte, 1+s.rng.Intn(300))
	s.rng.Read(frame)
	switch err := p.stream.Append(frame); {
	case err == nil:
		p.framed = appendChunk(p.framed, frame)
	case !errors.Is(err, ErrStreamFull) && !errors.Is(err, ErrPeerGone):
		s.t.Fatalf("Append: %v", err)
	}
}

// readAll reads what each plain connection has, without ever waiting.
func (s *simulation) readAll(most int) {
	for _, p := range s.peers {
		x := p.conn.ringIO.Load()
		for p.stream == nil && !p.gone && most > 0 {
			p.conn.in.mu.Lock()
			waits := len(x.data) == 0 && x.err == nil
			p.conn.in.mu.Unlock()
			if waits {
				break
			}
			b := make([]byte, 1+s.rng.Intn(100))
			n, err := p.conn.Read(b)
			p.read = append(p.read, b[:n]...)
			if err == io.EOF {
				if len(p.read) != len(p.sent) {
					s.t.Fatalf("EOF after %d bytes of %d", len(p.read), len(p.sent))
				}
				break
			}
			if err != nil && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, net.ErrClosed) {
				s.t.Fatalf("Read: %v", err)
			}
			if err != nil {
				break
			}
			most--
		}
	}
}

// check compares both directions with what was sent; whole says that all of it
// must have arrived.
func (s *simulation) check(whole bool) {
	for i, p := range s.peers {
		if !bytes.HasPrefix(p.sent, p.read) {
			s.t.Fatalf("connection %d: read %d bytes that are not a prefix of the %d sent", i, len(p.read), len(p.sent))
		}
		got := s.k.sockets[p.fd].got
		if !bytes.HasPrefix(p.framed, got) {
			s.t.Fatalf("connection %d: the peer got %d bytes that are not a prefix of the %d framed", i, len(got), len(p.framed))
		}
		if !whole || p.gone {
			continue
		}
		if p.stream == nil && len(p.read) != len(p.sent) {
			s.t.Fatalf("connection %d: read %d bytes of %d", i, len(p.read), len(p.sent))
		}
		if p.stream != nil && len(got) != len(p.framed) {
			s.t.Fatalf("connection %d: the peer got %d bytes of %d (%+v)", i, len(got), len(p.framed), p.stream.inflight)
		}
	}
}

func (s *simulation) run(steps int) {
	for range steps {
		for range s.rng.Intn(4) {
			s.act()
		}
		s.r.step()
		s.readAll(s.rng.Intn(6))
		s.check(false)
	}
	for range 5000 { // let everything come to its end
		s.fan.Flush()
		s.r.step()
		s.readAll(1 << 20)
	}
	s.check(true)
}

// finish closes the ring and looks for what was left behind.
func (s *simulation) finish() {
	s.r.closing.Store(true)
	for i := 0; !s.r.stopped; i++ {
		if i == 10_000 {
			s.t.Fatalf("the ring does not come to its end: %d slots, %d free", len(s.r.slots), len(s.r.free))
		}
		s.r.step()
	}
	s.k.publishBuffers()
	if len(s.k.free) != len(s.k.buffers) {
		s.t.Errorf("%d of %d buffers came back", len(s.k.free), len(s.k.buffers))
	}
	if n := s.r.stats.strays.Load(); n != 0 {
		s.t.Errorf("%d completions for nobody", n)
	}
	for _, p := range s.peers {
		p.conn.shut(nil)
		if refs := p.conn.refs.Load(); refs != closedBit {
			s.t.Errorf("descriptor still referenced: %#x", refs)
		}
	}
}

func TestSimulatedKernelLosesNothing(t *testing.T) {
	seeds := 300
	if testing.Short() || raceEnabled {
		seeds = 40
	}
	counts := map[string]int{}
	before := openDescriptors(t)
	one := func(seed int64) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			s := newSimulation(t, seed)
			s.run(400)
			s.finish()
			for fault, n := range s.k.counts {
				counts[fault] += n
			}
		})
	}
	if *simSeed != 0 {
		one(*simSeed)
		return
	}
	for seed := int64(1); seed <= int64(seeds) && !t.Failed(); seed++ {
		one(seed)
	}
	for _, fault := range []string{"SQ full", "EINTR", "EBUSY", "partial submission", "CQ overflow", "ENOBUFS",
		"multishot ended", "short send", "send: EAGAIN", "send: EINTR", "receive: EINTR", "receive: ECANCELED",
		"cancelled", "receive: reset", "send: reset"} {
		if counts[fault] == 0 {
			t.Errorf("fault %q was never injected", fault)
		}
	}
	t.Logf("injected: %v", counts)
	if after := openDescriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// The peers of one schedule reset their connections before step 0, in another
// run before step 1, and so on through it.
func TestSimulatedResetAtEveryStep(t *testing.T) {
	const steps, seed = 60, 7
	for at := range steps {
		s := newSimulation(t, seed)
		for step := range steps {
			if step == at {
				for _, p := range s.peers {
					p.gone = true
					s.k.sockets[p.fd].reset = true
				}
			}
			for range 3 {
				s.act()
			}
			s.r.step()
			s.readAll(s.rng.Intn(6))
			s.check(false)
		}
		for range 200 {
			for _, p := range s.peers { // a receive that is called off sees no reset, a send does
				s.append(p)
			}
			s.fan.Flush()
			s.r.step()
			s.readAll(1 << 20)
		}
		s.check(true)
		for i, p := range s.peers {
			if p.stream != nil {
				if err := p.stream.Err(); !errors.Is(err, ErrPeerGone) && !(p.ending && err == nil) {
					t.Fatalf("reset before step %d: stream %d ended with %v", at, i, err)
				}
				continue
			}
			_, err := io.Copy(io.Discard, p.conn) // what had arrived before
			if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, net.ErrClosed) && !(p.ending && err == nil) {
				t.Fatalf("reset before step %d: connection %d reads %v", at, i, err)
			}
		}
		s.finish()
	}
}
