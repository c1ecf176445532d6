package gctune

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func noEnvironment(string) string { return "" }

// begin starts a tuner of a simulated process.
func begin(t *testing.T, ctx context.Context, s *sim, c Config, environment func(string) string) *Tuner {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	tuner, err := start(ctx, c, s, lockedFS{s}, environment, new(atomic.Bool))
	if err != nil {
		t.Fatal(err)
	}
	return tuner
}

// lockedFS reads the files of a sim.
type lockedFS struct{ s *sim }

func (l lockedFS) Open(name string) (fs.File, error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return l.s.fs.Open(name)
}

// pass lets time go by, in the bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// simulate runs f beside a tuner, which it stops.
func simulate(t *testing.T, c Config, environment func(string) string, f func(*testing.T, *sim, *Tuner)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSim()
		if environment("GOMEMLIMIT") != "" {
			s.limit = unlimited
		}
		tuner := begin(t, t.Context(), s, c, environment)
		defer tuner.Stop()
		f(t, s, tuner)
	})
}

func TestBalancedReachesItsTarget(t *testing.T) {
	const target = 0.03
	simulate(t, Config{Policy: &Balanced{CollectorShare: target}}, noEnvironment, func(t *testing.T, s *sim, tuner *Tuner) {
		pass(2 * time.Minute)
		percent, limit, sets := s.get()
		// 100 ms of marking each 100 MiB are 2.5 % of two processors: nothing to
		// do. With four times the garbage it takes 3.4 times the heap.
		if percent != 100 || limit >= s.groupLimit-s.beside || limit < s.groupLimit*8/10 {
			t.Errorf("GOGC %d, limit %d MiB with little garbage", percent, limit/mib)
		}
		s.change(func() { s.rate *= 4 })
		pass(2 * time.Minute)
		percent, _, more := s.get()
		if share := tuner.Status().CollectorShare; share < 0.02 || share > 0.04 || percent < 200 || percent > 400 {
			t.Errorf("the collector's share is %.3f at GOGC %d, want about %v", share, percent, target)
		}
		if more-sets > 10 {
			t.Errorf("%d changes of settings in two minutes", more-sets)
		}
		pass(10 * time.Minute)
		if _, _, now := s.get(); now != more {
			t.Errorf("%d changes of settings while nothing changes", now-more)
		}
		s.change(func() { s.rate /= 20 })
		pass(5 * time.Minute)
		if percent, _, _ := s.get(); percent != 100 {
			t.Errorf("GOGC %d when there is little garbage again", percent)
		}
		if s.over > 0 {
			t.Errorf("%d bytes beyond the limit", s.over)
		}
	})
}

func TestLimitChangesWhileRunning(t *testing.T) {
	simulate(t, Config{}, noEnvironment, func(t *testing.T, s *sim, tuner *Tuner) {
		s.change(func() { s.rate *= 8 })
		pass(time.Minute)
		s.change(func() { s.groupLimit = 256 * mib })
		pass(2 * time.Second) // one look, and a collection
		s.change(func() { s.over = 0 })
		pass(time.Minute)
		percent, limit, _ := s.get()
		if limit > 256*mib-s.beside || s.over > 0 {
			t.Errorf("limit %d MiB, GOGC %d, %d bytes beyond", limit/mib, percent, s.over)
		}
		if got := tuner.Status(); got.Room.Source != "/sys/fs/cgroup/pod/weir" || got.Pressed {
			t.Errorf("status %+v", got)
		}
		s.change(func() { s.live = 300 * mib })
		pass(10 * time.Second)
		if !tuner.Status().Pressed {
			t.Error("a live heap beyond the limit, and nobody says so")
		}
		s.change(func() { s.live, s.groupLimit = 100*mib, 1024*mib })
		pass(time.Minute)
		if _, limit, _ := s.get(); limit < 800*mib || tuner.Status().Pressed {
			t.Errorf("limit %d MiB when there is room again", limit/mib)
		}
	})
}

// A process that does not allocate gives memory back all the same; one that cannot
// does not try without an end.
func TestIdleProcessGivesBack(t *testing.T) {
	simulate(t, Config{}, noEnvironment, func(t *testing.T, s *sim, _ *Tuner) {
		s.change(func() { s.rate *= 8 })
		pass(time.Minute)
		s.change(func() { s.rate, s.groupLimit = 0, 256*mib })
		pass(2 * time.Second)
		s.change(func() { s.over = 0 })
		pass(time.Minute)
		if s.over > 0 || s.releases != 1 {
			t.Errorf("%d bytes beyond the limit, memory was given back %d times", s.over, s.releases)
		}
		s.change(func() { s.groupLimit = 128 * mib })
		pass(time.Minute)
		if s.releases != 1 {
			t.Errorf("memory was given back %d times in a minute without room", s.releases-1)
		}
	})
}

