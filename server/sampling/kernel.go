package sampling

// The passes over logits. A value that is not a number counts as less than all
// others in each of them.

// blockValues is how much of a row a kernel is given at once, and group what it
// looks at together.
const (
	blockValues = 1024
	group       = 32
	lanes       = 8
)

// maximum returns the greatest value, minus infinity if there is none.
func maximum(v []float32) float32 {
	whole := len(v) &^ (group - 1)
	greatest := negativeInfinity
	if whole > 0 {
		greatest = maximumOf(v[:whole])
	}
	for _, x := range v[whole:] {
		if x > greatest {
			greatest = x
		}
	}
	return greatest
}

// next returns the index, at or after from, of a group that holds a value above
// floor, or len(v). Groups begin at multiples of group, and so does from unless
// it is len(v).
func next(v []float32, from int, floor float32) int {
	whole := len(v) &^ (group - 1)
	if from < whole {
		if from += aboveIn(v[from:whole], floor); from < whole {
			return from
		}
	}
	for _, x := range v[from:] {
		if x > floor {
			return from
		}
	}
	return len(v)
}

// within returns which of up to group values are above floor and not above
// ceiling, a bit each.
func within(v []float32, floor, ceiling float32) uint32 {
	if len(v) == group {
		return withinOf(v, floor, ceiling)
	}
	return withinPortable(v, floor, ceiling)
}

// expSum returns the sum of exp((x - shift)·scale) over the values above floor.
// No value is above shift; scale is not negative.
func expSum(v []float32, shift, scale, floor float32) float32 {
	whole := len(v) &^ (group - 1)
	var sum float32
	if whole > 0 {
		sum = expSumOf(v[:whole], shift, scale, floor)
	}
	for _, x := range v[whole:] {
		if x > floor {
			sum += weight(x, shift, scale)
		}
	}
	return sum
}

func maximumPortable(v []float32) float32 {
	greatest := negativeInfinity
	for _, x := range v {
		if x > greatest {
			greatest = x
		}
	}
	return greatest
}

func abovePortable(v []float32, floor float32) int {
	for i, x := range v {
		if x > floor {
			return i &^ (group - 1)
		}
	}
	return len(v)
}

func withinPortable(v []float32, floor, ceiling float32) (mask uint32) {
	for i, x := range v {
		if x > floor && x <= ceiling {
			mask |= 1 << i
		}
	}
	return mask
}

// expSumPortable adds up in the order of the lanes of a vector.
func expSumPortable(v []float32, shift, scale, floor float32) float32 {
	var sums [lanes]float32
	for ; len(v) >= lanes; v = v[lanes:] {
		for i, x := range v[:lanes] {
			if x > floor {
				sums[i] += weight(x, shift, scale)
			}
		}
	}
	for half := lanes / 2; half > 0; half /= 2 {
		for i := range half {
			sums[i] += sums[i+half]
		}
	}
	return sums[0]
}
