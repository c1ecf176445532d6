package schema

import (
	"math/big"
	"strings"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// How long numbers are that are generated.
const (
	wholeDigits    = 16 // if there is no bound that is longer
	fractionDigits = 16
	exponentDigits = 2
	maxDigits      = 64 // of bounds
)

// interval is the numbers that a schema allows; nil is no bound.
type interval struct {
	low, high          *big.Rat
	lowOut, highOut    bool // the bound itself is not in it
	decimals           int  // digits after the point, if isDecimal
	isWhole, isStepped bool
	step               int64 // of which they are multiples, 0 for none
}

// above narrows the interval to what is not below r, or not r either.
func (v *interval) above(r *big.Rat, out bool) {
	if v.low == nil || r.Cmp(v.low) > 0 {
		v.low, v.lowOut = r, out
	} else if r.Cmp(v.low) == 0 {
		v.lowOut = v.lowOut || out
	}
}

// under is above for the upper bound.
func (v *interval) under(r *big.Rat, out bool) {
	if v.high == nil || r.Cmp(v.high) < 0 {
		v.high, v.highOut = r, out
	} else if r.Cmp(v.high) == 0 {
		v.highOut = v.highOut || out
	}
}

// has reports whether a number is within the bounds.
func (v *interval) has(r *big.Rat) bool {
	if v.low != nil && (r.Cmp(v.low) < 0 || v.lowOut && r.Cmp(v.low) == 0) {
		return false
	}
	return v.high == nil || !(r.Cmp(v.high) > 0 || v.highOut && r.Cmp(v.high) == 0)
}

func digit(low, high byte) *syntax.Expr {
	return syntax.Class(syntax.Range{Low: rune(low), High: rune(high)})
}

// digits is any digits, so many.
func digits(least, most int) *syntax.Expr { return syntax.Repeat(digit('0', '9'), least, most) }

// anyWhole is any integer.
func (b *builder) anyWhole() *syntax.Expr {
	return b.share("integer", func() *syntax.Expr {
		return syntax.Seq(syntax.Optional(syntax.Text("-")), wholePart())
	})
}

func wholePart() *syntax.Expr {
	return syntax.Choice(syntax.Text("0"), syntax.Seq(digit('1', '9'), digits(0, wholeDigits-1)))
}

// anyNumber is any number.
func (b *builder) anyNumber() *syntax.Expr {
	return b.share("number", func() *syntax.Expr {
		sign := syntax.Optional(syntax.Class(syntax.Range{Low: '+', High: '+'}, syntax.Range{Low: '-', High: '-'}))
		e := syntax.Class(syntax.Range{Low: 'e', High: 'e'}, syntax.Range{Low: 'E', High: 'E'})
		return syntax.Seq(
			b.anyWhole(), syntax.Optional(syntax.Seq(syntax.Text("."), digits(1, fractionDigits))),
			syntax.Optional(syntax.Seq(e, sign, digits(1, exponentDigits))),
		)
	})
}

// number is the numbers of an interval; those of one with a bound are written
// without an exponent.
func (b *builder) number(v interval) *syntax.Expr {
	free := v.low == nil && v.high == nil
	switch {
	case free && v.isWhole:
		return b.anyWhole()
	case free && v.isStepped:
		return syntax.Seq(b.anyWhole(), syntax.Optional(syntax.Seq(syntax.Text("."), digits(1, v.decimals))))
	case free:
		return b.anyNumber()
	}
	// An open side ends where numbers get longer than the bound, and than most.
	far := new(big.Int).Exp(big.NewInt(10), big.NewInt(wholeDigits), nil)
	for _, bound := range []*big.Rat{v.low, v.high} {
		if bound != nil {
			whole := new(big.Int).Quo(bound.Num(), bound.Denom())
			for whole.CmpAbs(far) >= 0 {
				far.Mul(far, big.NewInt(10))
			}
		}
	}
	if v.low == nil {
		v.low = new(big.Rat).SetInt(new(big.Int).Neg(far))
		v.lowOut = true
	}
	if v.high == nil {
		v.high = new(big.Rat).SetInt(far)
		v.highOut = true
	}
	if v.isWhole {
		return integers(v)
	}
	return decimals(v)
}

// leastWhole returns the least integer, if there is a lower bound.
func (v *interval) leastWhole() *big.Int {
	low := new(big.Int).Quo(v.low.Num(), v.low.Denom()) // towards 0
	if exact := new(big.Rat).SetInt(low); exact.Cmp(v.low) < 0 || v.lowOut && exact.Cmp(v.low) == 0 {
		low.Add(low, big.NewInt(1))
	}
	return low
}

// greatestWhole returns the greatest integer, if there is an upper bound.
func (v *interval) greatestWhole() *big.Int {
	high := new(big.Int).Quo(v.high.Num(), v.high.Denom())
	if exact := new(big.Rat).SetInt(high); exact.Cmp(v.high) > 0 || v.highOut && exact.Cmp(v.high) == 0 {
		high.Sub(high, big.NewInt(1))
	}
	return high
}

// integers is the integers between two bounds.
func integers(v interval) *syntax.Expr {
	low, high := v.leastWhole(), v.greatestWhole()
	one := big.NewInt(1)
	var parts []*syntax.Expr
	if low.Sign() < 0 {
		least := new(big.Int).Neg(high)
		if least.Sign() <= 0 {
			least = one
		}
		parts = append(parts, syntax.Seq(syntax.Text("-"), naturals(least, new(big.Int).Neg(low))))
	}
	if high.Sign() >= 0 {
		least := low
		if least.Sign() < 0 {
			least = new(big.Int)
		}
		parts = append(parts, naturals(least, high))
	}
	return syntax.Choice(parts...)
}

// naturals is the numbers from low to high, none of them negative.
func naturals(low, high *big.Int) *syntax.Expr {
	var parts []*syntax.Expr
	for low.Cmp(high) <= 0 {
		// Those as long as low.
		from := low.String()
		to := strings.Repeat("9", len(from))
		if most := high.String(); len(most) == len(from) {
			to = most
		}
		parts = append(parts, sameLength(from, to))
		end, _ := new(big.Int).SetString(to, 10)
		low = end.Add(end, big.NewInt(1))
	}
	return syntax.Choice(parts...)
}

// sameLength is the digits from low to high, which are equally many, in order.
func sameLength(low, high string) *syntax.Expr {
	same := 0
	for same < len(low) && low[same] == high[same] {
		same++
	}
	if same == len(low) {
		return syntax.Text(low)
	}
	rest := len(low) - same - 1
	var parts []*syntax.Expr
	from, to := low[same], high[same]
	if strings.Trim(low[same+1:], "0") != "" {
		parts = append(parts, syntax.Seq(digit(from, from), sameLength(low[same+1:], strings.Repeat("9", rest))))
		from++
	}
	if strings.Trim(high[same+1:], "9") != "" {
		parts = append(parts, syntax.Seq(digit(to, to), sameLength(strings.Repeat("0", rest), high[same+1:])))
		to--
	}
	if from <= to {
		parts = append(parts, syntax.Seq(digit(from, to), digits(rest, rest)))
	}
	return syntax.Seq(syntax.Text(low[:same]), syntax.Choice(parts...))
}
