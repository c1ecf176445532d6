package protobuf

import (
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Decode reads a request from the bytes of one message. What it will take to have
// it decoded, about and from above, is asked of hold first. The error is an
// *ask.Fault, or hold's.
func Decode(message []byte, hold func(bytes int64) error) (*weirv1.GenerateRequest, error) {
	s := survey{bytes: textCopies * int64(len(message))}
	if err := s.message(message, requestDescriptor); err != nil {
		return nil, err
	}
	if err := hold(s.bytes); err != nil {
		return nil, err
	}
	r := new(weirv1.GenerateRequest)
	if err := r.UnmarshalVT(message); err != nil {
		return nil, malformed()
	}
	return r, nil
}

var requestDescriptor = (*weirv1.GenerateRequest)(nil).ProtoReflect().Descriptor()

// What a message's parts take when they are decoded and made into a request, at
// most, in bytes. Slices grow by copying.
const (
	messageBytes = 640 // the largest is a request, the most frequent a turn
	memberBytes  = 64  // a string of several
	numberBytes  = 24  // a number of several, which may be a byte
	textCopies   = 6   // as it came, decoded, rendered, on its way into tokens
)

// survey looks at a message before it is decoded: whether its strings are UTF-8,
// whether it has fields that nobody knows, and how large it will be.
type survey struct{ bytes int64 }

func (s *survey) message(m []byte, d protoreflect.MessageDescriptor) error {
	s.bytes += messageBytes
	for at := 0; at < len(m); {
		number, kind, n := protowire.ConsumeField(m[at:])
		if n < 0 {
			return malformed()
		}
		_, _, tag := protowire.ConsumeTag(m[at:])
		value := m[at+tag : at+n]
		field := d.Fields().ByNumber(number)
		switch {
		case field == nil:
			return unknown(number)
		case kind == protowire.BytesType:
			if err := s.counted(value, field); err != nil {
				return inside(d, m[:at], number, err)
			}
		case field.IsList():
			s.bytes += numberBytes
		}
		at += n
	}
	return nil
}

// counted looks at a value that has its length before it.
func (s *survey) counted(value []byte, field protoreflect.FieldDescriptor) error {
	value, _ = protowire.ConsumeBytes(value)
	switch field.Kind() {
	case protoreflect.MessageKind:
		return s.message(value, field.Message())
	case protoreflect.StringKind:
		if field.IsList() {
			s.bytes += memberBytes
		}
		if !utf8.Valid(value) {
			return wire.InvalidHere("the text is not UTF-8")
		}
	default: // packed numbers
		s.bytes += numberBytes * int64(len(value))
	}
	return nil
}

// inside names the field that a fault is in, which comes after the bytes before.
func inside(d protoreflect.MessageDescriptor, before []byte, number protowire.Number, err error) error {
	f := *err.(*ask.Fault)
	if f.Kind == ask.BodyBroken {
		return err
	}
	field := d.Fields().ByNumber(number)
	name := string(field.Name())
	if field.IsList() {
		index := 0
		for len(before) > 0 {
			other, _, n := protowire.ConsumeField(before)
			if other == number {
				index++
			}
			before = before[n:]
		}
		name += "[" + strconv.Itoa(index) + "]"
	}
	if f.Param != "" {
		return wire.Inside(name, &f)
	}
	f.Param, f.What = name, name+": "+f.What
	return &f
}

func malformed() *ask.Fault {
	return &ask.Fault{
		Kind: ask.BodyBroken, What: "the message cannot be read as a weir.v1.GenerateRequest",
		Remedy: "encode it by the schema weir.proto of this server's version",
	}
}

func unknown(number protowire.Number) *ask.Fault {
	name := "field " + strconv.Itoa(int(number))
	return &ask.Fault{
		Kind: ask.UnknownParameter, Param: name, What: name + ": this server's weir.v1 does not have it",
		Remedy: "leave it out, or ask a newer server",
	}
}
