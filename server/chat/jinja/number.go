package jinja

import (
	"math"
	"math/big"
)

// asInt returns an integer that fits.
func asInt(v Value) (int64, bool) {
	switch v := v.(type) {
	case Int:
		return v.n, true
	case Bool:
		return int64(v & 1), true
	}
	return 0, false
}

// asBig returns any integer.
func asBig(v Value) (*big.Int, bool) {
	if v, ok := v.(*Big); ok {
		return v.n, true
	}
	n, ok := asInt(v)
	return big.NewInt(n), ok
}

// asFloat returns any number, rounded.
func asFloat(v Value) (float64, bool) {
	switch v := v.(type) {
	case Float:
		return v.f, true
	case *Big:
		f, _ := new(big.Float).SetInt(v.n).Float64()
		if math.IsInf(f, 0) {
			fail("int too large to convert to float")
		}
		return f, true
	}
	n, ok := asInt(v)
	return float64(n), ok
}

func isNumber(v Value) bool {
	switch v.(type) {
	case Bool, Int, *Big, Float:
		return true
	}
	return false
}

// fromClient reports whether a client sent a value.
func fromClient(v Value) bool {
	switch v := v.(type) {
	case None:
		return v != 0
	case Bool:
		return v&2 != 0
	case Int:
		return v.client
	case *Big:
		return v.client
	case Float:
		return v.client
	case *List:
		return v.client
	case *Tuple:
		return v.client
	case *Dict:
		return v.client
	case *Str:
		return !v.trusted
	case *view:
		return v.dict.client
	}
	return false
}

// normal returns an integer in the form that fits it.
func normal(n *big.Int, client bool) Value {
	if n.IsInt64() {
		return Int{n.Int64(), client}
	}
	if n.BitLen() > maxDigits*10/3 {
		fail("an integer has more than %d digits", maxDigits)
	}
	return &Big{n, client}
}

// arithmetic is one of + - * / // % ** on any values.
func (r *run) arithmetic(operator string, a, b Value) Value {
	use(a)
	if s, ok := a.(*Str); ok && operator == "%" {
		return r.percent(s, b)
	}
	use(b)
	if isNumber(a) && isNumber(b) {
		client := fromClient(a) || fromClient(b)
		_, floatA := a.(Float)
		_, floatB := b.(Float)
		if floatA || floatB || operator == "/" {
			return Float{floats(operator, a, b), client}
		}
		return integers(operator, a, b, client)
	}
	if v := r.sequences(operator, a, b); v != nil {
		return v
	}
	fail("unsupported operand types for %s: '%s' and '%s'", operator, typeName(a), typeName(b))
	return nil
}

// sequences is + and * of strings, lists and tuples; nil for others.
func (r *run) sequences(operator string, a, b Value) Value {
	switch operator {
	case "+":
		switch a := a.(type) {
		case *Str:
			if b, ok := b.(*Str); ok {
				return r.concat(a, b)
			}
		case *List:
			if b, ok := b.(*List); ok {
				return &List{items: r.joined(a.items, b.items), client: a.client && b.client}
			}
		case *Tuple:
			if b, ok := b.(*Tuple); ok {
				return &Tuple{items: r.joined(a.items, b.items)}
			}
		}
	case "*":
		times, ok := asInt(b)
		if !ok {
			if times, ok = asInt(a); !ok {
				return nil
			}
			a = b
		}
		n := int(min(max(times, 0), math.MaxInt32))
		switch a := a.(type) {
		case *Str:
			return r.repeated(a, n)
		case *List:
			return &List{items: r.times(a.items, n), client: a.client}
		case *Tuple:
			return &Tuple{items: r.times(a.items, n)}
		}
	}
	return nil
}

func (r *run) joined(a, b []Value) []Value {
	r.takeTimes(len(a)+len(b), valueBytes)
	return append(append(make([]Value, 0, len(a)+len(b)), a...), b...)
}

func (r *run) times(items []Value, n int) []Value {
	if len(items) == 0 {
		return nil
	}
	r.takeTimes(n, len(items)*valueBytes)
	all := make([]Value, 0, n*len(items))
	for range n {
		all = append(all, items...)
	}
	return all
}

