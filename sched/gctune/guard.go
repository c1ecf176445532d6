package gctune

const (
	// roomLooks is over how many looks the room must be there before it is given
	// out. What is lost counts at once.
	roomLooks = 10
	// fragmentation is what spans take beyond the objects in them.
	fragmentation = 1.1
	// fill is the share of the memory limit that GOGC's goal may reach. Where both
	// meet, the runtime scavenges in the allocating goroutine.
	fill = 0.95
	// leastPercent is as far as GOGC goes down where it alone has to keep a limit.
	leastPercent = 25
	// raisePart of a setting is the least that the room raises it by.
	raisePart = 16
	// slackPart of the memory limit is how far it is lowered beyond what it must.
	slackPart = 64
	// growPart of the live heap, leastGrow at least, is what it may grow by
	// between two looks.
	growPart  = 8
	leastGrow = 8 << 20
	// releaseLooks is the least number of looks between two collections that give
	// memory back.
	releaseLooks = 5
	// heapMinimum is the runtime's: the goal is never below, times GOGC/100.
	heapMinimum = 4 << 20
)

// guard keeps policies within the room. It belongs to one goroutine.
type guard struct {
	rooms [roomLooks]Room
	looks int
	// steersLimit says that the memory limit is the tuner's to set.
	steersLimit bool
	// base is the percentage below which GOGC does not go while the memory limit
	// keeps the process within its room.
	base int
	// released is the look at which memory was given back last, from 1.
	released int
}

// smallest returns the smallest room of the last looks, r the newest.
func (g *guard) smallest(r Room) Room {
	g.rooms[g.looks%roomLooks] = r
	g.looks++
	for _, other := range g.rooms[:min(g.looks, roomLooks)] {
		if other.BudgetBytes < r.BudgetBytes {
			r.BudgetBytes, r.Source = other.BudgetBytes, other.Source
		}
		r.MostBytes = min(r.MostBytes, other.MostBytes)
	}
	return r
}

// within returns the room without what is kept for somebody else.
func (r Room) within(reserveBytes int64) Room {
	if r.Source != "" {
		r.BudgetBytes = max(0, r.BudgetBytes-reserveBytes)
		r.MostBytes = max(0, r.MostBytes-reserveBytes)
	}
	return r
}

// needBytes is about the least that Go can do with.
func (o *Observation) needBytes() int64 {
	return o.OtherBytes + int64(fragmentation*float64(o.LiveBytes))
}

// pressed reports whether the live heap has no room within the budget.
func (o *Observation) pressed() bool { return o.needBytes() > o.Room.BudgetBytes }

// bound returns what of a wish there is room for. It is a function of its arguments.
func (g *guard) bound(wish Settings, o *Observation) Settings {
	budget := o.Room.BudgetBytes
	if need := o.needBytes(); need > budget {
		budget = min(need, o.Room.MostBytes)
	}
	wish.MemoryLimitBytes = min(wish.MemoryLimitBytes, budget)
	switch now := o.InForce.MemoryLimitBytes; {
	case now == unlimited || wish.MemoryLimitBytes == unlimited:
	case now > wish.MemoryLimitBytes && !o.pressed():
		// The room shrinks a little at a time as the machine fills up: not each
		// bit of it is worth a change.
		wish.MemoryLimitBytes -= wish.MemoryLimitBytes / slackPart
	case now < wish.MemoryLimitBytes && wish.MemoryLimitBytes-now < wish.MemoryLimitBytes/raisePart:
		wish.MemoryLimitBytes = now
	}
	least, limitBytes, live := g.base, wish.MemoryLimitBytes, o.LiveBytes
	if !g.steersLimit {
		least, limitBytes = min(g.base, leastPercent), min(budget, o.InForce.MemoryLimitBytes)
		// A percentage of what may be more by the next look.
		live += max(live/growPart, leastGrow)
	}
	if limitBytes == unlimited {
		return wish
	}
	top := max(mostPercent(limitBytes, o.OtherBytes, live, o.RootBytes), least)
	if wish.GCPercent > top || wish.GCPercent < 0 && !g.steersLimit {
		wish.GCPercent = top
		// The live heap is never quite the same: what is nearly there stays.
		if now := o.InForce.GCPercent; now <= top && now > top-top/raisePart {
			wish.GCPercent = now
		}
	}
	return wish
}

// releases reports whether Go is to give memory back now, because it has more than
// there is room for: a smaller limit alone works when the program allocates next, and
// then has a goroutine that allocates give back the whole difference.
func (g *guard) releases(o *Observation) bool {
	if o.GoBytes <= o.Room.MostBytes || o.pressed() || g.released > 0 && g.looks-g.released < releaseLooks {
		return false
	}
	g.released = g.looks
	return true
}

// mostPercent returns the GOGC whose goal is fill of a limit.
func mostPercent(limitBytes, otherBytes, liveBytes, rootBytes int64) int {
	heap := (fill*float64(limitBytes) - float64(otherBytes)) / fragmentation
	percent := 100 * (heap - float64(liveBytes)) / float64(max(liveBytes+rootBytes, 1))
	return int(max(0, min(percent, 100*heap/heapMinimum, 1<<20)))
}
