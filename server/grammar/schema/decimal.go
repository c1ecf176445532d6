package schema

import (
	"math/big"
	"strings"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// bound is one end of an interval of decimal numbers, none negative.
type bound struct {
	whole    *big.Int
	fraction string // digits after the point
	out      bool   // it is not in the interval
}

func boundOf(r *big.Rat, out bool) bound {
	whole, fraction, _ := strings.Cut(r.FloatString(2*maxDigits), ".")
	n, _ := new(big.Int).SetString(whole, 10)
	return bound{n, strings.TrimRight(fraction, "0"), out}
}

// decimals is the numbers between two bounds, with digits after the point or
// without.
func decimals(v interval) *syntax.Expr {
	var parts []*syntax.Expr
	zero := new(big.Rat)
	if v.low.Sign() < 0 {
		least, out := zero, false
		if v.high.Sign() <= 0 {
			least, out = new(big.Rat).Neg(v.high), v.highOut
		}
		most := new(big.Rat).Neg(v.low)
		parts = append(parts, syntax.Seq(syntax.Text("-"), between(boundOf(least, out), boundOf(most, v.lowOut))))
	}
	if v.high.Sign() >= 0 {
		least, out := zero, false
		if v.low.Sign() >= 0 {
			least, out = v.low, v.lowOut
		}
		parts = append(parts, between(boundOf(least, out), boundOf(v.high, v.highOut)))
	}
	return syntax.Choice(parts...)
}

// between is the numbers from low to high.
func between(low, high bound) *syntax.Expr {
	if low.whole.Cmp(high.whole) > 0 {
		return syntax.Never()
	}
	n := max(len(low.fraction), len(high.fraction))
	f := fractions{
		low: low.fraction + strings.Repeat("0", n-len(low.fraction)), high: high.fraction + strings.Repeat("0", n-len(high.fraction)),
		lowOut: low.out, highOut: high.out,
	}
	if low.whole.Cmp(high.whole) == 0 {
		return syntax.Seq(syntax.Text(low.whole.String()), f.part(true, true))
	}
	one := big.NewInt(1)
	return syntax.Choice(
		syntax.Seq(syntax.Text(low.whole.String()), f.part(true, false)),
		syntax.Seq(naturals(new(big.Int).Add(low.whole, one), new(big.Int).Sub(high.whole, one)), f.part(false, false)),
		syntax.Seq(syntax.Text(high.whole.String()), f.part(false, true)),
	)
}

// fractions is the bounds of what comes after the point, equally many digits.
type fractions struct {
	low, high       string
	lowOut, highOut bool
}

// part is the point and what comes after it, or nothing. byLow and byHigh say
// which of the bounds there are.
func (f *fractions) part(byLow, byHigh bool) *syntax.Expr {
	var parts []*syntax.Expr
	if f.mayEnd(0, byLow, byHigh) {
		parts = append(parts, syntax.Text(""))
	}
	return syntax.Choice(append(parts, syntax.Seq(syntax.Text("."), syntax.Choice(f.digits(0, byLow, byHigh)...)))...)
}

// mayEnd reports whether zeros may follow the first i digits. byLow and byHigh
// say that those are the bound's.
func (f *fractions) mayEnd(i int, byLow, byHigh bool) bool {
	if byLow && (f.lowOut || strings.Trim(f.low[i:], "0") != "") {
		return false
	}
	return !byHigh || !f.highOut || strings.Trim(f.high[i:], "0") != ""
}

// rest is what may follow the first i digits.
func (f *fractions) rest(i int, byLow, byHigh bool) *syntax.Expr {
	if !byLow && !byHigh {
		return digits(0, fractionDigits)
	}
	parts := f.digits(i, byLow, byHigh)
	if f.mayEnd(i, byLow, byHigh) {
		parts = append(parts, syntax.Text(""))
	}
	return syntax.Choice(parts...)
}

// digits are the ways to go on after the first i digits, with one digit at
// least.
func (f *fractions) digits(i int, byLow, byHigh bool) []*syntax.Expr {
	if !byLow && !byHigh {
		return []*syntax.Expr{digits(1, fractionDigits)}
	}
	if i == len(f.low) {
		zeros := func(least, most int) *syntax.Expr { return syntax.Repeat(digit('0', '0'), least, most) }
		switch {
		case byHigh && (f.highOut || byLow && f.lowOut):
			return nil
		case byHigh:
			return []*syntax.Expr{zeros(1, fractionDigits)}
		case f.lowOut:
			return []*syntax.Expr{syntax.Seq(zeros(0, fractionDigits-1), digit('1', '9'), digits(0, fractionDigits))}
		}
		return []*syntax.Expr{digits(1, fractionDigits)}
	}
	low, high := byte('0'), byte('9')
	if byLow {
		low = f.low[i]
	}
	if byHigh {
		high = f.high[i]
	}
	if low > high {
		return nil
	}
	if low == high {
		return []*syntax.Expr{syntax.Seq(digit(low, low), f.rest(i+1, byLow, byHigh))}
	}
	var parts []*syntax.Expr
	if byLow {
		parts = append(parts, syntax.Seq(digit(low, low), f.rest(i+1, true, false)))
		low++
	}
	if byHigh {
		parts = append(parts, syntax.Seq(digit(high, high), f.rest(i+1, false, true)))
		high--
	}
	if low <= high {
		parts = append(parts, syntax.Seq(digit(low, high), digits(0, fractionDigits)))
	}
	return parts
}
