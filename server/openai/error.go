package openai

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// Types and codes of errors, as OpenAI's clients know them.
const (
	TypeInvalidRequest = "invalid_request_error"
	TypeRateLimit      = "rate_limit_error"
	TypeServer         = "server_error"

	CodeContextLength = "context_length_exceeded"
	CodeModelNotFound = "model_not_found"
	CodeInvalidKey    = "invalid_api_key"
	CodeInvalidJSON   = "invalid_json"
	CodeUnsupported   = "unsupported_parameter"
	CodeUnknown       = "unknown_parameter"
	CodeInvalidValue  = "invalid_value"
	CodeMissing       = "missing_required_parameter"
)

// Error is a failed request as the client sees it: an HTTP status and OpenAI's
// error object.
type Error struct {
	Status  int    // HTTP status
	Message string // for people; ends with the remedy where there is one
	Type    string // class of error
	Param   string // the field at fault, "" if none
	Code    string // for programs, "" if none
}

func (e *Error) Error() string { return e.Message }

// Append appends {"error":{…}} to dst.
func (e *Error) Append(dst []byte) []byte {
	dst = append(dst, `{"error":{"message":`...)
	dst = appendString(dst, e.Message)
	dst = append(dst, `,"type":`...)
	dst = appendString(dst, e.Type)
	dst = append(dst, `,"param":`...)
	dst = appendStringOrNull(dst, e.Param)
	dst = append(dst, `,"code":`...)
	dst = appendStringOrNull(dst, e.Code)
	return append(dst, "}}"...)
}

func appendStringOrNull(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendString(dst, s)
}

// invalid returns a 400 about the value of a field.
func invalid(param, format string, args ...any) *Error {
	return &Error{
		Status:  http.StatusBadRequest,
		Message: param + ": " + fmt.Sprintf(format, args...),
		Type:    TypeInvalidRequest,
		Param:   param,
		Code:    CodeInvalidValue,
	}
}

// missing returns a 400 about a field that must be there.
func missing(param, what string) *Error {
	return &Error{
		Status:  http.StatusBadRequest,
		Message: param + " is required: " + what,
		Type:    TypeInvalidRequest,
		Param:   param,
		Code:    CodeMissing,
	}
}

// decodeError turns an error of encoding/json/v2 into a 400 which says where
// and what.
func decodeError(err error) *Error {
	e := &Error{
		Status: http.StatusBadRequest,
		Type:   TypeInvalidRequest,
		Code:   CodeInvalidJSON,
	}
	var own *Error
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &own):
		if errors.As(err, &semantic) && own.Param == "" {
			e := *own
			e.Param = fieldName(semantic.JSONPointer)
			e.Message = e.Param + ": " + e.Message
			return &e
		}
		return own
	case errors.As(err, &syntactic):
		e.Message = fmt.Sprintf("malformed JSON at byte %d: %v", syntactic.ByteOffset, syntactic.Err)
		if name := fieldName(syntactic.JSONPointer); name != "" {
			e.Message = fmt.Sprintf("malformed JSON at byte %d, in %s: %v", syntactic.ByteOffset, name, syntactic.Err)
		}
	case errors.As(err, &semantic):
		e.Param, e.Code = fieldName(semantic.JSONPointer), CodeInvalidValue
		e.Message = fmt.Sprintf("cannot read a JSON %s as %s", kindName(semantic.JSONKind), typeName(semantic.GoType))
		if semantic.JSONKind == '0' && len(semantic.JSONValue) > 0 {
			e.Message = fmt.Sprintf("cannot read %s as %s", semantic.JSONValue, typeName(semantic.GoType))
		}
		if e.Param != "" {
			e.Message = e.Param + ": " + e.Message
		}
	default:
		e.Message = "malformed JSON: the body ends too early"
	}
	return e
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

func kindName(k jsontext.Kind) string {
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
