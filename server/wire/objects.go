package wire

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
)

// Objects is an array of objects. Anything else in it is refused where it comes: a
// null takes less room in a body than what it would be decoded into.
type Objects[T any] []T

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *Objects[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*o = nil
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '[':
	default:
		return WrongKind(d, "an array of objects")
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if d.PeekKind() != '{' {
			return WrongKind(d, "an object")
		}
		var none T
		*o = append(*o, none)
		if err := json.UnmarshalDecode(d, &(*o)[len(*o)-1]); err != nil { // in place: one of its own would be on the heap
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}
