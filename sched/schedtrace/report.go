package schedtrace

import "time"

// Config says what counts as abnormal, and how much is kept.
type Config struct {
	// Park is the threshold of park→scheduled, and Run that of schedule→execute: what
	// is longer is counted as over it. 0 is [DefaultPark] and [DefaultRun].
	Park, Run time.Duration
	// Worst is how many of the longest latencies of each kind are told with what ran
	// instead, at most [MaxWorst]. 0 is [DefaultWorst], and what is below none.
	Worst int
}

const (
	DefaultPark  = 80 * time.Microsecond
	DefaultRun   = 25 * time.Microsecond
	DefaultWorst = 10
	MaxWorst     = 1000
)

func (c Config) withDefaults() Config {
	if c.Park <= 0 {
		c.Park = DefaultPark
	}
	if c.Run <= 0 {
		c.Run = DefaultRun
	}
	if c.Worst == 0 {
		c.Worst = DefaultWorst
	}
	c.Worst = min(max(c.Worst, 0), MaxWorst)
	return c
}

// A Report is what a trace tells of the scheduler. Times are in ns, and those since the
// trace began are so called. The runtime's own goroutines (mark workers, the sweeper)
// have groups, and are in Ps and Totals, but in nothing else. Lists have an order
// that depends on the trace alone.
type Report struct {
	Trace   Trace     `json:"trace"`
	Park    Latency   `json:"park"`
	Run     Latency   `json:"run"`
	Origins []Origins `json:"origins"`
	// Groups is in the order of how long their goroutines waited for a P in all.
	Groups []Group `json:"groups"`
	Ps     []PTime `json:"ps"`
	Totals Totals  `json:"totals"`
}

// Trace is the trace itself.
type Trace struct {
	Ns         int64 `json:"ns"` // from its first event to its last
	Events     int64 `json:"events"`
	Goroutines int64 `json:"goroutines"` // that it mentions
	GOMAXPROCS int   `json:"gomaxprocs"` // at its end
}

// A Latency is all latencies of one kind. Quantiles are within 1 %, Max is exact.
type Latency struct {
	ThresholdNs int64       `json:"threshold_ns"`
	Count       int64       `json:"count"`
	Over        int64       `json:"over"` // the threshold
	SumNs       int64       `json:"sum_ns"`
	P50Ns       int64       `json:"p50_ns"`
	P90Ns       int64       `json:"p90_ns"`
	P95Ns       int64       `json:"p95_ns"`
	P99Ns       int64       `json:"p99_ns"`
	MaxNs       int64       `json:"max_ns"`
	Causes      []CauseRow  `json:"causes"`          // with some time, in the order of it
	Worst       []WorstCase `json:"worst,omitempty"` // of all groups, the longest first
	quantile    func(percent float64) int64
}

// Quantile is for 0 to 100 percent, 0 of no latency.
func (l *Latency) Quantile(percent float64) int64 {
	if l.quantile == nil {
		return 0
	}
	return l.quantile(percent)
}

// A CauseRow is a cause's part. Count and Over are of latencies that have more of their
// time from it than from any other, Ns is its time in all latencies.
type CauseRow struct {
	Cause Cause `json:"cause"`
	Count int64 `json:"count"`
	Over  int64 `json:"over"`
	Ns    int64 `json:"ns"`
}

// Origins are the times that goroutines were ready to run which became so in one way.
type Origins struct {
	Origin Origin `json:"origin"`
	Count  int64  `json:"count"`
	Ns     int64  `json:"ns"`
	MaxNs  int64  `json:"max_ns"`
}

// A Group is the goroutines that package ggroup logged in one group (GGroup), or that
// started in one function.
type Group struct {
	Name    string  `json:"name"`
	GGroup  bool    `json:"ggroup"`
	Runtime bool    `json:"runtime"` // the runtime's own
	Park    Latency `json:"park"`
	Run     Latency `json:"run"`
}

// A WorstCase is one of the longest latencies.
type WorstCase struct {
	Ns        int64      `json:"ns"`
	FromNs    int64      `json:"from_ns"` // since the trace began
	Goroutine int64      `json:"goroutine"`
	Group     string     `json:"group"`
	Start     string     `json:"start"` // the function that it started in
	At        string     `json:"at"`    // .. and where it was
	Origin    Origin     `json:"origin"`
	WaitedFor string     `json:"waited_for,omitempty"` // the runtime's words for it
	WokenBy   string     `json:"woken_by,omitempty"`
	Cause     Cause      `json:"cause"` // of most of the time
	Parts     []CauseRow `json:"parts"` // Ns alone
	Stops     []Stop     `json:"stops,omitempty"`
	// Ran is what all Ps did meanwhile, the longest first, and Others what is not in it.
	Ran    []Ran `json:"ran"`
	Others Ran   `json:"others"`
	// KnownFromNs is since when Ran is complete, since the trace began. It is later than
	// FromNs if the Ps did more than what is kept of them.
	KnownFromNs int64 `json:"known_from_ns"`
}

// Ran is what a P did, in one or several stretches.
type Ran struct {
	P         int    `json:"p"` // -1 for several
	Use       Use    `json:"use"`
	Goroutine int64  `json:"goroutine,omitempty"`
	Group     string `json:"group,omitempty"`
	Start     string `json:"start,omitempty"` // the function that the goroutine started in
	At        string `json:"at,omitempty"`    // where it stopped, or called
	Ns        int64  `json:"ns"`
	Count     int    `json:"count"` // stretches
}

// A Stop is a stop of the world, as long as it was within a latency.
type Stop struct {
	Reason string `json:"reason"`
	Ns     int64  `json:"ns"`
}

// PTime is how long Ps did something, all together.
type PTime struct {
	Use Use   `json:"use"`
	Ns  int64 `json:"ns"`
}

// A Total is a number of intervals, the time of all and of the longest.
type Total struct {
	Count int64 `json:"count"`
	Ns    int64 `json:"ns"`
	MaxNs int64 `json:"max_ns"`
}

// Totals are of all goroutines, the runtime's own too. The first four are what go tool
// trace -pprof=sched, sync, net and syscall add up to: without an interval that is open
// at the trace's beginning or end, or in which a goroutine has not run yet that will.
type Totals struct {
	Sched   Total `json:"sched"`
	Sync    Total `json:"sync"`
	Network Total `json:"network"`
	Syscall Total `json:"syscall"`
	// STW is from when a stop begins until goroutines run again, without the tracer's
	// own; Mark the concurrent mark phases; Assist what goroutines assist in them,
	// also while they wait in it.
	STW    Total `json:"stw"`
	Mark   Total `json:"mark"`
	Assist Total `json:"assist"`
}

func (s sum) total() Total { return Total{s.count, s.ns, s.maxNs} }
