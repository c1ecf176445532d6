package stage

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"weak"
)

// Player is one goroutine of a program, with the dice that tell it what to do.
// Only its own goroutine uses it.
type Player struct {
	stage *Stage
	dice  *rand.Rand
	Left  int // parks that it may still do: so that every program ends
	steps int // frames that it may still go into
}

// Shape is a frame of some form. It makes objects, calls Down with one less
// than it got, once or more often, and checks that the objects are as they
// were.
type Shape func(p *Player, depth int)

const (
	depthMax = 50
	leftMax  = 40
	stepsMin = 50
	stepsMax = 200
)

// player makes a player for a new goroutine out of one that has dice.
func (s *Stage) player(dice *rand.Rand) *Player {
	return &Player{
		stage: s,
		dice:  rand.New(rand.NewPCG(s.seed, dice.Uint64())),
		Left:  1 + dice.IntN(leftMax),
		steps: stepsMin + dice.IntN(stepsMax-stepsMin),
	}
}

// Fork makes a player for a goroutine that this one starts. It gets some of
// this one's parks and frames: if it had its own, there would be no end to it.
func (p *Player) Fork() *Player {
	q := p.stage.player(p.dice)
	q.Left = min(p.Draw(4), max(p.Left, 0))
	q.steps = max(p.steps, 0) / 2
	p.Left, p.steps = p.Left-q.Left, p.steps-q.steps
	return q
}

// Draw returns a number from 0 to n-1.
func (p *Player) Draw(n int) int { return p.dice.IntN(n) }

// ID returns a number that no other object has.
func (p *Player) ID() uint64 { return p.stage.ids.Add(1) }

// Times returns how often to do something, n times at most: once, if this
// player has gone into all the frames that it may.
func (p *Player) Times(n int) int {
	if p.steps--; p.steps <= 0 {
		return 1
	}
	return 1 + p.Draw(n)
}

// Spent says that it has, and that nothing more should be called.
func (p *Player) Spent() bool {
	p.steps--
	return p.steps <= 0
}

// Make makes an object, and returns its number too.
//
//go:noinline
func (p *Player) Make() (*Node, uint64) {
	id := p.ID()
	return Make(id), id
}

// Perform is a goroutine's whole life: frames, parks, and up again.
func (p *Player) Perform() {
	depth := 1 + p.Draw(12)
	if p.Draw(8) == 0 {
		depth = 1 + p.Draw(depthMax)
	}
	p.Down(depth)
	for p.Left > 0 {
		if p.Draw(2) == 0 {
			p.park()
		} else {
			p.Down(1 + p.Draw(depthMax))
		}
	}
}

// Down goes one frame deeper, or parks where it has got to. A player whose
// parks are used up goes nowhere any more: shapes call Down several times, and
// what they call would be a tree without end.
//
//go:noinline
func (p *Player) Down(depth int) {
	if p.Left <= 0 {
		return
	}
	p.steps--
	if depth <= 0 || p.steps <= 0 || p.Draw(40) == 0 {
		p.rest()
		return
	}
	shapes := p.stage.shapes
	shapes[p.Draw(len(shapes))](p, depth-1)
}

// rest parks a few times in one frame, with another object each time: what was
// recorded of the frame before is not what is in it.
//
//go:noinline
func (p *Player) rest() {
	n, id := p.Make()
	for range 1 + p.Draw(3) {
		p.park()
		Check(n, id)
		n, id = p.Make()
	}
	p.park()
	Check(n, id)
}

// park waits in one of many ways, with something to lose meanwhile.
//
//go:noinline
func (p *Player) park() {
	if p.Left--; p.Left < 0 {
		runtime.Gosched()
		return
	}
	n, id := p.Make()
	w := p.watch(n, id)
	parks[p.Draw(len(parks))](p)
	Check(n, id)
	w.release(n)
}

// watched is an object that must not be found dead yet.
type watched struct {
	id       uint64
	where    weak.Pointer[Node]
	released atomic.Bool
}

// watch makes sure that the collector finds one object in four alive.
func (p *Player) watch(n *Node, id uint64) *watched {
	if p.Draw(4) != 0 {
		return nil
	}
	w := &watched{id: id, where: weak.Make(n)}
	s := p.stage
	if p.Draw(2) == 0 {
		runtime.AddCleanup(n, s.died, w)
	} else {
		runtime.SetFinalizer(n, func(n *Node) { Check(n, w.id); s.died(w) })
	}
	s.mu.Lock()
	s.watched = append(s.watched, w)
	s.mu.Unlock()
	return w
}

// release allows an object to die. It is held until that is said.
func (w *watched) release(n *Node) {
	if w != nil {
		w.released.Store(true)
	}
	runtime.KeepAlive(n)
}

// died is told that the collector found an object dead.
func (s *Stage) died(w *watched) {
	if !w.released.Load() {
		Fail("object %#x: the collector found it dead while it was held", w.id)
	}
	s.dead.Add(1)
}

// look makes sure that what is held has not been found dead. A weak pointer
// that becomes a strong one marks the object, so this is done now and then
// only.
func (s *Stage) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.watched[:0]
	for _, w := range s.watched {
		// Released is read afterwards: if it is false then, it was held here.
		gone := w.where.Value() == nil
		if w.released.Load() {
			s.ended++
			continue
		}
		if gone {
			Fail("object %#x: a weak pointer lost it while it was held", w.id)
		}
		kept = append(kept, w)
	}
	clear(s.watched[len(kept):])
	s.watched = kept
}
