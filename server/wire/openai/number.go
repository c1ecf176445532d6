package openai

import (
	"encoding/json/jsontext"
	"math"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Int is a whole number as clients write it: 2, 2.0 or 2e3. What is beyond
// int64 is the number next to it.
type Int int64

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *Int) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := readNumber(d)
	if err != nil || text == "" {
		*n = 0
		return err
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		*n = Int(v)
		return nil
	}
	v, err := wholeNumber(text)
	switch {
	case err != nil:
		return err
	case v >= math.MaxInt64:
		*n = math.MaxInt64
	case v <= math.MinInt64:
		*n = math.MinInt64
	default:
		*n = Int(v)
	}
	return nil
}

// Seed is a whole number of any size; each seed of 64 bits has its own value.
type Seed int64

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *Seed) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := readNumber(d)
	if err != nil || text == "" {
		*s = 0
		return err
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		*s = Seed(v)
		return nil
	}
	if v, err := strconv.ParseUint(text, 10, 64); err == nil {
		*s = Seed(v & math.MaxInt64)
		return nil
	}
	v, err := wholeNumber(text)
	switch {
	case err != nil:
		return err
	case v < 0:
		*s = Seed(max(v, math.MinInt64))
	case v < math.MaxInt64:
		*s = Seed(v)
	default:
		*s = Seed(math.Float64bits(v) & math.MaxInt64)
	}
	return nil
}

// readNumber returns a number as it was written, "" for null.
func readNumber(d *jsontext.Decoder) (string, error) {
	switch d.PeekKind() {
	case 'n':
		return "", d.SkipValue()
	case '0':
		value, err := d.ReadValue()
		return string(value), err
	}
	return "", wire.WrongKind(d, "an integer")
}

func wholeNumber(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v != math.Trunc(v) {
		return 0, wire.InvalidHere("cannot read %s as an integer", ask.Clip(text, ask.QuotedBytes))
	}
	return v, nil
}

// within checks the range of a whole number.
func within(param string, v Int, low, high int64) (int, error) {
	if int64(v) < low || int64(v) > high {
		return 0, wire.Invalid(param, "%d is out of range: %d to %d", v, low, high)
	}
	return int(v), nil
}
