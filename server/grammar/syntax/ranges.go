package syntax

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// merged orders ranges, joins those that touch, and leaves out what is no
// character: surrogates, and what is beyond Unicode.
func merged(ranges []Range) []Range {
	sorted := make([]Range, 0, len(ranges)+1)
	for _, r := range ranges {
		r.Low, r.High = max(r.Low, 0), min(r.High, utf8.MaxRune)
		if r.Low < 0xD800 && r.High > 0xDFFF {
			sorted = append(sorted, Range{r.Low, 0xD7FF})
			r.Low = 0xE000
		}
		if r.Low >= 0xD800 && r.Low <= 0xDFFF {
			r.Low = 0xE000
		}
		if r.High >= 0xD800 && r.High <= 0xDFFF {
			r.High = 0xD7FF
		}
		if r.Low <= r.High {
			sorted = append(sorted, r)
		}
	}
	slices.SortFunc(sorted, func(a, b Range) int { return cmp.Compare(a.Low, b.Low) })
	joined := sorted[:0]
	for _, r := range sorted {
		if last := len(joined) - 1; last >= 0 && r.Low <= joined[last].High+1 {
			joined[last].High = max(joined[last].High, r.High)
		} else {
			joined = append(joined, r)
		}
	}
	return joined
}

// complement returns the characters that are in none of the merged ranges.
func complement(ranges []Range) []Range {
	var out []Range
	next := rune(0)
	for _, r := range ranges {
		if r.Low > next {
			out = append(out, Range{next, r.Low - 1})
		}
		next = r.High + 1
	}
	if next <= utf8.MaxRune {
		out = append(out, Range{next, utf8.MaxRune})
	}
	return merged(out)
}

// Intersect returns the characters that are in both.
func Intersect(a, b []Range) []Range {
	return complement(merged(append(complement(merged(a)), complement(merged(b))...)))
}

// span is bytes from low to high, both included.
type span struct{ low, high byte }

// spans appends the sequences of bytes that encode the characters of a range;
// each character is in exactly one.
func spans(dst [][]span, r Range) [][]span {
	// Cut where the length changes.
	for _, last := range []rune{0x7F, 0x7FF, 0xFFFF} {
		if r.Low <= last && r.High > last {
			dst = spans(dst, Range{r.Low, last})
			r.Low = last + 1
		}
	}
	if r.High <= 0x7F {
		return append(dst, []span{{byte(r.Low), byte(r.High)}})
	}
	// Cut where a byte changes while those behind it do not take all values.
	for bits := 6; bits <= 18; bits += 6 {
		mask := rune(1)<<bits - 1
		if r.Low&^mask == r.High&^mask {
			continue
		}
		if r.Low&mask != 0 {
			dst = spans(dst, Range{r.Low, r.Low | mask})
			return spans(dst, Range{(r.Low | mask) + 1, r.High})
		}
		if r.High&mask != mask {
			dst = spans(dst, Range{r.Low, r.High&^mask - 1})
			return spans(dst, Range{r.High &^ mask, r.High})
		}
	}
	var low, high [utf8.UTFMax]byte
	n := utf8.EncodeRune(low[:], r.Low)
	utf8.EncodeRune(high[:], r.High)
	sequence := make([]span, n)
	for i := range sequence {
		sequence[i] = span{low[i], high[i]}
	}
	return append(dst, sequence)
}
