package harness

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/weirgo/weir/bench/internal/sample"
)

func TestSpread(t *testing.T) {
	tests := []struct {
		values []float64
		want   Spread
	}{
		{[]float64{7}, Spread{7, 7, 7, 7, 7, 1}},
		{[]float64{3, 1, 2}, Spread{2, 1, 3, 1, 3, 3}}, // too few for an interval
		// The order statistics 2 and 9 of ten enclose the median with 97.9 %.
		{[]float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, Spread{5.5, 2, 9, 1, 10, 10}},
	}
	for _, test := range tests {
		if got := newSpread(test.values); got != test.want {
			t.Errorf("newSpread(%v) = %+v, want %+v", test.values, got, test.want)
		}
	}
}

func TestSpreadLeavesItsInputAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	newSpread(values)
	if sample.Median(values) != 2 || probability(values, values) < 0.5 || values[0] != 3 || values[2] != 2 {
		t.Errorf("values are now %v", values)
	}
}

func TestRatio(t *testing.T) {
	// Whatever the round's weather, weir takes half: paired rounds know it.
	var stock, weir []float64
	for weather := 1.0; weather <= 10; weather++ {
		stock, weir = append(stock, 10*weather), append(weir, 5*weather)
	}
	ratio, err := newRatio(stock, weir)
	if err != nil || ratio != (Ratio{0.5, 0.5, 0.5}) {
		t.Errorf("newRatio = %+v, %v", ratio, err)
	}
	again, _ := newRatio(stock, weir)
	if again != ratio {
		t.Errorf("the interval changed from %+v to %+v", ratio, again)
	}
}

func TestRatioOfNothing(t *testing.T) {
	if ratio, err := newRatio([]float64{0, 0}, []float64{0, 0}); err != nil || ratio != (Ratio{1, 1, 1}) {
		t.Errorf("nothing over nothing = %+v, %v", ratio, err)
	}
	if _, err := newRatio([]float64{0, 0}, []float64{1, 2}); !errors.Is(err, errNoRatio) {
		t.Errorf("something over nothing: %v", err)
	}
}

// TestRatioCovers draws samples whose true ratio is known and counts how often
// the interval holds it.
func TestRatioCovers(t *testing.T) {
	const truth, trials = 0.8, 200
	rng := rand.New(rand.NewPCG(1, 2))
	covered := 0
	for range trials {
		stock, weir := make([]float64, 12), make([]float64, 12)
		for i := range stock {
			stock[i] = 100 * math.Exp(rng.NormFloat64()*0.1)
			weir[i] = truth * 100 * math.Exp(rng.NormFloat64()*0.1)
		}
		ratio, err := newRatio(stock, weir)
		if err != nil || ratio.Low > ratio.Median || ratio.High < ratio.Median {
			t.Fatalf("newRatio = %+v, %v", ratio, err)
		}
		if ratio.Low <= truth && truth <= ratio.High {
			covered++
		}
	}
	if covered < trials*85/100 {
		t.Errorf("the 95 %% interval held the true ratio in %d of %d trials", covered, trials)
	}
}

func TestProbability(t *testing.T) {
	low, high := []float64{1, 2, 3, 4, 5, 6}, []float64{11, 12, 13, 14, 15, 16}
	if p := probability(low, high); p > 0.01 {
		t.Errorf("p of disjoint samples is %v", p)
	}
	if p := probability(low, low); p < 0.5 {
		t.Errorf("p of equal samples is %v", p)
	}
}
