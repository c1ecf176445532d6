package gctune

import "time"

// Balanced is the default policy. It keeps the collector's share of the processors
// at a target, by more heap where there is room and not otherwise:
//
//   - The memory limit is all the room: collections come more often as the process
//     comes near its limit, and only then.
//   - A collection costs about the same however much was allocated since the last
//     one, so its share is inversely proportional to the bytes allocated per
//     collection. What was measured of both says what GOGC gives the target.
//   - GOGC goes up by a factor of two at most at a time, and down by 1.5; within a
//     quarter of what it is it stays.
//
// The zero value has the defaults.
type Balanced struct {
	// CollectorShare is the target, of GOMAXPROCS processors. Default 0.02.
	CollectorShare float64
	// MaxPercent bounds GOGC. Default 400: five times the live heap.
	MaxPercent int

	state balance
}

const (
	defaultCollectorShare = 0.02
	defaultMaxPercent     = 400
	defaultPercent        = 100 // Go's GOGC

	// A share is taken over so many collections, or over fewer when they are
	// rare.
	windowCycles = 2
	windowTime   = 10 * time.Second

	largestRise = 2.0
	largestFall = 1.5
	deadBand    = 1.25
)

// balance is what a Balanced remembers.
type balance struct {
	base  int         // what GOGC was, which is the least that is wished for
	limit int64       // what the memory limit was
	from  Observation // the beginning of the window
	wish  int
}

// Start implements Policy.
func (b *Balanced) Start(o Observation) {
	base := o.InForce.GCPercent
	if base <= 0 {
		base = defaultPercent // it was off: to be steered means to be on
	}
	b.state = balance{base: base, limit: o.InForce.MemoryLimitBytes, from: o, wish: base}
}

// Decide implements Policy.
func (b *Balanced) Decide(o Observation) (wish Settings, collect bool) {
	b.state = b.next(b.state, o)
	wish = Settings{GCPercent: b.state.wish, MemoryLimitBytes: b.state.limit}
	if o.Room.Source != "" {
		wish.MemoryLimitBytes = unlimited // all the room there is
	}
	return wish, false
}

// next is the decision, a function of its arguments.
func (b *Balanced) next(s balance, o Observation) balance {
	if o.Room.Source == "" {
		s.wish = s.base // more heap is for where it is known to be there
		return s
	}
	cycles, cpu := o.Cycles-s.from.Cycles, o.CPUSeconds-s.from.CPUSeconds
	if cycles == 0 || cpu <= 0 || cycles < windowCycles && o.At-s.from.At < windowTime {
		return s
	}
	share := (o.CollectorSeconds - s.from.CollectorSeconds) / cpu
	perCycle := float64(o.AllocatedBytes-s.from.AllocatedBytes) / float64(cycles)
	marked := float64(max(o.LiveBytes+o.RootBytes, 1))
	wanted := 100 * perCycle * share / b.target() / marked

	// From what is in force, not from what was wished: a percentage that the room
	// did not allow has shown nothing.
	was := float64(max(o.InForce.GCPercent, 1))
	wanted = min(max(wanted, was/largestFall), was*largestRise)
	wanted = min(max(wanted, float64(s.base)), float64(max(b.top(), s.base)))
	s.from = o
	if wanted > was*deadBand || wanted < was/deadBand || wanted == float64(s.base) {
		s.wish = int(wanted)
	}
	return s
}

func (b *Balanced) target() float64 {
	if b.CollectorShare == 0 {
		return defaultCollectorShare
	}
	return b.CollectorShare
}

func (b *Balanced) top() int {
	if b.MaxPercent == 0 {
		return defaultMaxPercent
	}
	return b.MaxPercent
}
