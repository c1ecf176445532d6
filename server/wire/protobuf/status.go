package protobuf

import (
	"encoding/base64"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Status is how a call over gRPC ended: three fields of its trailer, as they are
// written there.
type Status struct {
	Code    string // grpc-status
	Message string // grpc-message, "" for none
	Details string // grpc-status-details-bin, "" for none
}

// StatusOK is that of a call that ended well.
var StatusOK = Status{Code: strconv.Itoa(codeOK)}

// NewStatus is a fault's status. late says that the call's own deadline has
// passed. Its details are a google.rpc.ErrorInfo with the reason and, as metadata,
// param and remedy.
func NewStatus(f *ask.Fault, late bool) Status {
	e := failure(f)
	if late {
		e = &weirv1.Error{Code: codeDeadlineExceeded, Reason: "DEADLINE_EXCEEDED", Message: "the call's deadline has passed", Remedy: "give it more time, or ask for fewer tokens"}
	}
	return Status{
		Code: strconv.Itoa(int(e.Code)), Message: percentEncoded(e.Message),
		Details: base64.RawStdEncoding.EncodeToString(appendStatus(nil, e)),
	}
}

// percentEncoded is a text as grpc-message has it: what is not printable ASCII, and
// the percent sign, as %XX.
func percentEncoded(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c <= '~' && c != '%' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// appendStatus appends a google.rpc.Status.
func appendStatus(dst []byte, e *weirv1.Error) []byte {
	dst = protowire.AppendTag(dst, 1, protowire.VarintType)
	dst = protowire.AppendVarint(dst, uint64(e.Code))
	dst = appendText(dst, 2, e.Message)
	info := appendText(nil, 1, e.Reason)
	info = appendText(info, 2, "weir.v1") // the domain of the reasons
	for _, of := range [][2]string{{"param", e.Param}, {"remedy", e.Remedy}} {
		if of[1] != "" {
			info = appendText(info, 3, appendText(appendText(nil, 1, of[0]), 2, of[1]))
		}
	}
	detail := appendText(nil, 1, "type.googleapis.com/google.rpc.ErrorInfo")
	return appendText(dst, 3, appendText(detail, 2, info))
}

func appendText[S ~string | ~[]byte](dst []byte, field protowire.Number, text S) []byte {
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	return protowire.AppendString(dst, string(text))
}
