package gctune

import (
	"math/rand/v2"
	"testing"
	"time"
)

// roomy has room without end but for the names.
var roomy = Room{BudgetBytes: 1 << 40, MostBytes: 1 << 40, Source: "test"}

func TestBalancedNext(t *testing.T) {
	// From its beginning, 100 MiB live, GOGC 100.
	const target = 0.03
	from := balance{base: 100, wish: 100}
	now := func(percent int, cycles uint64, seconds, share float64, perCycle int64) Observation {
		return Observation{
			At: time.Duration(seconds * 1e9), Cycles: cycles, LiveBytes: 100 * mib,
			CollectorSeconds: share * 2 * seconds, CPUSeconds: 2 * seconds, AllocatedBytes: int64(cycles) * perCycle,
			Room: roomy, InForce: Settings{GCPercent: percent},
		}
	}
	for _, c := range []struct {
		name string
		o    Observation
		want int
	}{
		{"no collection", now(100, 0, 30, 0.3, 0), 100},
		{"too few collections", now(100, 1, 9, 0.3, 100*mib), 100},
		{"few, but long ago", now(100, 1, 10, 0.045, 100*mib), 150},
		{"on target", now(100, 10, 1, 0.03, 100*mib), 100},
		{"within the dead band", now(100, 10, 1, 0.037, 100*mib), 100},
		{"above it", now(100, 10, 1, 0.045, 100*mib), 150},
		{"no faster than twice", now(100, 10, 1, 0.5, 100*mib), 200},
		{"no higher than the top", now(300, 10, 1, 0.5, 300*mib), 400},
		{"down", now(300, 10, 1, 0.02, 300*mib), 200},
		{"no faster than by 1.5", now(300, 10, 1, 0.001, 300*mib), 200},
		{"not below where it began", now(120, 10, 1, 0.001, 120*mib), 100},
		{"forced collections say the same", now(200, 10, 1, 0.12, 75*mib), 300},
		{"off counts as it is seen", now(-1, 10, 1, 0.12, 75*mib), 100},
	} {
		if got := (&Balanced{CollectorShare: target}).next(from, c.o); got.wish != c.want {
			t.Errorf("%s: GOGC %d, want %d", c.name, got.wish, c.want)
		}
	}
	b := new(Balanced)
	b.Start(now(100, 0, 0, 0, 0))
	if wish, _ := b.Decide(now(100, 1, 1, 0, 0)); wish.MemoryLimitBytes != unlimited {
		t.Errorf("wishes %d bytes of all the room", wish.MemoryLimitBytes)
	}
	unknown := now(200, 10, 1, 0.5, 100*mib)
	unknown.Room = Room{BudgetBytes: unlimited, MostBytes: unlimited}
	if got := new(Balanced).next(balance{base: 100, wish: 200}, unknown); got.wish != 100 {
		t.Errorf("no limit known: GOGC %d, want 100", got.wish)
	}
}

func TestArticle(t *testing.T) {
	before := Settings{GCPercent: 100, MemoryLimitBytes: unlimited}
	for _, c := range []struct {
		name            string
		objects, inUse  int64
		hits            float64
		used, resident  int64
		percent         int
		limit           int64
		collects, again bool
	}{
		{"full and hit", 95, 100, 0.9, 59, 100, 200, 120, true, false},
		{"not full", 90, 100, 0.9, 0, 100, 100, 120, false, false},
		{"not hit", 95, 100, 0.85, 0, 100, 100, 120, false, false},
		{"cache heavy", 0, 100, 0, 60, 100, 100, 105, false, false},
		{"nothing known", 0, 0, 0, 0, 0, 100, unlimited, false, false},
	} {
		a, o := new(Article), Observation{
			ObjectBytes: c.objects, InUseBytes: c.inUse, ResidentBytes: c.resident,
			Cache: Cache{UsedBytes: c.used, HitRate: c.hits}, InForce: before,
		}
		a.Start(o)
		got, collects := a.Decide(o)
		if got != (Settings{c.percent, c.limit}) || collects != c.collects {
			t.Errorf("%s: %+v, collect %v", c.name, got, collects)
		}
		o.ResidentBytes /= 2 // the peak counts
		o.Cache.UsedBytes /= 2
		if more, again := a.Decide(o); more != got || again {
			t.Errorf("%s, later: %+v, collect %v", c.name, more, again)
		}
	}
}

