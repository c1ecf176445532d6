package experiment

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

// MaxRounds is the most that is kept in memory.
const MaxRounds = 1000

// Declaration declares what is compared and when it holds.
type Declaration struct {
	ID    string // its folder, bench/<id>, whose measure/ is its command; its file is <id>.json
	Title string // one line

	Claim    string // what the article says, its figures included
	Mistaken string // where the article is technically wrong, or ""

	Metric string // the measurement that decides
	Label  string // the same in words
	Unit   string
	Better Direction
	Bars   []Bar // all must hold; at least one
	// Metrics are all that the command measures and Derive adds.
	Metrics []Metric

	// Figure, if not nil, is what the plot shows in place of the deciding metric.
	Figure *Figure

	// Arms are what a round runs. Nil means the experiment's command built
	// by each toolchain, named "stock" and "weir". Arms of these two names
	// must exist: they are the result's two sides.
	Arms []Arm
	// Packages are built by both toolchains besides the command, into
	// ${stock}/<base name> and ${weir}/<base name>.
	Packages []Package
	// Tests are packages whose test binaries are built by both toolchains,
	// into ${stock}/<base name>.test and ${weir}/<base name>.test. One of
	// the standard library is the toolchain's own.
	Tests []string
	// Rounds, if not 0, is the number of rounds in place of DefaultRounds:
	// fewer where what is measured hardly varies.
	Rounds int
	// Derive, if not nil, adds to each round's measurements what follows
	// from several arms, such as a share of the reference.
	Derive func(Round) error
	// Quick are the arguments that shorten a child for a smoke run.
	Quick []string
	// Timeout bounds one child. Default DefaultTimeout.
	Timeout time.Duration
}

// Figure is a plot of several measurements in one unit, each of the arms stock and
// weir.
type Figure struct {
	Metrics []string // from top to bottom, as the command sets them
	Label   string   // of the axis
}

// Package is one that is built for an experiment.
type Package struct {
	Path    string // from the module's root, such as ./server/cmd/weir
	Tags    string // build tags that it needs, separated by commas
	LDFlags string // the linker's flags that it needs
}

// Arm is one thing compared.
type Arm struct {
	Name string
	// Toolchain is the one that built the command this arm runs.
	Toolchain Toolchain
	// Args are the command's arguments. ${stock} and ${weir} stand for the
	// directories of the two toolchains' binaries, ${root} for the module's.
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

// Admits reports whether value is on the bar's good side.
func (b Bar) Admits(value float64) bool {
	if b.Bound == AtLeast {
		return value >= b.Limit
	}
	return value <= b.Limit
}

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,31}$`)

// Complete returns the declaration with its defaults, or what is wrong with it.
func (d Declaration) Complete() (Declaration, error) {
	fail := func(format string, args ...any) (Declaration, error) {
		return d, fmt.Errorf("experiment: declare %s: %s", d.ID, fmt.Sprintf(format, args...))
	}
	if !idPattern.MatchString(d.ID) {
		return fail("id is not a short lower-case word")
	}
	if d.Metric == "" || d.Label == "" || d.Unit == "" || d.Title == "" || d.Claim == "" {
		return fail("title, claim, metric, label and unit must be set")
	}
	if d.Better != LowerIsBetter && d.Better != HigherIsBetter {
		return fail("direction %q is not known", d.Better)
	}
	if d.Timeout == 0 {
		d.Timeout = DefaultTimeout
	}
	if d.Arms == nil {
		d.Arms = []Arm{{Name: "stock", Toolchain: Stock}, {Name: "weir", Toolchain: Weir}}
	}
	if f := d.Figure; f != nil && (len(f.Metrics) == 0 || f.Label == "") {
		return fail("its figure has no metric or no label")
	}
	names := make(map[string]bool)
	for _, arm := range d.Arms {
		if names[arm.Name] || arm.Toolchain != Stock && arm.Toolchain != Weir {
			return fail("arm %q is there twice or has no toolchain", arm.Name)
		}
		names[arm.Name] = true
	}
	if !names["stock"] || !names["weir"] {
		return fail("arms stock and weir must be among its arms")
	}
	if len(d.Bars) == 0 || len(d.Metrics) == 0 {
		return fail("it has no bar or no metric")
	}
	if d.Rounds < 0 || d.Rounds > MaxRounds {
		return fail("%d rounds: use 0 to %d", d.Rounds, MaxRounds)
	}
	d.Bars = slices.Clone(d.Bars)
	for i := range d.Bars {
		bar := &d.Bars[i]
		if bar.Metric == "" {
			bar.Metric = d.Metric
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
	return d, nil
}
