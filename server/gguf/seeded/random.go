package seeded

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/weirgo/weir/server/gguf"
)

// rowsPerBlock is how many rows one stream of random numbers fills. Blocks
// are what cores share, and part of the file format: changing it changes
// every model.
const rowsPerBlock = 64

// fillBlock appends the elements of rows [first, last) of a matrix, which are
// block number first/rowsPerBlock. Only single multiplications of float32 are
// used: no machine rounds them differently.
func (w *weights) fillBlock(dst []byte, seed uint64, first, last int) []byte {
	columns := int(w.Shape[0])
	name := fnv.New64a()
	name.Write([]byte(w.Name))
	random := rand.New(rand.NewPCG(seed^name.Sum64(), uint64(first/rowsPerBlock)))
	// The step of a 16-bit signed number so that a uniform one has the spread:
	// the standard deviation of [-1, 1) is 1/√3.
	step := float32(float64(w.spread) * math.Sqrt(3) / (1 << 15))
	var bits uint64
	for row := first; row < last; row++ {
		scale := step
		if w.rowGain != nil {
			scale = step * w.rowGain(row)
		}
		for column := range columns {
			if column%4 == 0 {
				bits = random.Uint64()
			}
			value := float32(int16(bits)) * scale
			bits >>= 16
			if w.Type == gguf.F16 {
				dst = binary.LittleEndian.AppendUint16(dst, float16Bits(value))
			} else {
				dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(value))
			}
		}
	}
	return dst
}

// fillOnes appends n ones of type F32.
func fillOnes(dst []byte, n int) []byte {
	for range n {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(1))
	}
	return dst
}

// float16Bits returns the nearest half-precision number, ties to even.
func float16Bits(value float32) uint16 {
	bits := math.Float32bits(value)
	sign := uint16(bits >> 16 & 0x8000)
	exponent := int(bits>>23&0xff) - 127 + 15
	fraction := bits & 0x7fffff
	switch {
	case bits&0x7fffffff > 0x7f800000: // NaN
		return sign | 0x7e00
	case exponent >= 31: // too large: infinity
		return sign | 0x7c00
	case exponent < -10: // less than half of the smallest number
		return sign
	case exponent <= 0: // subnormal: the leading 1 becomes explicit
		return sign | uint16(roundShift(fraction|0x800000, uint(14-exponent)))
	}
	// A carry out of the fraction moves the exponent up, as it should.
	return sign | uint16(roundShift(uint32(exponent)<<23|fraction, 13))
}

// roundShift returns n >> shift, rounded to nearest, ties to even.
func roundShift(n uint32, shift uint) uint32 {
	half := uint32(1) << (shift - 1)
	odd := n >> shift & 1
	return (n + half - 1 + odd) >> shift
}
