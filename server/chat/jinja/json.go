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

// FromJSON returns JSON that a client sent as a value that is nowhere trusted:
// keys in order, integers exact, numbers with a point or an exponent floats.
func FromJSON(raw []byte, limits *Limits) (Value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	value, err := decode(d, limits.JSONDepth)
	if err == nil {
		if _, next := d.ReadToken(); next != io.EOF {
			err = errors.New("something follows the value")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("bad JSON: %w", err)
	}
	return value, nil
}

func decode(d *jsontext.Decoder, depth int) (Value, error) {
	if depth == 0 {
		return nil, errors.New("it is nested too deeply")
	}
	token, err := d.ReadToken()
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
		for d.PeekKind() != ']' {
			item, err := decode(d, depth-1)
			if err != nil {
				return nil, err
			}
			list.items = append(list.items, item)
		}
		_, err := d.ReadToken()
		return list, err
	}
	object := &Dict{client: true}
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := key.String() // before the next read, which takes the token's memory
		value, err := decode(d, depth-1)
		if err != nil {
			return nil, err
		}
		object.Set(name, value)
	}
	_, err = d.ReadToken()
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
