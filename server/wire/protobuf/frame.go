package protobuf

import (
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/weirgo/weir/server/ask"
)

// Framing is how a transport tells messages apart.
//
//	Bare       a whole body is one message
//	Delimited  a varint with its length comes before each
//	GRPC       a byte that says whether it is compressed, and four with its length
type Framing uint8

const (
	Bare Framing = iota
	Delimited
	GRPC
)

// What means nothing to who reads a stream: an event without anything.
var (
	DelimitedProbe = []byte{0}
	GRPCProbe      = []byte{0, 0, 0, 0, 0}
)

// grpcHeadBytes is what comes before a message of gRPC.
const grpcHeadBytes = 5

// appendHead appends what comes before a message of size bytes.
func (f Framing) appendHead(dst []byte, size int) []byte {
	switch f {
	case Delimited:
		return protowire.AppendVarint(dst, uint64(size))
	case GRPC:
		return binary.BigEndian.AppendUint32(append(dst, 0), uint32(size))
	}
	return dst
}

// message is what vtprotobuf generates.
type message interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
}

// appendMessage appends a message with what comes before it.
func (f Framing) appendMessage(dst []byte, m message) []byte {
	size := m.SizeVT()
	dst = f.appendHead(dst, size)
	at := len(dst)
	dst = slices.Grow(dst, size)[:at+size]
	// It fails only for a message that was changed meanwhile.
	_, _ = m.MarshalToSizedBufferVT(dst[at:])
	return dst
}

// ReadGRPC gives the one message that a body over gRPC holds, and whether it is
// compressed. The error is an *ask.Fault.
func ReadGRPC(body []byte) (message []byte, compressed bool, err error) {
	if len(body) < grpcHeadBytes {
		return nil, false, brokenBody("the call has no whole message", "send one, with five bytes before it")
	}
	message = body[grpcHeadBytes:]
	switch length := binary.BigEndian.Uint32(body[1:]); {
	case body[0] > 1:
		return nil, false, brokenBody("the message is neither plain nor compressed", "begin it with a byte 0 or 1")
	case uint64(len(message)) < uint64(length):
		return nil, false, brokenBody("the message breaks off", "send all of what its length announces")
	case uint64(len(message)) > uint64(length):
		return nil, false, brokenBody("something follows the message", "send one message a call")
	}
	return message, body[0] == 1, nil
}

func brokenBody(what, remedy string) *ask.Fault {
	return &ask.Fault{Kind: ask.BodyBroken, What: what, Remedy: remedy}
}
