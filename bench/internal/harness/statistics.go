package harness

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/perf/benchmath"

	"github.com/weirgo/weir/bench/internal/sample"
)

// confidence is that of every interval reported.
const confidence = 0.95

// bootstrapSamples is how often the rounds are drawn again for a ratio's
// interval: enough that its ends move by less than a percent of its width.
const bootstrapSamples = 4000

// Spread sums up the values of one measurement of one arm.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // of the median's confidence interval;
	High   float64 `json:"high"` // with too few values, the smallest and largest
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"`
}

// newSpread sums up at least one value.
func newSpread(values []float64) Spread {
	sample := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	summary := benchmath.AssumeNothing.Summary(sample, confidence)
	s := Spread{
		Median: summary.Center, Low: summary.Lo, High: summary.Hi,
		Min: sample.Values[0], Max: sample.Values[len(values)-1], N: len(values),
	}
	if math.IsInf(s.Low, 0) || math.IsInf(s.High, 0) {
		s.Low, s.High = s.Min, s.Max
	}
	return s
}

// Ratio is weir over stock, or new over old, with its confidence interval.
type Ratio struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

var errNoRatio = errors.New("harness: compute ratio: the base's median is zero")

// newRatio divides the medians. Values at the same index are of one round.
func newRatio(stock, weir []float64) (Ratio, error) {
	center, ok := divide(sample.Median(stock), sample.Median(weir))
	if !ok {
		return Ratio{}, errNoRatio
	}
	rng := rand.New(rand.NewPCG(1, uint64(len(stock))))
	ratios := make([]float64, 0, bootstrapSamples)
	drawnStock, drawnWeir := make([]float64, len(stock)), make([]float64, len(weir))
	for range bootstrapSamples {
		for i := range drawnStock {
			round := rng.IntN(len(stock))
			drawnStock[i], drawnWeir[i] = stock[round], weir[round]
		}
		if ratio, ok := divide(sample.Median(drawnStock), sample.Median(drawnWeir)); ok {
			ratios = append(ratios, ratio)
		}
	}
	if len(ratios) == 0 {
		return Ratio{}, errNoRatio
	}
	slices.Sort(ratios)
	tail := int(math.Floor((1 - confidence) / 2 * float64(len(ratios))))
	return Ratio{
		Median: center,
		Low:    min(center, ratios[tail]),
		High:   max(center, ratios[len(ratios)-1-tail]),
	}, nil
}

// divide returns weir/stock. Two zeros are equal; something over nothing has
// no ratio.
func divide(stock, weir float64) (float64, bool) {
	switch {
	case stock != 0:
		return weir / stock, true
	case weir == 0:
		return 1, true
	}
	return 0, false
}

// probability is the U test's p: that two arms differ this much by chance.
func probability(a, b []float64) float64 {
	return benchmath.AssumeNothing.Compare(
		benchmath.NewSample(slices.Clone(a), &benchmath.DefaultThresholds),
		benchmath.NewSample(slices.Clone(b), &benchmath.DefaultThresholds),
	).P
}
