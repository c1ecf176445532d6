package ggroup

import (
	"fmt"
)

// A Class says which goroutines the scheduler prefers.
type Class uint8

const (
	// Normal is the class of goroutines that are in no group, and of groups
	// that name no other class.
	Normal Class = iota
	// Latency goroutines run before all others and interrupt them when they
	// become ready. Meant for those that mostly wait.
	Latency
	// Background goroutines run when no other has work.
	Background
)

// String returns the class's name in lower case.
func (c Class) String() string {
	switch c {
	case Normal:
		return "normal"
	case Latency:
		return "latency"
	case Background:
		return "background"
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// Bounds of options.
const (
	DefaultWeight = 100    // weight of a group that names none
	MaxWeight     = 10_000 // largest weight
	MaxGroups     = 64     // groups that can exist at once
	MaxCompute    = 1024   // most threads that WithCompute takes
	MaxNameBytes  = 128    // longest name of a group
	MaxGCDeferral = 4      // most that a collection may be put off for
)

// settings are a group's options, as given.
type settings struct {
	class        Class
	weight       int     // 0: none given
	cpuQuota     float64 // 0: none given
	exclusive    int     // 0: none given
	eagerHandoff bool
	assistExempt bool
	gcDeferral   float64 // 0: none given
	compute      int     // 0: none given
	noStackScan  bool
	normalGC     bool
	err          error // of the first option that is out of range
}

// An Option is given to [New] or [Open].
type Option func(*settings)

// An OptionError reports an option that is out of range.
type OptionError struct {
	Option string // as called, WithCPUQuota(1.5)
	Want   string // the range
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("ggroup: open: %s: want %s", e.Option, e.Want)
}

func (s *settings) fail(option, want string) {
	if s.err == nil {
		s.err = &OptionError{option, want}
	}
}

// within reports whether n is 1 to most. If not, option(n) is refused.
func (s *settings) within(option string, n, most int) bool {
	if n >= 1 && n <= most {
		return true
	}
	s.fail(fmt.Sprintf("%s(%d)", option, n), fmt.Sprintf("1 to %d", most))
	return false
}

// WithClass sets the group's class; without it the class is [Normal].
//
// No class waits for ever: each has a minimum share of the processors while
// it has work, whatever the classes above it do.
func WithClass(c Class) Option {
	return func(s *settings) {
		if c > Background {
			s.fail(fmt.Sprintf("WithClass(%d)", c), "Latency, Normal or Background")
			return
		}
		s.class = c
	}
}

// WithWeight sets the group's share among the groups of its class, relative
// to [DefaultWeight]: 1 to [MaxWeight]. In the class Normal all goroutines
// without a group, and all groups without a weight, share one DefaultWeight.
func WithWeight(weight int) Option {
	return func(s *settings) {
		if s.within("WithWeight", weight, MaxWeight) {
			s.weight = weight
		}
	}
}

// WithCPUQuota limits the group to a share of the program's processor time,
// of GOMAXPROCS processors together: above 0, at most 1. A group that has
// used up its share stops until it is due again, even on an idle machine. It
// may hold a mutex meanwhile: give a quota to work that others do not wait
// for.
func WithCPUQuota(share float64) Option {
	return func(s *settings) {
		if !(share > 0 && share <= 1) {
			s.fail(fmt.Sprintf("WithCPUQuota(%v)", share), "above 0, at most 1")
			return
		}
		s.cpuQuota = share
	}
}

// WithExclusive sets n of the GOMAXPROCS processors aside for the group.
// The group may run on the others too. At least one processor stays for all:
// what cannot be given is reported in [Stats.NotInEffect].
func WithExclusive(n int) Option {
	return func(s *settings) {
		if s.within("WithExclusive", n, 1024) {
			s.exclusive = n
		}
	}
}

// WithEagerHandoff gives a goroutine's processor to others at once when it
// calls C. Stock Go waits until the call has lasted for 20 µs to 20 ms. It
// costs up to 30 µs a call: meant for calls of 100 µs and more.
func WithEagerHandoff() Option {
	return func(s *settings) { s.eagerHandoff = true }
}

// WithAssistExempt lets the group allocate without helping the garbage
// collector. While a collection runs, who allocates has to mark in proportion,
// and waits if there is nothing to mark; goroutines of this group go on, and
// the work is charged to the collector's workers and to the others that
// allocate. No more than a quarter of a collection's work is owed at a time, and
// nothing is excused when the heap has reached its goal, or comes near the
// memory limit: a group that allocates most of all gains little. Meant for
// groups that allocate little and must not wait. Such a group also leaves the
// start of a collection to another goroutine.
func WithAssistExempt() Option {
	return func(s *settings) { s.assistExempt = s.special("WithAssistExempt()") }
}

// WithGCDeferral lets garbage collections wait for the group's critical
// stretches ([Critical]), until the heap is larger by extra than where the
// collection was due: 0.5 is one half. Above 0, at most [MaxGCDeferral]. The
// heap's peak grows by as much. Collections never wait beyond what the memory
// limit allows, for no more than ten seconds, and with GOGC=off not at all.
func WithGCDeferral(extra float64) Option {
	return func(s *settings) {
		if !(extra > 0 && extra <= MaxGCDeferral) {
			s.fail(fmt.Sprintf("WithGCDeferral(%v)", extra), fmt.Sprintf("above 0, at most %d", MaxGCDeferral))
			return
		}
		if s.special(fmt.Sprintf("WithGCDeferral(%v)", extra)) {
			s.gcDeferral = extra
		}
	}
}

// WithCompute says that a C call of the group computes on n threads: the
// caller's and n-1 of the library's, 1 to [MaxCompute]. It keeps its processor
// while the calling thread runs rather than sleeps, and n-1 more are set aside
// meanwhile, so that Go's threads and the library's together never outnumber
// the processors: a library whose threads spin where they meet is 30 to 50
// times as slow with one too many. More than GOMAXPROCS count as GOMAXPROCS.
//
// Others keep an eighth of all processors; while the collector marks, a quarter
// more. Calls that leave them less, while they wait, rest now and then before
// they begin; those of all groups give everything back for a while when they have
// kept all processors for 100 ms. Meant for calls of 100 µs and more: short ones
// are best made outside of the group, see [Group.Do]. With WithEagerHandoff,
// which gives away what this one keeps, this one counts.
func WithCompute(n int) Option {
	return func(s *settings) {
		if s.within("WithCompute", n, MaxCompute) {
			s.compute = n
		}
	}
}

// WithNoStackScan asks the garbage collector not to walk a stack of the group
// when it need not: a goroutine that has only waited since the last cycle, for
// a channel, a lock, a timer or the network, is marked from a list of what its
// stack refers to. That takes a sixth of the time for 12 frames, and 64 to 2 048
// bytes a goroutine outside of the heap, 64 MiB in all; what finds no place is
// walked. Meant for many goroutines that mostly wait, such as connections.
func WithNoStackScan() Option {
	return func(s *settings) { s.noStackScan = s.special("WithNoStackScan()") }
}

// WithNormalGC says in so many words that the garbage collector treats the
// group like any other goroutine, which is the default.
func WithNormalGC() Option {
	return func(s *settings) {
		if s.noStackScan || s.assistExempt || s.gcDeferral != 0 {
			s.fail("WithNormalGC()", "not together with WithNoStackScan(), WithAssistExempt() or WithGCDeferral()")
			return
		}
		s.normalGC = true
	}
}

// special reports whether the collector may treat the group as option says.
func (s *settings) special(option string) bool {
	if s.normalGC {
		s.fail(option, "not together with WithNormalGC()")
	}
	return !s.normalGC
}

// collect applies opts.
func collect(opts []Option) (settings, error) {
	var s settings
	for _, o := range opts {
		if o != nil {
			o(&s)
		}
	}
	return s, s.err
}

// asked lists the options that were given and need the scheduler, or the
// collector, to act.
func (s *settings) asked() []string {
	var list []string
	add := func(given bool, format string, args ...any) {
		if given {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	add(s.class != Normal, "WithClass(%v)", s.class)
	add(s.weight != 0, "WithWeight(%d)", s.weight)
	add(s.cpuQuota != 0, "WithCPUQuota(%v)", s.cpuQuota)
	add(s.exclusive != 0, "WithExclusive(%d)", s.exclusive)
	add(s.eagerHandoff, "WithEagerHandoff()")
	add(s.assistExempt, "WithAssistExempt()")
	add(s.gcDeferral != 0, "WithGCDeferral(%v)", s.gcDeferral)
	add(s.compute != 0, "WithCompute(%d)", s.compute)
	add(s.noStackScan, "WithNoStackScan()")
	return list
}
