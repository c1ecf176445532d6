package stage

import (
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/ggroup"
)

// Stage is one program while it runs.
type Stage struct {
	seed       uint64
	shapes     []Shape
	playersMax int // of a scene
	performed  int // players so far

	ids    atomic.Uint64
	cycles atomic.Uint64 // of the collector, as the director last read them
	dead   atomic.Int64  // watched objects that the collector found dead

	mu      sync.Mutex
	cues    []cue
	watched []*watched
	ended   int // watched objects that were released
}

// cue is a wake-up that is due after some cycles.
type cue struct {
	cycle uint64
	wake  func()
}

const (
	cyclesMax = 5 // that a cue waits for
	procsMax  = 4 // GOMAXPROCS, when it is changed
)

// cue has the director call wake after some cycles of the collector. Wake may
// block only until the caller has come to what it is about to wait for, and
// holds no object of the caller's.
func (p *Player) cue(wake func()) {
	s := p.stage
	after := uint64(p.Draw(cyclesMax))
	s.mu.Lock()
	s.cues = append(s.cues, cue{s.cycles.Load() + after, wake})
	s.mu.Unlock()
}

// due takes the cues whose time has come, in any order.
func (s *Stage) due(dice *rand.Rand) []func() {
	now := s.cycles.Load()
	var wakes []func()
	s.mu.Lock()
	kept := s.cues[:0]
	for _, c := range s.cues {
		if c.cycle <= now {
			wakes = append(wakes, c.wake)
		} else {
			kept = append(kept, c)
		}
	}
	clear(s.cues[len(kept):])
	s.cues = kept
	s.mu.Unlock()
	dice.Shuffle(len(wakes), func(i, j int) { wakes[i], wakes[j] = wakes[j], wakes[i] })
	return wakes
}

// direct runs the collector and wakes who is due, until all have ended.
func (s *Stage) direct(dice *rand.Rand, groups []*ggroup.Group, ended <-chan struct{}) {
	for {
		s.collect(dice)
		if dice.IntN(4) == 0 {
			s.look()
		}
		for _, wake := range s.due(dice) {
			switch dice.IntN(10) {
			case 0:
				go wake()
			case 1:
				start(pick(dice, groups), wake)
			case 2:
				go runtime.GC() // a cycle begins at any time from now on
				wake()
			default:
				wake()
			}
		}
		select {
		case <-ended:
			return
		default:
		}
		if dice.IntN(3) == 0 {
			runtime.Gosched()
		}
		s.disturb(dice)
	}
}

var garbage [16]atomic.Pointer[Node]

// collect lets at least one cycle of the collector pass.
func (s *Stage) collect(dice *rand.Rand) {
	before := collections()
	switch dice.IntN(8) {
	case 0:
		debug.FreeOSMemory()
	case 1, 2: // by allocation, beside whoever runs
		for i := 0; i < 20_000 && collections() == before; i++ {
			garbage[i%len(garbage)].Store(Make(s.ids.Add(1)))
		}
	default:
		runtime.GC()
	}
	s.cycles.Store(collections())
}

func collections() uint64 {
	sample := [1]metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample[:])
	return sample[0].Value.Uint64()
}

// disturb does, now and then, what looks at all goroutines or stops them.
func (s *Stage) disturb(dice *rand.Rand) {
	switch dice.IntN(60) {
	case 0:
		runtime.GOMAXPROCS(1 + dice.IntN(procsMax))
	case 1:
		pprof.Lookup("goroutine").WriteTo(discard{}, dice.IntN(3))
	case 2:
		if leaks := pprof.Lookup("goroutineleak"); leaks != nil && !checkmark {
			leaks.WriteTo(discard{}, 1)
		}
	case 3:
		runtime.Stack(make([]byte, 1<<12), true)
	case 4:
		debug.SetGCPercent(debug.SetGCPercent(1 + dice.IntN(200)))
	case 5:
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
	}
}

// checkmark says that each cycle is checked by a second one. Go 1.27 allocates
// while it prepares that one if the cycle looks for leaks, and throws.
var checkmark = strings.Contains(os.Getenv("GODEBUG"), "gccheckmark=1")

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// scene has some players perform at once, in groups and outside of them, and
// ends when all have.
func (s *Stage) scene(dice *rand.Rand) {
	groups := openGroups(dice)
	var players sync.WaitGroup
	ended := make(chan struct{})
	count, volleys := 0, 1
	if s.playersMax > 0 {
		count, volleys = 1+dice.IntN(s.playersMax), dice.IntN(3)
	}
	s.performed += count
	enter := func(part func(*Player)) {
		p := s.player(dice)
		players.Add(1)
		start(pick(dice, groups), func() {
			defer players.Done()
			part(p)
		})
	}
	for range count {
		enter((*Player).life)
	}
	for range volleys {
		enter((*Player).volley)
	}
	go func() { players.Wait(); close(ended) }()
	s.direct(dice, groups, ended)
	closeGroups(groups)
}

// life is Perform, and one of the ways to end.
func (p *Player) life() {
	switch p.Draw(20) {
	case 0: // this thread ends with its goroutine
		runtime.LockOSThread()
	case 1:
		defer p.park()
		defer runtime.Goexit()
	case 2:
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	p.Perform()
}

// settle makes sure that what was released does die: what is recorded of a
// stack must not outlive it. A few objects may be held by chance, since frames
// that were stopped anywhere are read conservatively.
func (s *Stage) settle() {
	const patience, chance = 200, 16
	s.look()
	for range patience {
		runtime.GC()
		if int(s.dead.Load()) >= s.ended {
			return
		}
		time.Sleep(time.Millisecond) // cleanups run on goroutines of their own
	}
	if kept := s.ended - int(s.dead.Load()); kept > chance {
		Fail("%d of %d objects were released and did not die", kept, s.ended)
	}
}