// A reserve for the cache is not Go's to use.
func TestCacheReserve(t *testing.T) {
	kept := int64(300 * mib)
	cache := func() Cache { return Cache{ReserveBytes: kept} }
	simulate(t, Config{Cache: cache}, noEnvironment, func(t *testing.T, s *sim, tuner *Tuner) {
		pass(5 * time.Second)
		if _, limit, _ := s.get(); limit > 1024*mib-s.beside-kept {
			t.Errorf("limit %d MiB", limit/mib)
		}
	})
}

// Whatever a process does that a reserve covers, it stays below its limit.
func TestNeverBeyondTheLimit(t *testing.T) {
	policies := map[string]func() Policy{
		"balanced": func() Policy { return new(Balanced) },
		"greedy":   func() Policy { return &Balanced{CollectorShare: 1e-6, MaxPercent: 1 << 20} },
		"article":  func() Policy { return new(Article) },
	}
	for name, policy := range policies {
		for _, environment := range []func(string) string{noEnvironment, memoryLimitOff} {
			t.Run(name+environment("GOMEMLIMIT"), func(t *testing.T) {
				for seed := range uint64(8) {
					random := rand.New(rand.NewPCG(seed, 11))
					tells := rand.New(rand.NewPCG(seed, 12)) // the tuner's goroutine's
					hits := func() Cache { return Cache{UsedBytes: tells.Int64N(1 << 30), HitRate: tells.Float64()} }
					simulate(t, Config{Policy: policy(), Cache: hits}, environment, func(t *testing.T, s *sim, _ *Tuner) {
						walk(t, random, s, environment("GOMEMLIMIT") == "")
						if s.over > 0 {
							t.Errorf("seed %d: %d bytes beyond the limit", seed, s.over)
						}
					})
				}
			})
		}
	}
}

func memoryLimitOff(name string) string { return map[string]string{"GOMEMLIMIT": "off"}[name] }

// walk changes a process at random, for 3 minutes. What is not Go's, and the live
// heap, change by less than the reserve between two looks.
func walk(t *testing.T, random *rand.Rand, s *sim, limited bool) {
	for range 180 {
		s.change(func() {
			kept := reserve(s.groupLimit, groupReserve)
			step := random.Int64N(kept) - kept/2
			s.beside = min(max(s.beside+step, 10*mib), 500*mib)
			if random.IntN(10) == 0 {
				s.rate = random.Int64N(500 * mib)
			}
			// With GOGC alone, a live heap that grows takes its percentage along.
			most, grow := int64(100*mib), int64(mib)
			if limited {
				most, grow = (s.groupLimit-s.beside-2*kept-s.other)*9/10, 400*mib
			}
			s.live = min(s.live+random.Int64N(grow), most)
			if random.IntN(20) == 0 {
				s.live = 20 * mib
			}
		})
		pass(time.Second)
		if _, limit, _ := s.get(); limited && limit > s.groupLimit-s.beside {
			t.Fatalf("memory limit %d MiB where there are %d", limit/mib, (s.groupLimit-s.beside)/mib)
		}
	}
}

func TestRestores(t *testing.T) {
	for name, end := range map[string]func(*Tuner, context.CancelFunc){
		"stop":   func(tuner *Tuner, _ context.CancelFunc) { tuner.Stop(); tuner.Stop() },
		"cancel": func(_ *Tuner, cancel context.CancelFunc) { cancel() },
		"panic": func(tuner *Tuner, _ context.CancelFunc) {
			defer func() { _ = recover() }()
			defer tuner.Stop()
			panic("test")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim()
				s.rate *= 8
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tuner := begin(t, ctx, s, Config{}, noEnvironment)
				pass(time.Minute)
				if percent, limit, _ := s.get(); percent == 100 || limit == unlimited {
					t.Fatalf("GOGC %d, limit %d: nothing was steered", percent, limit)
				}
				end(tuner, cancel)
				synctest.Wait()
				percent, limit, sets := s.get()
				if percent != 100 || limit != unlimited {
					t.Errorf("GOGC %d, limit %d are left", percent, limit)
				}
				pass(time.Minute)
				if _, _, now := s.get(); now != sets {
					t.Error("set after the end")
				}
			})
		})
	}
}

