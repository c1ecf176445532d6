package chat

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ardanlabs/jinja"
)

// decode returns JSON that a client sent as a template's value, keys in order.
// what names it in errors, which blame the request.
func (t *Template) decode(what string, raw jsontext.Value) (jinja.Value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	value, err := decodeValue(d, t.limits.JSONDepth)
	if err == nil {
		if _, next := d.ReadToken(); next != io.EOF {
			err = errors.New("something follows the value")
		}
	}
	if err != nil {
		return jinja.Undefined(), &RenderError{
			Message: fmt.Sprintf("%s: bad JSON: %v", what, err), BadRequest: true, Err: err,
		}
	}
	return value, nil
}

func decodeValue(d *jsontext.Decoder, depth int) (jinja.Value, error) {
	if depth == 0 {
		return jinja.Undefined(), errors.New("it is nested too deeply")
	}
	token, err := d.ReadToken()
	if err != nil {
		return jinja.Undefined(), err
	}
	switch token.Kind() {
	case 'n':
		return jinja.None(), nil
	case 't', 'f':
		return jinja.NewBool(token.Bool()), nil
	case '"':
		return jinja.NewString(token.String()), nil
	case '0':
		return decodeNumber(token.String())
	case '[':
		var items []jinja.Value
		for d.PeekKind() != ']' {
			item, err := decodeValue(d, depth-1)
			if err != nil {
				return jinja.Undefined(), err
			}
			items = append(items, item)
		}
		_, err := d.ReadToken()
		return jinja.NewList(items), err
	}
	object := jinja.NewDict()
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return jinja.Undefined(), err
		}
		name := key.String() // before the next read, which takes the token's memory
		value, err := decodeValue(d, depth-1)
		if err != nil {
			return jinja.Undefined(), err
		}
		object.AsDict().Set(name, value)
	}
	_, err = d.ReadToken()
	return object, err
}

// decodeNumber keeps integers and floating-point numbers apart, as Python does.
func decodeNumber(text string) (jinja.Value, error) {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return jinja.NewInt(n), nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	return jinja.NewFloat(f), err
}
