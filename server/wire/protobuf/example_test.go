package protobuf_test

import (
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf"
)

// An event over HTTP: a length, and the message.
func ExampleStream() {
	enc := protobuf.NewStream(protobuf.Head{Model: "tiny"}, protobuf.Delimited)
	first := enc.Append(nil, &ask.Event{Text: []byte("Hel")})
	next := enc.Append(nil, &ask.Event{Text: []byte("lo")})
	fmt.Printf("%q\n%q\n", first, next)
	// Output:
	// "\r\n\x03HelZ\x06\x1a\x04tiny"
	// "\x04\n\x02lo"
}