func TestSomebodyElseSets(t *testing.T) {
	simulate(t, Config{}, noEnvironment, func(t *testing.T, s *sim, tuner *Tuner) {
		pass(3 * time.Second)
		s.setPercent(77)
		s.change(func() { s.rate *= 8 })
		pass(time.Minute)
		got := tuner.Status()
		if percent, _, _ := s.get(); percent != 77 || got.Percent != Yielded || got.Limit != Steered {
			t.Errorf("GOGC %d, status %+v", percent, got)
		}
		tuner.Stop()
		if percent, limit, _ := s.get(); percent != 77 || limit != unlimited {
			t.Errorf("at the end: GOGC %d, limit %d", percent, limit)
		}
	})
}

// Between the look and the setting somebody else may set as well.
func TestSomebodyElseSetsMeanwhile(t *testing.T) {
	value := int64(300)
	k := newKnob("GOGC", 100, 100, func(v int64) (old int64) { old, value = value, v; return old })
	if k.set(200, slog.New(slog.DiscardHandler)) || value != 300 || k.hold != Yielded {
		t.Errorf("value %d, %v", value, k.hold)
	}
	k.restore(slog.New(slog.DiscardHandler))
	if value != 300 {
		t.Errorf("restored to %d what was not ours", value)
	}
}

func TestEnvironment(t *testing.T) {
	set := func(name, value string) func(string) string {
		return func(asked string) string { return map[string]string{name: value}[asked] }
	}
	for _, c := range []struct {
		environment    func(string) string
		override       bool
		percent, limit Hold
	}{
		{noEnvironment, false, Steered, Steered},
		{set("GOGC", "100"), false, LeftAlone, Steered},
		{set("GOMEMLIMIT", "off"), false, Steered, LeftAlone},
		{set("GOGC", "100"), true, Steered, Steered},
	} {
		simulate(t, Config{Override: c.override}, c.environment, func(t *testing.T, s *sim, tuner *Tuner) {
			s.change(func() { s.rate *= 8 })
			pass(time.Minute)
			got := tuner.Status()
			if got.Percent != c.percent || got.Limit != c.limit {
				t.Errorf("GOGC %v, GOMEMLIMIT %v, want %v, %v", got.Percent, got.Limit, c.percent, c.limit)
			}
			percent, limit, _ := s.get()
			if (percent == 100) != (c.percent == LeftAlone) || (limit == unlimited) != (c.limit == LeftAlone) {
				t.Errorf("GOGC %d, limit %d", percent, limit)
			}
		})
	}
}

// A limit that the program set before bounds GOGC's goal, and stays.
func TestLimitOfTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim()
		s.limit, s.rate = 300*mib, 400*mib
		tuner := begin(t, t.Context(), s, Config{}, noEnvironment)
		defer tuner.Stop()
		pass(time.Minute)
		percent, limit, _ := s.get()
		if got := tuner.Status(); limit != 300*mib || percent > 200 || got.Room.Source != "GOMEMLIMIT" {
			t.Errorf("GOGC %d, limit %d, status %+v", percent, limit, got)
		}
	})
}

func TestOneTuner(t *testing.T) {
	held := new(atomic.Bool)
	s := newSim()
	first, err := start(t.Context(), Config{}, s, lockedFS{s}, noEnvironment, held)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(t.Context(), Config{}, s, lockedFS{s}, noEnvironment, held); !errors.Is(err, ErrRunning) {
		t.Errorf("a second one: %v", err)
	}
	first.Stop()
	second, err := start(t.Context(), Config{}, s, lockedFS{s}, noEnvironment, held)
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	second.Stop()
}

func TestPanickingStartRestores(t *testing.T) {
	s, held := newSim(), new(atomic.Bool)
	func() {
		defer func() { _ = recover() }()
		_, _ = start(t.Context(), Config{Cache: func() Cache { panic("test") }}, s, lockedFS{s}, noEnvironment, held)
	}()
	if _, _, sets := s.get(); held.Load() || sets != 0 {
		t.Errorf("held %v, %d sets", held.Load(), sets)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{Every: time.Millisecond}, {LimitBytes: -1}} {
		if _, err := start(t.Context(), c, newSim(), nil, noEnvironment, new(atomic.Bool)); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
