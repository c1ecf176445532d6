package jinja

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// Decoder makes values of what a client sends, for one Render.
type Decoder struct {
	limits Limits
	bytes  int // of the values so far
}

// NewDecoder returns a decoder that holds all it makes together under
// limits.Bytes, and each value under limits.JSONDepth.
func NewDecoder(limits Limits) *Decoder { return &Decoder{limits: limits} }

// JSON returns JSON as a value that is nowhere trusted: keys in order, integers
// exact, numbers with a point or an exponent floats.
func (d *Decoder) JSON(raw []byte) (Value, error) {
	tokens := jsontext.NewDecoder(bytes.NewReader(raw))
	value, err := d.value(tokens, d.limits.JSONDepth)
	if err == nil {
		if _, next := tokens.ReadToken(); next != io.EOF {
			err = errors.New("something follows the value")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("bad JSON: %w", err)
	}
	return value, nil
}

// jsonValueBytes are of a value with its place in a list or a dict.
const jsonValueBytes = 96

func (d *Decoder) value(tokens *jsontext.Decoder, depth int) (Value, error) {
	if depth == 0 {
		return nil, errors.New("it is nested too deeply")
	}
	if d.bytes += jsonValueBytes; d.bytes > d.limits.Bytes {
		return nil, fmt.Errorf("its values take more than %d bytes", d.limits.Bytes)
	}
	token, err := tokens.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case 'n':
		return None(1), nil
	case 't', 'f':
		return NewBool(token.Bool(), false), nil
	case '"':
		return String(token.String(), false), nil
	case '0':
		return decodeNumber(token.String())
	case '[':
		list := &List{client: true}
		for tokens.PeekKind() != ']' {
			item, err := d.value(tokens, depth-1)
			if err != nil {
				return nil, err
			}
			list.items = append(list.items, item)
		}
		_, err := tokens.ReadToken()
		return list, err
	}
	object := &Dict{client: true}
	for tokens.PeekKind() != '}' {
		key, err := tokens.ReadToken()
		if err != nil {
			return nil, err
		}
		name := key.String() // before the next read, which takes the token's memory
		value, err := d.value(tokens, depth-1)
		if err != nil {
			return nil, err
		}
		object.Set(name, value)
	}
	_, err = tokens.ReadToken()
	return object, err
}

// maxDigits is how many digits an integer may have, as in Python.
const maxDigits = 4300

func decodeNumber(text string) (Value, error) {
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if errors.Is(err, strconv.ErrRange) {
			err = nil // infinite, as in Python
		}
		return Float{f: f, client: true}, err
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Int{n: n, client: true}, nil
	}
	if len(text) > maxDigits {
		return nil, fmt.Errorf("an integer has more than %d digits", maxDigits)
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, fmt.Errorf("bad integer %.40q", text)
	}
	return &Big{n: n, client: true}, nil
}
