//go:build !amd64

package sampling

func maximumOf(v []float32) float32 { return maximumPortable(v) }

func aboveIn(v []float32, floor float32) int { return abovePortable(v, floor) }

func withinOf(v []float32, floor, ceiling float32) uint32 { return withinPortable(v, floor, ceiling) }

func expSumOf(v []float32, shift, scale, floor float32) float32 {
	return expSumPortable(v, shift, scale, floor)
}
