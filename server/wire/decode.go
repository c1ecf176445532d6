package wire

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// Decode reads one JSON value, and nothing after it, from body into request. The
// error is an *ask.Fault that names the field.
func Decode(body []byte, request any) error {
	if err := json.Unmarshal(body, request); err != nil {
		return decodeFault(err)
	}
	return nil
}

// What a body's parts take when they are decoded, at most, in bytes: a member of
// an array or an object, and what an object and a name of a member add. Slices
// and maps grow by copying, and what was decoded is made into a request, so it
// is there about twice. The dearest are small messages and fields that nobody
// knows.
const (
	memberBytes = 96
	nameBytes   = 384
	objectBytes = 640
	textCopies  = 6 // as it came, decoded, rendered, on its way into tokens
)

// DecodedBytes estimates, from above, what it takes to decode a body and to make
// a request of it. It looks at no more than the punctuation.
func DecodedBytes(body []byte) int64 {
	total := int64(textCopies * len(body))
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = stringEnd(body, i)
		case ',', '[':
			total += memberBytes
		case ':':
			total += nameBytes
		case '{':
			total += objectBytes
		}
	}
	return total
}

// stringEnd finds the quote that ends the string that begins at i.
func stringEnd(body []byte, i int) int {
	for {
		n := bytes.IndexByte(body[i+1:], '"')
		if n < 0 {
			return len(body)
		}
		from := i + 1
		i = from + n
		escapes := 0
		for at := i - 1; at >= from && body[at] == '\\'; at-- {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
	}
}

// Invalid is a fault in the value of a field.
func Invalid(param, format string, args ...any) *ask.Fault {
	return ask.Invalid(param, fmt.Sprintf(format, args...))
}

// InvalidHere is Invalid for an UnmarshalJSONFrom, which does not know the
// field's name: Decode adds it.
func InvalidHere(format string, args ...any) *ask.Fault {
	return &ask.Fault{Kind: ask.InvalidValue, What: fmt.Sprintf(format, args...)}
}

// WrongKind skips a value that is not what was wanted and returns the fault.
func WrongKind(d *jsontext.Decoder, want string) error {
	kind := d.PeekKind()
	if err := d.SkipValue(); err != nil {
		return err // malformed beats mistyped
	}
	return InvalidHere("expected %s, got a JSON %s", want, KindName(kind))
}

// Missing is a field that must be there and is not.
func Missing(param, what string) *ask.Fault {
	return &ask.Fault{Kind: ask.MissingParameter, Param: param, What: param + " is required", Remedy: what}
}

// Within checks the range of a number.
func Within[T int | float64](param string, v, low, high T) error {
	if v >= low && v <= high { // false for NaN
		return nil
	}
	return Invalid(param, "%v is out of range: %v to %v", v, low, high)
}

// Rename gives a fault about one field the name that a dialect has for it.
func Rename(err error, from, to string) error {
	f, ok := errors.AsType[*ask.Fault](err)
	if !ok || f.Param != from {
		return err
	}
	renamed := *f
	renamed.Param = to
	if what, ok := strings.CutPrefix(f.What, from); ok {
		renamed.What = to + what
	}
	return &renamed
}

// Inside puts a field into a larger one: role of messages[0] is messages[0].role.
func Inside(outer string, err error) error {
	f := *err.(*ask.Fault)
	f.Param = outer + "." + f.Param
	f.What = outer + "." + f.What
	return &f
}

// decodeFault turns an error of encoding/json/v2 into a fault which says where
// and what.
func decodeFault(err error) *ask.Fault {
	if own, ok := errors.AsType[*ask.Fault](err); ok {
		if semantic, ok := errors.AsType[*json.SemanticError](err); ok && own.Param == "" {
			named := *own
			named.Param = fieldName(semantic.JSONPointer)
			named.What = named.Param + ": " + named.What
			return &named
		}
		return own
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		what := fmt.Sprintf("malformed JSON at byte %d: %v", syntactic.ByteOffset, syntactic.Err)
		if name := fieldName(syntactic.JSONPointer); name != "" {
			what = fmt.Sprintf("malformed JSON at byte %d, in %s: %v", syntactic.ByteOffset, name, syntactic.Err)
		}
		return &ask.Fault{Kind: ask.InvalidJSON, What: what}
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		what := fmt.Sprintf("cannot read a JSON %s as %s", KindName(semantic.JSONKind), typeName(semantic.GoType))
		if semantic.JSONKind == '0' && len(semantic.JSONValue) > 0 {
			what = fmt.Sprintf("cannot read %s as %s", ask.Clip(string(semantic.JSONValue), ask.QuotedBytes), typeName(semantic.GoType))
		}
		if name := fieldName(semantic.JSONPointer); name != "" {
			return Invalid(name, "%s", what)
		}
		return InvalidHere("%s", what)
	}
	return &ask.Fault{Kind: ask.InvalidJSON, What: "malformed JSON: the body ends too early"}
}

// fieldName writes a JSON pointer the way OpenAI names fields:
// /messages/0/content is messages[0].content.
func fieldName(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	return b.String()
}

// KindName is what a JSON value is called in a message.
func KindName(k jsontext.Kind) string {
	switch k {
	case '"':
		return "string"
	case '0':
		return "number"
	case 't', 'f':
		return "boolean"
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return "null"
}

func typeName(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "the expected type"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32:
		return "an integer in range"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "an array"
	}
	return "an object"
}
