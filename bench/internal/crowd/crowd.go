package crowd

import (
	"math"
	"sync"
	"time"
)

// Compute makes steps of multiply and xorshift, each depending on the one
// before, and returns the last state.
//
//go:noinline
func Compute(state uint64, steps int) uint64 {
	for range steps {
		state ^= state >> 29
		state *= 0x9e3779b97f4a7c15
	}
	return state
}

// Calibrate returns the steps of [Compute] that take about d on an idle
// processor, 1 at least: the best of many tries, as anything else on the
// machine only makes a try longer.
func Calibrate(d time.Duration) int {
	const steps = 100_000
	best := math.Inf(1)
	for range 50 {
		begin := time.Now()
		Compute(uint64(steps), steps)
		best = min(best, float64(time.Since(begin).Nanoseconds())/steps)
	}
	return max(1, int(math.Round(float64(d.Nanoseconds())/best)))
}

// A Gate holds the members of one or more crowds until it is opened.
type Gate struct {
	opened, ends time.Time
	open         chan struct{}
}

// NewGate returns a closed gate.
func NewGate() *Gate { return &Gate{open: make(chan struct{})} }

// Open lets all members behind the gate compute until the time given, for a turn
// at least if that is yet to come. It is called once.
func (g *Gate) Open(ends time.Time) {
	g.opened, g.ends = time.Now(), ends
	close(g.open)
}

// A Crowd is a number of CPU-bound goroutines.
type Crowd struct {
	members []Member
	done    sync.WaitGroup
}

// A Member is what one goroutine of the crowd came to.
type Member struct {
	Turns       int
	FirstRun    time.Duration // from the opening to its first turn
	LongestWait time.Duration // between two turns, or before the first
}

// Gather begins n goroutines by start and returns when all of them wait
// behind the gate.
func Gather(gate *Gate, n int, start func(func()), stepsPerTurn int) *Crowd {
	c := &Crowd{members: make([]Member, n)}
	var here sync.WaitGroup
	here.Add(n)
	c.done.Add(n)
	for i := range c.members {
		start(func() {
			defer c.done.Done()
			here.Done()
			<-gate.open
			c.members[i].run(gate.opened, gate.ends, stepsPerTurn)
		})
	}
	here.Wait()
	return c
}

// Wait returns when all members have ended.
func (c *Crowd) Wait() []Member {
	c.done.Wait()
	return c.members
}

func (m *Member) run(opened, ends time.Time, steps int) {
	last := time.Now()
	m.FirstRun = last.Sub(opened)
	m.LongestWait = min(m.FirstRun, ends.Sub(opened))
	for state := uint64(1); last.Before(ends) || m.Turns == 0 && opened.Before(ends); {
		state = Compute(state, steps)
		now := time.Now()
		m.LongestWait = max(m.LongestWait, now.Sub(last))
		m.Turns++
		last = now
	}
}

// Turns returns those of all members together.
func Turns(members []Member) (sum int) {
	for _, m := range members {
		sum += m.Turns
	}
	return sum
}

// LongestWait returns the longest of any member.
func LongestWait(members []Member) (longest time.Duration) {
	for _, m := range members {
		longest = max(longest, m.LongestWait)
	}
	return longest
}
