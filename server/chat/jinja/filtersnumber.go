package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

func integerText(n int) string { return strconv.Itoa(n) }

// toInt is the filter int.
func toInt(r *run, v Value, a *args) Value {
	p := a.bind(0, "default", "base")
	if p[0] == nil {
		p[0] = Int{}
	}
	switch v := use(v).(type) {
	case Int, *Big:
		return v
	case Bool:
		return Int{int64(v & 1), fromClient(v)}
	case Float:
		return truncated(v.f, v.client, p[0])
	case *Str:
		if n := parseInt(r, v, number(p[1], 10)); n != nil {
			return n
		}
		if f, ok := parseFloat(v.text); ok {
			return truncated(f, !v.trusted, p[0])
		}
	}
	return p[0]
}

func truncated(f float64, client bool, otherwise Value) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return otherwise
	}
	n, _ := big.NewFloat(math.Trunc(f)).Int(nil)
	return normal(n, client)
}

// parseInt is Python's int(s, base), nil if s is none.
func parseInt(r *run, s *Str, base int) Value {
	if base != 0 && (base < 2 || base > 36) {
		return nil
	}
	digits := strings.TrimFunc(s.text, isSpace)
	if len(digits) > maxDigits {
		return nil
	}
	sign := ""
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = digits[:1], digits[1:]
	}
	prefix := map[int]string{2: "0b", 8: "0o", 16: "0x"}[base]
	if prefix != "" && len(digits) > 2 && strings.EqualFold(digits[:2], prefix) {
		digits = strings.TrimPrefix(digits[2:], "_")
	}
	if base == 0 && len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0_") != "" &&
		!strings.ContainsRune("xXoObB", rune(digits[1])) {
		return nil
	}
	if digits == "" || strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") ||
		strings.Contains(digits, "__") || strings.ContainsAny(digits, "+-") {
		return nil
	}
	if base != 0 {
		digits = strings.ReplaceAll(digits, "_", "")
	}
	r.scan(len(digits) * 64)
	n, ok := new(big.Int).SetString(sign+digits, base)
	if !ok {
		return nil
	}
	return normal(n, !s.trusted)
}

// parseFloat is Python's float(s).
func parseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	if strings.ContainsAny(s, "xXpP") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") ||
		len(s) > maxDigits {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0) && strings.ContainsAny(s, "0123456789")
}

// toFloat is the filter float.
func toFloat(_ *run, v Value, a *args) Value {
	p := a.bind(0, "default")
	switch v := use(v).(type) {
	case *Str:
		if f, ok := parseFloat(v.text); ok {
			return Float{f, !v.trusted}
		}
	default:
		if f, ok := asFloat(v); ok {
			return Float{f, fromClient(v)}
		}
	}
	if p[0] == nil {
		return Float{}
	}
	return p[0]
}

// round is the filter round; "common" is half to even on the exact value.
func round(r *run, v Value, a *args) Value {
	p := a.bind(0, "precision", "method")
	if !isNumber(use(v)) {
		fail("round: '%s' is no number", typeName(v))
	}
	precision, how := number(p[0], 0), "common"
	if p[1] != nil {
		how = text(p[1]).text
	}
	if precision > 400 || precision < -400 {
		fail("round: a precision of %d", precision)
	}
	f, _ := asFloat(v)
	client := fromClient(v)
	switch how {
	case "common":
		if _, ok := v.(Float); !ok {
			if precision >= 0 {
				return r.arithmetic("+", Int{}, v)
			}
			return roundInteger(v, -precision, client)
		}
		return Float{roundHalfEven(f, precision), client}
	case "ceil", "floor":
		by := r.arithmetic("**", Int{n: 10}, integer(precision))
		scaled, _ := asFloat(r.arithmetic("*", v, by))
		scaled = map[string]func(float64) float64{"ceil": math.Ceil, "floor": math.Floor}[how](scaled)
		if math.IsNaN(scaled) || math.IsInf(scaled, 0) {
			fail("round: the number is too large")
		}
		return r.arithmetic("/", truncated(scaled, client, nil), by)
	}
	fail("method must be common, ceil or floor")
	return nil
}

func roundHalfEven(f float64, precision int) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return f
	}
	if precision >= 0 {
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', precision, 64), 64)
		return rounded
	}
	unit := math.Pow(10, float64(-precision))
	if math.IsInf(unit, 0) {
		return math.Copysign(0, f)
	}
	return math.RoundToEven(f/unit) * unit
}

func roundInteger(v Value, zeros int, client bool) Value {
	n, _ := asBig(v)
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(zeros)), nil)
	quotient, rest := new(big.Int).DivMod(n, unit, new(big.Int))
	switch twice := rest.Lsh(rest, 1).Cmp(unit); {
	case twice > 0, twice == 0 && quotient.Bit(0) == 1:
		quotient.Add(quotient, big.NewInt(1))
	}
	return normal(quotient.Mul(quotient, unit), client)
}
