package protobuf

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Whatever is sent, it is a request, or a fault of the client with a short text;
// and what is decoded is what google.golang.org/protobuf decodes.
func FuzzMessages(f *testing.F) {
	whole := encode(f, everything())
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(encode(f, &weirv1.GenerateRequest{PromptTokenIds: []uint32{1, 2}}))
	f.Add(protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), 1)) // not packed
	f.Add(protowire.AppendTag(protowire.AppendTag(nil, 2, protowire.StartGroupType), 2, protowire.EndGroupType))
	f.Fuzz(func(t *testing.T, message []byte) {
		if _, err := askFor(message); err != nil {
			fault, ok := errors.AsType[*ask.Fault](err)
			if !ok || fault.Kind == ask.Internal || fault.Error() == "" {
				t.Fatalf("%x: %T %v", message, err, err)
			}
			if out := AppendFault(nil, fault); len(out) > 4<<10 || proto.Unmarshal(out, new(weirv1.Error)) != nil {
				t.Fatalf("%x: %x", message, out)
			}
		}
		ours, err := Decode(message, func(int64) error { return nil })
		if err != nil {
			return
		}
		theirs := new(weirv1.GenerateRequest)
		if err := proto.Unmarshal(message, theirs); err != nil {
			t.Fatalf("%x: %v", message, err)
		}
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(theirs)
		if err != nil {
			t.Fatal(err)
		}
		if mine, err := (proto.MarshalOptions{Deterministic: true}).Marshal(ours); err != nil || string(mine) != string(again) {
			t.Fatalf("%x: %v, %v, %v", message, ours, theirs, err)
		}
	})
}

// A call's body is one message, or a fault.
func FuzzCalls(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x01a"))
	f.Add([]byte("\x01\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		message, _, err := ReadGRPC(body)
		if err == nil && len(message)+grpcHeadBytes != len(body) {
			t.Fatalf("%x: %x", body, message)
		}
		_ = CheckHealth(message)
	})
}
