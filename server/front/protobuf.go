package front

import (
	"crypto/rand"
	"net/http"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// protobufPath is where weir.v1's messages are taken over plain HTTP.
const protobufPath = "/v1/generate"

var protobufDialect = &dialect{
	fault:  func(dst []byte, f *ask.Fault, _ string) []byte { return protobuf.AppendFault(dst, f) },
	status: statusOf, takes: checkProtobuf, probe: protobuf.DelimitedProbe,
	whole: []string{"application/x-protobuf"}, stream: []string{"application/x-protobuf; delimited=true"},
}

func (h *Handler) protobufRoutes() []route {
	return []route{
		{"POST", protobufPath, false, h.generate},
		{"POST", grpcService + "Generate", false, h.grpcGenerate},
		{"POST", grpcService + "Complete", false, h.grpcComplete},
		{"POST", grpcHealthCheck, true, h.grpcHealth},
	}
}

// checkProtobuf refuses what is no protobuf by its name. A page asks the server
// before it sends one of these: see checkMediaType.
func checkProtobuf(header http.Header) error {
	switch media := mediaType(header); media {
	case "application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf":
		return nil
	}
	return &ask.Fault{
		Kind: ask.MediaTypeUnsupported, What: "the body must be a weir.v1.GenerateRequest",
		Remedy: "send the header Content-Type: application/x-protobuf, or JSON to /v1/chat/completions",
	}
}

func (h *Handler) generate(x *exchange, w http.ResponseWriter, q *http.Request) error {
	body, err := h.receiveBody(x, w, q)
	if err != nil {
		return err
	}
	message, request, err := h.readMessage(x, body)
	if err != nil {
		return err
	}
	if message.Stream {
		return h.stream(x, w, q, request, protobuf.NewStream(h.protobufHead(), protobuf.Delimited))
	}
	return h.whole(x, w, q, request, protobuf.NewAnswer(h.protobufHead(), protobuf.Bare))
}

// readMessage makes a request of a message.
func (h *Handler) readMessage(x *exchange, body []byte) (*weirv1.GenerateRequest, *ask.Request, error) {
	message, err := protobuf.Decode(body, x.input.hold)
	if err != nil {
		return nil, nil, err
	}
	request, err := protobuf.Ask(message, h.cfg.Defaults)
	return message, request, err
}

func (h *Handler) protobufHead() protobuf.Head {
	return protobuf.Head{
		ID: "gen-" + rand.Text(), Created: time.Now().Unix(),
		Model: h.cfg.Generator.Model().ID, SystemFingerprint: h.cfg.Fingerprint,
	}
}
