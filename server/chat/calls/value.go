package calls

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strings"
)

const hexDigits = "0123456789abcdef"

// appendEscaped appends a byte of a string, as it stands in JSON.
func appendEscaped(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\t':
		return append(dst, '\\', 't')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c < ' ':
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, c)
}

// escapedControls escapes the control characters of a JSON string, which models
// write as they are.
func escapedControls(quoted []byte) []byte {
	if bytes.IndexFunc(quoted, func(r rune) bool { return r < ' ' }) < 0 {
		return quoted
	}
	var text []byte
	for _, c := range quoted {
		if c < ' ' {
			text = appendEscaped(text, c)
		} else {
			text = append(text, c)
		}
	}
	return text
}

// appendObject appends a JSON object, with the control characters in its strings
// escaped. It reports false if text is none.
func appendObject(dst, text []byte) ([]byte, bool) {
	var s scanner
	if len(text) == 0 || text[0] != '{' {
		return dst, false
	}
	for _, c := range text {
		inText := s.inText()
		if _, ok := s.step(c); !ok {
			return dst, false
		}
		if inText && c < ' ' {
			dst = appendEscaped(dst, c)
		} else {
			dst = append(dst, c)
		}
	}
	return dst, s.whole()
}

// types is a set of JSON's types; the zero value is any.
type types uint8

const (
	stringType types = 1 << iota
	numberType
	booleanType
	nullType
	objectType
	arrayType
)

var typeNames = map[string]types{
	"string": stringType, "str": stringType, "text": stringType, "enum": stringType,
	"number": numberType, "integer": numberType, "float": numberType, "int": numberType,
	"boolean": booleanType, "bool": booleanType, "null": nullType,
	"object": objectType, "dict": objectType, "array": arrayType, "list": arrayType,
}

// argument is what a schema says of an argument's type.
type argument struct {
	Type     jsontext.Value   `json:"type"`
	Enum     []jsontext.Value `json:"enum"`
	Const    jsontext.Value   `json:"const"`
	AnyOf    []argument       `json:"anyOf"`
	OneOf    []argument       `json:"oneOf"`
	Nullable bool             `json:"nullable"`
	Ref      string           `json:"$ref"`
	AllOf    []jsontext.Value `json:"allOf"`
}

// arguments returns the schemas of a tool's arguments, by their keys.
func arguments(parameters []byte) map[string]jsontext.Value {
	var schema struct {
		Properties map[string]jsontext.Value `json:"properties"`
	}
	if json.Unmarshal(parameters, &schema) != nil {
		return nil
	}
	return schema.Properties
}

// argumentTypes returns the types that an argument's schema allows; nil says
// nothing.
func argumentTypes(schema jsontext.Value) types {
	var a argument
	if schema == nil || json.Unmarshal(schema, &a) != nil {
		return 0
	}
	of, known := a.types(4)
	if !known {
		return 0
	}
	return of
}

// types returns an argument's types, and whether they are known.
func (a *argument) types(depth int) (of types, known bool) {
	if depth == 0 || a.Ref != "" || a.AllOf != nil {
		return 0, false
	}
	var one string
	var several []string
	switch {
	case json.Unmarshal(a.Type, &one) == nil && one != "":
		several = []string{one}
	case json.Unmarshal(a.Type, &several) == nil:
	}
	for _, name := range several {
		t, ok := typeNames[strings.ToLower(name)]
		if !ok {
			return 0, false
		}
		of |= t
	}
	if of == 0 {
		values := a.Enum
		if a.Const != nil {
			values = append(values, a.Const)
		}
		for _, v := range values {
			of |= typeOf(v)
		}
		for _, alternatives := range [][]argument{a.AnyOf, a.OneOf} {
			for i := range alternatives {
				t, ok := alternatives[i].types(depth - 1)
				if !ok {
					return 0, false
				}
				of |= t
			}
		}
	}
	if a.Nullable {
		of |= nullType
	}
	return of, of != 0
}

func typeOf(v jsontext.Value) types {
	switch v.Kind() {
	case '"':
		return stringType
	case 't', 'f':
		return booleanType
	case 'n':
		return nullType
	case '{':
		return objectType
	case '[':
		return arrayType
	}
	return numberType
}

// pythons are how templates print some values of earlier calls, and models
// follow.
var pythons = map[string]string{"True": "true", "False": "false", "None": "null"}

// appendValue appends what an argument in tags is as JSON, by its types.
func appendValue(dst, value []byte, of types) []byte {
	text := bytes.TrimSpace(value)
	if p, ok := pythons[string(text)]; ok && of&(booleanType|nullType) != 0 {
		text = []byte(p)
	}
	if v := jsontext.Value(text); len(text) > 0 && v.IsValid(jsontext.AllowDuplicateNames(true)) && (of == 0 || of&typeOf(v) != 0 && v.Kind() != '"') {
		return append(dst, text...)
	}
	dst = append(dst, '"')
	for _, c := range value {
		dst = appendEscaped(dst, c)
	}
	return append(dst, '"')
}
