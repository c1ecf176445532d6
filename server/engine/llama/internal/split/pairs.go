package split

import (
	"iter"
	"math/bits"
)

// pairs is which characters are neighbours in a piece of a vocabulary: a bitmap
// under a hash of both. Two that share their bit with others only look like
// neighbours, which costs a place to cut.
type pairs struct {
	bits  []uint64
	shift uint // 64 less the bitmap's size as a power of two
}

// bitsPerPair keeps the bitmap at most an eighth full.
const bitsPerPair = 8

func newPairs(pieces iter.Seq[string]) *pairs {
	count := 0
	for piece := range pieces {
		count += len(piece) // no fewer than there are pairs
	}
	size := max(12, bits.Len(uint(count*bitsPerPair)))
	p := &pairs{bits: make([]uint64, 1<<(size-6)), shift: uint(64 - size)}
	for piece := range pieces {
		before := rune(-1)
		for _, r := range piece {
			if before >= 0 {
				h := p.hash(before, r)
				p.bits[h/64] |= 1 << (h % 64)
			}
			before = r
		}
	}
	return p
}

func (p *pairs) has(before, after rune) bool {
	h := p.hash(before, after)
	return p.bits[h/64]&(1<<(h%64)) != 0
}

// hash spreads a pair by a multiplication (Fibonacci hashing).
func (p *pairs) hash(before, after rune) uint64 {
	const golden = 0x9E3779B97F4A7C15
	return (uint64(unspaced(before))<<32 | uint64(unspaced(after))) * golden >> p.shift
}

// unspaced takes a space for what it stands for in a vocabulary, and the
// character that stands for it in a text for itself.
func unspaced(r rune) rune {
	if r == ' ' {
		return '▁'
	}
	return r
}