func TestGuard(t *testing.T) {
	const limit = 1000 * mib
	room := Room{BudgetBytes: 800 * mib, MostBytes: 900 * mib, Source: "test"}
	for _, c := range []struct {
		name   string
		steers bool
		live   int64
		now    Settings
		wish   Settings
		want   Settings
	}{
		{"no more than the budget", true, 100 * mib, Settings{100, unlimited}, Settings{100, unlimited}, Settings{100, 800 * mib}},
		{"less is no harm", true, 100 * mib, Settings{100, unlimited}, Settings{100, 500 * mib}, Settings{100, 500 * mib}},
		{"not raised by a little", true, 100 * mib, Settings{100, 790 * mib}, Settings{100, 800 * mib}, Settings{100, 790 * mib}},
		{"lowered, and a little more", true, 100 * mib, Settings{100, 801 * mib}, Settings{100, 800 * mib}, Settings{100, 788 * mib}},
		{"lowered without room", true, 800 * mib, Settings{100, 890 * mib}, Settings{100, unlimited}, Settings{100, 880 * mib}},
		{"goal within the limit", true, 100 * mib, Settings{100, unlimited}, Settings{1000, unlimited}, Settings{590, 800 * mib}},
		{"what is nearly there stays", true, 100 * mib, Settings{570, unlimited}, Settings{1000, unlimited}, Settings{570, 800 * mib}},
		{"the limit does it", true, 600 * mib, Settings{100, unlimited}, Settings{100, unlimited}, Settings{100, 800 * mib}},
		{"the reserve gives way", true, 800 * mib, Settings{100, unlimited}, Settings{100, unlimited}, Settings{100, 880 * mib}},
		{"but not all of it", true, 900 * mib, Settings{100, unlimited}, Settings{100, unlimited}, Settings{100, 900 * mib}},
		{"GOGC alone", false, 400 * mib, Settings{100, unlimited}, Settings{100, unlimited}, Settings{53, 800 * mib}},
		{"GOGC alone, no room", false, 790 * mib, Settings{100, unlimited}, Settings{100, unlimited}, Settings{25, 869 * mib}},
		{"GOGC alone, off", false, 400 * mib, Settings{-1, unlimited}, Settings{-1, unlimited}, Settings{53, 800 * mib}},
	} {
		g := guard{base: 100, steersLimit: c.steers}
		o := Observation{LiveBytes: c.live, Room: room, InForce: c.now}
		got := g.bound(c.wish, &o)
		if d := got.MemoryLimitBytes - c.want.MemoryLimitBytes; d < -mib || d > mib || got.GCPercent != c.want.GCPercent {
			t.Errorf("%s: GOGC %d, limit %d MiB, want %d, %d MiB", c.name,
				got.GCPercent, got.MemoryLimitBytes/mib, c.want.GCPercent, c.want.MemoryLimitBytes/mib)
		}
	}
}

// Lost room counts at once, new room after ten looks.
func TestSmallestRoom(t *testing.T) {
	var g guard
	for look, c := range []struct{ room, want int64 }{{5, 5}, {3, 3}, {9, 3}, {9, 3}, {9, 3}, {9, 3}, {9, 3}, {9, 3}, {9, 3}, {9, 3}, {9, 3}, {9, 9}, {7, 7}} {
		if got := g.smallest(Room{BudgetBytes: c.room, MostBytes: c.room + 1}); got.BudgetBytes != c.want || got.MostBytes != c.want+1 {
			t.Errorf("look %d: %+v, want %d", look, got, c.want)
		}
	}
}

// What the guard lets through is within the room, whatever it is shown.
func TestGuardAlways(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	size := func() int64 { return random.Int64N(1 << random.IntN(45)) }
	for i := range 20_000 {
		budget := size()
		o := Observation{
			LiveBytes: size(), RootBytes: size(), OtherBytes: size(),
			Room:    Room{BudgetBytes: budget, MostBytes: budget + size(), Source: "test"},
			InForce: Settings{GCPercent: random.IntN(2000) - 1, MemoryLimitBytes: size()},
		}
		g := guard{base: 100, steersLimit: random.IntN(2) == 0}
		wish := Settings{GCPercent: random.IntN(1<<20) - 1, MemoryLimitBytes: size()}
		if random.IntN(3) == 0 {
			wish.MemoryLimitBytes = unlimited
		}
		got := g.bound(wish, &o)
		least := g.base
		if !g.steersLimit {
			least = leastPercent
		}
		goal := float64(o.LiveBytes) + float64(o.LiveBytes+o.RootBytes)*float64(got.GCPercent)/100
		switch {
		case got.MemoryLimitBytes < 0 || got.MemoryLimitBytes > o.Room.MostBytes:
			t.Fatalf("step %d of seed %d: memory limit %d of %+v", i, seed, got.MemoryLimitBytes, o)
		case got.MemoryLimitBytes > wish.MemoryLimitBytes:
			t.Fatalf("step %d of seed %d: memory limit %d is more than was wished", i, seed, got.MemoryLimitBytes)
		case got.GCPercent > max(wish.GCPercent, least):
			t.Fatalf("step %d of seed %d: GOGC %d is more than was wished", i, seed, got.GCPercent)
		case got.GCPercent > least && float64(o.OtherBytes)+goal > float64(o.Room.MostBytes):
			t.Fatalf("step %d of seed %d: GOGC %d leads beyond the room of %+v", i, seed, got.GCPercent, o)
		}
	}
}
