package front

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/protobuf"
)

// Paths of calls over gRPC.
const (
	grpcService     = "/" + protobuf.ServiceName + "/"
	grpcHealthCheck = "/grpc.health.v1.Health/Check"
)

var grpcPaths = map[string]bool{grpcService + "Generate": true, grpcService + "Complete": true, grpcHealthCheck: true}

// grpcDialect is spoken over HTTP/2 alone. How a call ended is told behind its
// answer, in the trailer, and without an answer in the header; its HTTP status,
// which is always 200, is elsewhere for the metrics.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
var grpcDialect = &dialect{
	fault:  func(dst []byte, _ *ask.Fault, _ string) []byte { return dst },
	status: statusOf, takes: checkGRPC, probe: protobuf.GRPCProbe,
	whole: grpcBody, stream: grpcBody,
}

var grpcBody = []string{"application/grpc"}

// strayDialect is for who asks for a call in another way.
var strayDialect = &dialect{
	fault: openaiDialect.fault, status: statusOf, whole: jsonBody, stream: eventStream,
	takes: func(http.Header) error {
		return &ask.Fault{
			Kind: ask.MediaTypeUnsupported, What: "this is called over gRPC",
			Remedy: "use HTTP/2 and Content-Type: application/grpc, or POST " + protobufPath + " with application/x-protobuf",
		}
	},
}

// mediaType is a header's, without parameters; "" for one that is none.
func mediaType(header http.Header) string {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return media
}

// speaksGRPC reports whether a request is a call over gRPC.
func speaksGRPC(q *http.Request) bool {
	if q.ProtoMajor < 2 {
		return false
	}
	rest, is := strings.CutPrefix(q.Header.Get("Content-Type"), grpcBody[0])
	return is && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

func checkGRPC(header http.Header) error {
	switch media := mediaType(header); media {
	case "application/grpc", "application/grpc+proto":
		return nil
	default:
		return &ask.Fault{
			Kind: ask.MediaTypeUnsupported, What: "messages of " + ask.Clip(media, ask.QuotedBytes) + " are not supported", Remedy: "send application/grpc+proto",
		}
	}
}

func (h *Handler) grpcGenerate(x *exchange, w http.ResponseWriter, q *http.Request) error {
	request, err := h.receiveCall(x, w, q)
	if err != nil {
		return err
	}
	enc := protobuf.NewStream(h.protobufHead(), protobuf.GRPC)
	if err := h.stream(x, w, q, request, enc); err != nil {
		return err
	}
	x.endGRPC(w, enc.Fault())
	return nil
}

func (h *Handler) grpcComplete(x *exchange, w http.ResponseWriter, q *http.Request) error {
	request, err := h.receiveCall(x, w, q)
	if err != nil {
		return err
	}
	if err := h.whole(x, w, q, request, protobuf.NewAnswer(h.protobufHead(), protobuf.GRPC)); err != nil {
		return err
	}
	x.endGRPC(w, nil)
	return nil
}

// receiveCall makes a request of a call.
func (h *Handler) receiveCall(x *exchange, w http.ResponseWriter, q *http.Request) (*ask.Request, error) {
	if header := q.Header.Get("Grpc-Timeout"); header != "" {
		timeout, err := protobuf.Timeout(header)
		if err != nil {
			return nil, err
		}
		x.bound(x.begin.Add(timeout))
	}
	body, err := h.receiveBody(x, w, q)
	if err != nil {
		return nil, err
	}
	body, packed, err := protobuf.ReadGRPC(body)
	if err == nil && packed {
		body, err = h.unpack(x, q.Header.Get("Grpc-Encoding"), body)
	}
	if err != nil {
		return nil, err
	}
	_, request, err := h.readMessage(x, body)
	return request, err
}

// grpcEncodings is the header grpc-accept-encoding of an answer.
const grpcEncodings = "gzip"

// unpack gives what a compressed message says. The exchange holds it too.
func (h *Handler) unpack(x *exchange, encoding string, packed []byte) ([]byte, error) {
	if encoding != "gzip" {
		return nil, &ask.Fault{
			Kind: ask.EncodingUnsupported, What: "grpc-encoding " + strconv.Quote(ask.Clip(encoding, ask.QuotedBytes)) + " is not supported",
			Remedy: "compress with gzip, or not at all",
		}
	}
	plain := account{memory: &h.memory}
	message, err := plain.read(&gzipBody{from: bytes.NewReader(packed)}, -1, h.cfg.BodyBytes)
	x.input.held += plain.held
	switch _, told := err.(*ask.Fault); {
	case err == nil || told:
		return message, err
	case err == errOverLimit:
		return nil, h.bodyTooLarge()
	}
	return nil, &ask.Fault{Kind: ask.BodyBroken, What: "the message cannot be read as gzip", Remedy: "compress it as grpc-encoding says"}
}

// healthBytes bounds what asks for a service's health: a name.
const healthBytes = 4 << 10

// grpcHealth is readiness, as h.health is.
func (h *Handler) grpcHealth(x *exchange, w http.ResponseWriter, q *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(q.Body, healthBytes+1))
	if err != nil {
		return ask.GivenUp(err)
	}
	if len(body) > healthBytes {
		return &ask.Fault{Kind: ask.BodyTooLarge, What: fmt.Sprintf("the call is larger than %d bytes", healthBytes), Remedy: "send a shorter one"}
	}
	message, _, err := protobuf.ReadGRPC(body)
	if err == nil {
		err = protobuf.CheckHealth(message)
	}
	if err != nil {
		return err
	}
	serving := h.refuseWhileWithdrawn() == nil
	if c, ok := h.cfg.Generator.(generate.Checker); ok && c.Check() != nil {
		serving = false
	}
	h.write(x, w, http.StatusOK, protobuf.AppendHealth(nil, serving))
	x.endGRPC(w, nil)
	return nil
}

// endGRPC says behind an answer how the call ended.
func (x *exchange) endGRPC(w http.ResponseWriter, f *ask.Fault) {
	status := protobuf.StatusOK
	if f != nil {
		status = protobuf.NewStatus(short(f), x.limit.passed(f))
	}
	setGRPCStatus(w.Header(), http.TrailerPrefix, status)
}

// failGRPC answers a call with a fault alone.
func (x *exchange) failGRPC(w http.ResponseWriter, f *ask.Fault, status int) {
	x.account(status)
	x.client.answer(nil)
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header()["Grpc-Retry-Pushback-Ms"] = []string{strconv.Itoa(int(math.Ceil(float64(x.retryAfter(f)) / float64(time.Millisecond))))}
	}
	x.h.bound(w)
	refuseGRPC(w, protobuf.NewStatus(f, x.limit.passed(f)))
}

func refuseGRPC(w http.ResponseWriter, s protobuf.Status) {
	w.Header()["Content-Type"] = grpcBody
	w.Header()["Grpc-Accept-Encoding"] = []string{grpcEncodings}
	setGRPCStatus(w.Header(), "", s)
	w.WriteHeader(http.StatusOK)
}

// setGRPCStatus sets a call's status; prefix says where.
func setGRPCStatus(header http.Header, prefix string, s protobuf.Status) {
	for name, value := range map[string]string{"Grpc-Status": s.Code, "Grpc-Message": s.Message, "Grpc-Status-Details-Bin": s.Details} {
		if value != "" {
			header[prefix+name] = []string{value}
		}
	}
}
