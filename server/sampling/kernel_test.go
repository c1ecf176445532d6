package sampling

import (
	"math"
	"math/rand/v2"
	"testing"
)

// rows returns logits of all kinds: of any length, with ties, minus infinity
// and what is not a number.
func randomRow(random *rand.Rand, n int) []float32 {
	row := make([]float32, n)
	spread := []float64{0.001, 1, 4, 30}[random.IntN(4)]
	ties, holes := random.IntN(3) == 0, random.IntN(4) == 0
	for i := range row {
		v := random.NormFloat64() * spread
		if ties {
			v = math.Round(v)
		}
		if holes {
			switch random.IntN(10) {
			case 0:
				v = math.Inf(-1)
			case 1:
				v = math.NaN()
			}
		}
		row[i] = float32(v)
	}
	return row
}

func TestKernelsEqualPortable(t *testing.T) {
	if !vector {
		t.Skip("not supported: this CPU has no AVX2, the kernels are the portable ones")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		row := randomRow(random, group*(1+random.IntN(40)))
		greatest := maximumPortable(row)
		if got := maximumOf(row); got != greatest {
			t.Fatalf("maximum %v, portable %v", got, greatest)
		}
		floor := row[random.IntN(len(row))]
		if random.IntN(3) == 0 {
			floor = greatest
		}
		if got, want := aboveIn(row, floor), abovePortable(row, floor); got != want {
			t.Fatalf("above %v: %d, portable %d", floor, got, want)
		}
		ceiling := row[random.IntN(len(row))]
		if got, want := withinOf(row[:group], floor, ceiling), withinPortable(row[:group], floor, ceiling); got != want {
			t.Fatalf("from %v to %v: %b, portable %b", floor, ceiling, got, want)
		}
		if math.IsInf(float64(greatest), 0) {
			continue
		}
		for _, floor := range []float32{floor, negativeInfinity} {
			scale := []float32{1, 0.5, 1e4, math.MaxFloat32, 0}[random.IntN(5)]
			got, want := expSumOf(row, greatest, scale, floor), expSumPortable(row, greatest, scale, floor)
			if math.Float32bits(got) != math.Float32bits(want) {
				t.Fatalf("sum of %d above %v at scale %v: %v, portable %v", len(row), floor, scale, got, want)
			}
		}
	}
}

// TestPassesOverAnyLength compares with plain loops.
func TestPassesOverAnyLength(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		row := randomRow(random, random.IntN(200))
		greatest, sum, first := negativeInfinity, 0.0, len(row)
		floor := float32(random.NormFloat64())
		for _, v := range row {
			if v > greatest {
				greatest = v
			}
		}
		from := group * random.IntN(1+len(row)/group)
		for i, v := range row {
			if v > floor {
				sum += math.Exp(float64(v) - float64(greatest))
				if i >= from && first == len(row) {
					first = i &^ (group - 1)
				}
			}
		}
		if got := maximum(row); got != greatest {
			t.Fatalf("maximum %v, want %v", got, greatest)
		}
		if got := next(row, from, floor); got != first {
			t.Fatalf("next above %v from %d of %d: %d, want %d", floor, from, len(row), got, first)
		}
		if got := float64(expSum(row, greatest, 1, floor)); math.Abs(got-sum) > 1e-5*sum+1e-30 {
			t.Fatalf("sum %v, want %v", got, sum)
		}
	}
}

func TestExp(t *testing.T) {
	worst := 0.0
	for x := float32(expLow) + 0.001; x <= 0; x += 0.0007 {
		want := math.Exp(float64(x))
		worst = max(worst, math.Abs(float64(exp(x))-want)/want)
	}
	if worst > 3e-7 {
		t.Errorf("relative error %v", worst)
	}
	for x, want := range map[float32]float32{0: 1, expLow: 0, -1e30: 0, negativeInfinity: 0, float32(math.NaN()): 0} {
		if got := exp(x); got != want {
			t.Errorf("exp(%v) is %v, want %v", x, got, want)
		}
	}
}

func TestKeysOrderByLogitThenToken(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 10000 {
		row := randomRow(random, 2)
		a, b := orImpossible(row[0]), orImpossible(row[1])
		ka, kb := keyOf(a, 7), keyOf(b, 9)
		if ka.Token() != 7 || kb.Token() != 9 || ka.Logit() != a || kb.Logit() != b {
			t.Fatalf("keys of %v and %v give %v %v", a, b, ka.Logit(), kb.Logit())
		}
		if (ka > kb) != (a >= b) {
			t.Fatalf("keys of %v and %v out of order", a, b)
		}
	}
	if negative := float32(math.Copysign(0, -1)); keyOf(negative, 1) < keyOf(0, 2) {
		t.Error("the two zeros differ")
	}
}