// integers is integer arithmetic, exact.
func integers(operator string, a, b Value, client bool) Value {
	if x, ok := asInt(a); ok {
		if y, ok := asInt(b); ok {
			if n, ok := smallIntegers(operator, x, y); ok {
				return Int{n, client}
			}
		}
	}
	x, _ := asBig(a)
	y, _ := asBig(b)
	n := new(big.Int)
	switch operator {
	case "+":
		n.Add(x, y)
	case "-":
		n.Sub(x, y)
	case "*":
		n.Mul(x, y)
	case "//", "%":
		if y.Sign() == 0 {
			fail("integer division or modulo by zero")
		}
		quotient, rest := new(big.Int).QuoRem(x, y, new(big.Int))
		if rest.Sign() != 0 && rest.Sign() != y.Sign() {
			quotient.Sub(quotient, big.NewInt(1))
			rest.Add(rest, y)
		}
		if n = quotient; operator == "%" {
			n = rest
		}
	case "**":
		return integerPower(a, b, x, y, client)
	}
	return normal(n, client)
}

func integerPower(a, b Value, x, y *big.Int, client bool) Value {
	if y.Sign() < 0 {
		return Float{floats("**", a, b), client}
	}
	if x.CmpAbs(big.NewInt(1)) > 0 && (!y.IsInt64() || y.Int64() > maxDigits*10/3/int64(x.BitLen()-1)) {
		fail("an integer has more than %d digits", maxDigits)
	}
	if x.CmpAbs(big.NewInt(1)) <= 0 {
		if y.Sign() > 0 { // 0, 1 and -1 are what they are, or their square
			y = new(big.Int).Sub(big.NewInt(2), big.NewInt(int64(y.Bit(0))))
		}
	}
	return normal(new(big.Int).Exp(x, y, nil), client)
}

// smallIntegers is integer arithmetic whose result fits.
func smallIntegers(operator string, x, y int64) (int64, bool) {
	switch operator {
	case "+":
		n := x + y
		return n, (n > x) == (y > 0)
	case "-":
		n := x - y
		return n, (n < x) == (y > 0)
	case "*":
		const half = 1 << 31
		return x * y, x > -half && x < half && y > -half && y < half
	case "//", "%":
		if y == 0 || y == -1 {
			return 0, false
		}
		quotient, rest := x/y, x%y
		if rest != 0 && (rest < 0) != (y < 0) {
			quotient, rest = quotient-1, rest+y
		}
		if operator == "%" {
			return rest, true
		}
		return quotient, true
	}
	return 0, false
}

// floats is arithmetic of floats, as Python defines it.
func floats(operator string, a, b Value) float64 {
	if operator == "/" {
		if x, ok := asBig(a); ok {
			if y, ok := asBig(b); ok && y.Sign() != 0 && x.Sign() != 0 {
				f, _ := new(big.Rat).SetFrac(x, y).Float64()
				if math.IsInf(f, 0) {
					fail("integer division result too large for a float")
				}
				return f
			}
		}
	}
	x, _ := asFloat(a)
	y, _ := asFloat(b)
	switch operator {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "**":
		return floatPower(x, y)
	}
	if y == 0 {
		fail("float division by zero")
	}
	switch operator {
	case "/":
		return x / y
	case "//":
		rest := floatModulo(x, y)
		quotient := (x - rest) / y
		if quotient == 0 {
			return math.Copysign(0, x/y)
		}
		floor := math.Floor(quotient)
		if quotient-floor > 0.5 {
			floor++
		}
		return floor
	}
	return floatModulo(x, y)
}

func floatModulo(x, y float64) float64 {
	rest := math.Mod(x, y)
	switch {
	case rest == 0:
		return math.Copysign(0, y)
	case (rest < 0) != (y < 0):
		return rest + y
	}
	return rest
}

func floatPower(x, y float64) float64 {
	if x == 0 && y < 0 {
		fail("0.0 cannot be raised to a negative power")
	}
	if x < 0 && y != math.Trunc(y) && !math.IsInf(y, 0) {
		fail("complex numbers are not supported")
	}
	f := math.Pow(x, y)
	if math.IsInf(f, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		fail("the result of ** is too large for a float")
	}
	return f
}
