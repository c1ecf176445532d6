package wire

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/weirgo/weir/server/ask"
)

// MaxBiases bounds what is added to each row of logits.
const MaxBiases = 4096

// ReadBias reads what is added to the logits of tokens: an object from a token, or
// a text for all its tokens, to a number, or false for what must not come; or an
// array of pairs of the two. wrong says what becomes of a part that is none of
// this: an error, or nil to pass it over.
func ReadBias(d *jsontext.Decoder, wrong func(format string, args ...any) error) ([]ask.Bias, error) {
	b := biases{wrong: wrong}
	if d.PeekKind() == '{' {
		var object map[string]jsontext.Value
		if err := json.UnmarshalDecode(d, &object); err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if err := b.named(name, object[name]); err != nil {
				return nil, err
			}
		}
	} else {
		var elements []jsontext.Value
		if err := json.UnmarshalDecode(d, &elements); err != nil {
			return nil, err
		}
		for i, e := range elements {
			if err := b.pair(i, e); err != nil {
				return nil, err
			}
		}
	}
	return b.all, nil
}

type biases struct {
	all   []ask.Bias
	wrong func(format string, args ...any) error
}

// named takes a member of an object.
func (b *biases) named(name string, add jsontext.Value) error {
	if token, err := strconv.ParseInt(name, 10, 32); err == nil {
		return b.add(ask.Bias{Token: ask.Token(token)}, add)
	}
	if name == "" {
		return b.wrong("an empty name is neither a token nor a text")
	}
	return b.add(ask.Bias{Text: name}, add)
}

// pair takes an element of an array.
func (b *biases) pair(i int, element jsontext.Value) error {
	var pair []jsontext.Value
	if element.Kind() != '[' || json.Unmarshal(element, &pair) != nil || len(pair) != 2 {
		return b.wrong("element %d is no pair of a token and a number", i)
	}
	var one ask.Bias
	var token float64
	switch {
	case json.Unmarshal(pair[0], &one.Text) == nil && one.Text != "":
	case pair[0].Kind() == '0' && json.Unmarshal(pair[0], &token) == nil && token == math.Trunc(token) && math.Abs(token) <= math.MaxInt32:
		one.Token = ask.Token(token)
	default:
		return b.wrong("element %d: %s is neither a token nor a text", i, ask.Clip(string(pair[0]), ask.QuotedBytes))
	}
	return b.add(one, pair[1])
}

// add takes what is added to a token: a number within float32, or false.
func (b *biases) add(one ask.Bias, value jsontext.Value) error {
	var v float64
	switch {
	case one.Token < 0 || len(one.Text) > ask.MaxStopBytes:
		return b.wrong("tokens are 0 or more, and texts of at most %d bytes", ask.MaxStopBytes)
	case value.Kind() == 'f':
		v = math.Inf(-1)
	case value.Kind() != '0' || json.Unmarshal(value, &v) != nil:
		return b.wrong(notAdded, ask.Clip(string(value), ask.QuotedBytes))
	case math.Abs(v) > math.MaxFloat32:
		if err := b.wrong(notAdded, ask.Clip(string(value), ask.QuotedBytes)); err != nil {
			return err
		}
		v = min(max(v, -math.MaxFloat32), math.MaxFloat32)
	}
	if len(b.all) == MaxBiases {
		return InvalidHere("more than %d tokens and texts: name fewer", MaxBiases)
	}
	one.Add = float32(v)
	b.all = append(b.all, one)
	return nil
}

const notAdded = "%s is not what can be added to a logit: send a number, or false to forbid the token"
