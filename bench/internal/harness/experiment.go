package harness

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Toolchain names one of the two compilers of an experiment.
type Toolchain string

// The two toolchains.
const (
	Stock Toolchain = "stock"
	Weir  Toolchain = "weir"
)

// Direction says which way a measurement is better.
type Direction string

// Directions.
const (
	LowerIsBetter  Direction = "lower is better"
	HigherIsBetter Direction = "higher is better"
)

// DefaultTimeout bounds a child whose experiment names no other bound.
const DefaultTimeout = 2 * time.Minute

// maxLayouts bounds the binaries that an experiment leaves on the disk.
const maxLayouts = 20

// Experiment declares what is compared and when it holds.
type Experiment struct {
	ID    string // also its command, bench/<id>, and its file, <id>.json
	Title string // one line

	Claim    string // what the article says, its figures included
	Mistaken string // where the article is technically wrong, or ""

	Metric string // the measurement that decides
	Label  string // the same in words
	Unit   string
	Better Direction
	Bars   []Bar // all must hold; at least one

	// Arms are what a round runs. Nil means the experiment's command built
	// by each toolchain, named "stock" and "weir". Arms of these two names
	// must exist: they are the result's two sides.
	Arms []Arm
	// Packages are built by both toolchains besides bench/<id>, into
	// ${stock}/<base name> and ${weir}/<base name>.
	Packages []string
	// Tests are packages whose test binaries are built by both toolchains,
	// into ${stock}/<base name>.test and ${weir}/<base name>.test. One of
	// the standard library is the toolchain's own.
	Tests []string
	// Layouts, if not 0, is how many binaries are linked of each of Tests,
	// <base name>.1.test to <base name>.<Layouts>.test, each with its
	// functions in another order. Rounds take them in turns: where a loop
	// happens to lie in memory moves a benchmark by more than what is looked
	// for here, and so becomes part of the spread between rounds.
	Layouts int
	// Rounds, if not 0, is the number of rounds in place of DefaultRounds, for
	// children so short that a round takes seconds.
	Rounds int
	// Paired takes the median of the rounds' ratios in place of the ratio of
	// the arms' medians: for short children whose arms run side by side, on a
	// machine that drifts.
	Paired bool
	// Derive, if not nil, adds to each round's measurements what follows
	// from several arms, such as a share of the reference.
	Derive func(Round) error
	// Quick are the arguments that shorten a child for a smoke run.
	Quick []string
	// Timeout bounds one child. Default DefaultTimeout.
	Timeout time.Duration
}

// Arm is one thing compared.
type Arm struct {
	Name string
	// Toolchain is the one that built the command this arm runs.
	Toolchain Toolchain
	// Args are the command's arguments. ${stock} and ${weir} stand for the
	// directories of the two toolchains' binaries, ${root} for the module's,
	// ${layout} for the number of the round's layout.
	Args []string
}

// Measurements are named values, as one child measured them.
type Measurements map[string]float64

// Round is what one round measured, by the arm's name.
type Round map[string]Measurements

// Bound says on which side of its limit a bar holds.
type Bound string

// Bounds.
const (
	AtLeast Bound = "≥"
	AtMost  Bound = "≤"
)

// Bar is a condition on the medians, or on every round.
type Bar struct {
	Text   string // in words
	Metric string // default: the experiment's
	Arm    string // whose median; default "weir"
	Ratio  bool   // the median of weir/stock instead
	// BeyondNoise misses the bar only if the whole confidence interval lies
	// on the wrong side.
	BeyondNoise bool
	// EachRound holds the worst round against the limit, in place of the
	// median: for what must never happen.
	EachRound bool
	Bound     Bound
	Limit     float64
}

// holds reports whether value is on the bar's good side.
func (b Bar) holds(value float64) bool {
	if b.Bound == AtLeast {
		return value >= b.Limit
	}
	return value <= b.Limit
}

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,31}$`)

// Check reports what is wrong with the declaration.
func (e Experiment) Check() error {
	_, err := e.complete()
	return err
}

// complete returns the experiment with its defaults, or what is wrong with
// its declaration.
func (e Experiment) complete() (Experiment, error) {
	fail := func(format string, args ...any) (Experiment, error) {
		return e, fmt.Errorf("harness: declare %s: %s", e.ID, fmt.Sprintf(format, args...))
	}
	if !idPattern.MatchString(e.ID) {
		return fail("id is not a short lower-case word")
	}
	if e.Metric == "" || e.Label == "" || e.Unit == "" || e.Title == "" || e.Claim == "" {
		return fail("title, claim, metric, label and unit must be set")
	}
	if e.Better != LowerIsBetter && e.Better != HigherIsBetter {
		return fail("direction %q is not known", e.Better)
	}
	if e.Timeout == 0 {
		e.Timeout = DefaultTimeout
	}
	if e.Arms == nil {
		e.Arms = []Arm{{Name: "stock", Toolchain: Stock}, {Name: "weir", Toolchain: Weir}}
	}
	names := make(map[string]bool)
	for _, arm := range e.Arms {
		if names[arm.Name] || arm.Toolchain != Stock && arm.Toolchain != Weir {
			return fail("arm %q is there twice or has no toolchain", arm.Name)
		}
		names[arm.Name] = true
	}
	if !names["stock"] || !names["weir"] {
		return fail("arms stock and weir must be among its arms")
	}
	if len(e.Bars) == 0 {
		return fail("it has no bar")
	}
	if e.Rounds < 0 || e.Rounds > maxRounds {
		return fail("%d rounds: use 0 to %d", e.Rounds, maxRounds)
	}
	if e.Layouts < 0 || e.Layouts > maxLayouts {
		return fail("%d layouts: use 0 to %d", e.Layouts, maxLayouts)
	}
	e.Bars = slices.Clone(e.Bars)
	for i := range e.Bars {
		bar := &e.Bars[i]
		if bar.Metric == "" {
			bar.Metric = e.Metric
		}
		if bar.Arm == "" {
			bar.Arm = "weir"
		}
		if bar.Bound != AtLeast && bar.Bound != AtMost || !names[bar.Arm] || bar.Text == "" {
			return fail("bar %d has no text, no bound, or an unknown arm", i)
		}
		if bar.EachRound && (bar.Ratio || bar.BeyondNoise) {
			return fail("bar %d is of each round, and so neither of the ratio nor beyond noise", i)
		}
	}
	return e, nil
}

// order returns the arms of a round as indexes: forward in even rounds,
// backward in odd ones.
func order(arms, round int) []int {
	indexes := make([]int, arms)
	for i := range indexes {
		indexes[i] = i
	}
	if round%2 == 1 {
		slices.Reverse(indexes)
	}
	return indexes
}
