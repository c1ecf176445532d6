package sampling

import "golang.org/x/sys/cpu"

// vector says whether the assembly may run.
var vector = cpu.X86.HasAVX2

func maximumOf(v []float32) float32 {
	if vector {
		return maximumAVX2(&v[0], len(v))
	}
	return maximumPortable(v)
}

func aboveIn(v []float32, floor float32) int {
	if vector {
		return aboveAVX2(&v[0], len(v), floor)
	}
	return abovePortable(v, floor)
}

func withinOf(v []float32, floor, ceiling float32) uint32 {
	if vector {
		return withinAVX2(&v[0], floor, ceiling)
	}
	return withinPortable(v, floor, ceiling)
}

func expSumOf(v []float32, shift, scale, floor float32) float32 {
	if vector {
		return expSumAVX2(&v[0], len(v), shift, scale, floor)
	}
	return expSumPortable(v, shift, scale, floor)
}

// maximumAVX2 is maximumPortable; n is a positive multiple of group.
//
//go:noescape
func maximumAVX2(v *float32, n int) float32

// aboveAVX2 is abovePortable; n is a positive multiple of group.
//
//go:noescape
func aboveAVX2(v *float32, n int, floor float32) int

// withinAVX2 is withinPortable of a group.
//
//go:noescape
func withinAVX2(v *float32, floor, ceiling float32) uint32

// expSumAVX2 is expSumPortable; n is a positive multiple of group.
//
//go:noescape
func expSumAVX2(v *float32, n int, shift, scale, floor float32) float32
