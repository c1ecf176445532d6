package sampling

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// all returns the keys of a row, likeliest first, by sorting it.
func all(row []float32) (keys []Key) {
	for t, v := range row {
		keys = append(keys, keyOf(orImpossible(v), t))
	}
	Sort(keys)
	return keys
}

// readRow makes a row that can be read.
func readRow(random *rand.Rand, r *Row, n int) []float32 {
	row := randomRow(random, n)
	row[random.IntN(n)] = 1.5
	if err := r.Read(row); err != nil {
		panic(err)
	}
	return row
}

func TestTopEqualsSorting(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	var r Row
	for range 100 {
		row := readRow(random, &r, 1+random.IntN(6000*(1+3*random.IntN(2))))
		want := all(row)
		if got := r.Likeliest(); got != want[0] {
			t.Fatalf("likeliest is %v, want %v", got, want[0])
		}
		for _, n := range []int{0, 1, 5, heapKeys, heapKeys + 1, len(row) / 2, len(row)} {
			n = min(n, len(row))
			got := make([]Key, n)
			r.Top(got)
			// Tokens that cannot be are as good as each other.
			if Sort(got); !slices.EqualFunc(got, want[:n], same) {
				t.Fatalf("top %d of %d differ from sorting", n, len(row))
			}
		}
	}
}

// same tells whether two keys are equal, all impossible tokens being so.
func same(a, b Key) bool { return a == b || a.Logit() == b.Logit() && a.Logit() == negativeInfinity }

func TestReachEqualsSorting(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	var r Row
	for range 100 {
		row := readRow(random, &r, 1+random.IntN(6000*(1+3*random.IntN(2))))
		keys := all(row)
		keys = keys[:slices.IndexFunc(append(keys, 0), func(k Key) bool { return k.Logit() == negativeInfinity || k == 0 })]
		n := 1 + random.IntN(len(keys))
		if got := r.reach(0, float64(n), float64(len(row)), number); got != keys[n-1] {
			t.Fatalf("%d of %d are reached at %v, want %v", n, len(row), got, keys[n-1])
		}
		cut := keys[n-1]
		sum, target := 0.0, 0.0
		for _, k := range keys[:n] {
			sum += float64(exp(k.Logit() - r.greatest))
		}
		target = sum * random.Float64()
		got := r.reach(cut, target, sum, mass)
		before, at := 0.0, slices.Index(keys, got)
		for _, k := range keys[:at] {
			before += float64(exp(k.Logit() - r.greatest))
		}
		after := before + float64(exp(got.Logit()-r.greatest))
		if slack := 1e-5 * sum; at >= n || before > target+slack || after < target-slack {
			t.Fatalf("%v of %v is reached at key %d of %d, from %v to %v", target, sum, at, n, before, after)
		}
		got = r.reach(cut, 2*sum+1, sum, mass)
		for _, k := range keys[:n] {
			if k < got && exp(k.Logit()-r.greatest) > 0 {
				t.Fatalf("what is not reached gives %v, leaving out %v", got, k)
			}
		}
	}
}

func TestLogSumIsStable(t *testing.T) {
	for _, c := range []struct {
		logits []float32
		want   float64
	}{
		{[]float32{0}, 0},
		{[]float32{1000, 1000}, 1000 + math.Ln2},
		{[]float32{-1000, -1000}, -1000 + math.Ln2},
		{[]float32{5, negativeInfinity, float32(math.NaN())}, 5},
		{slices.Repeat([]float32{-3}, 152064), -3 + math.Log(152064)},
	} {
		var r Row
		if err := r.Read(c.logits); err != nil {
			t.Fatal(err)
		}
		if got := r.LogSum(); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%d logits: got %v, want %v", len(c.logits), got, c.want)
		}
	}
}

func TestRowsWithoutMaximum(t *testing.T) {
	for _, bad := range [][]float32{
		nil, {float32(math.NaN())}, {negativeInfinity, negativeInfinity}, {1, float32(math.Inf(1))},
		slices.Repeat([]float32{float32(math.NaN())}, 100),
	} {
		var r Row
		if err := r.Read(bad); !errors.Is(err, ErrNoMaximum) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// TestReadingDoesNotAllocate holds for rows after the first.
func TestReadingDoesNotAllocate(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	var r Row
	row := readRow(random, &r, 20000)
	samplers := make([]*Sampler, len(chains))
	for i, steps := range chains {
		samplers[i] = New(steps)
	}
	top := make([]Key, 5)
	read := func() {
		if err := r.Read(row); err != nil {
			t.Fatal(err)
		}
		for _, s := range samplers {
			sample(t, s, &r)
		}
		r.LogSum()
		r.Top(top)
	}
	read()
	if n := testing.AllocsPerRun(10, read); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func byToken(a, b Chance) int { return cmp.Compare(a.Token, b.Token) }
