package wire

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// Decode reads one JSON value, and nothing after it, from r into request. The
// error is an *ask.Fault that names the field; a body over the limit of
// http.MaxBytesReader is ask.BodyTooLarge.
func Decode(r io.Reader, request any) error {
	err := json.UnmarshalRead(r, request)
	if err == nil {
		return nil
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &ask.Fault{
			Kind:   ask.BodyTooLarge,
			What:   fmt.Sprintf("the request body is larger than %d bytes", tooLarge.Limit),
			Remedy: "send a shorter one",
		}
	}
	return decodeFault(err)
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
			what = fmt.Sprintf("cannot read %s as %s", semantic.JSONValue, typeName(semantic.GoType))
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
