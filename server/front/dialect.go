package front

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/anthropic"
	"github.com/weirgo/weir/server/wire/llamaserver"
	"github.com/weirgo/weir/server/wire/ollama"
	"github.com/weirgo/weir/server/wire/openai"
)

// dialect is how answers are told where that is not an encoder's affair: what
// failed, and what a stream is.
type dialect struct {
	fault  func(dst []byte, f *ask.Fault, requestID string) []byte
	status func(ask.Kind) int
	whole  []string // Content-Type of what is no stream
	stream []string // Content-Type of a stream
	probe  []byte   // within a stream, nil for that of an event stream
	// takes checks the header of a body, nil: of JSON.
	takes func(http.Header) error
	// idHeader and idPrefix name each request, "" where none is named.
	idHeader, idPrefix string
}

func statusOf(k ask.Kind) int { return statuses[k] }

var (
	openaiDialect = &dialect{
		fault:  func(dst []byte, f *ask.Fault, _ string) []byte { return openai.AppendFault(dst, f) },
		status: statusOf, whole: jsonBody, stream: eventStream,
	}
	anthropicDialect = &dialect{
		fault: anthropic.AppendFault, status: anthropicStatus, whole: jsonBody, stream: eventStream,
		idHeader: "Request-Id", idPrefix: "req_",
	}
	ollamaDialect = &dialect{
		fault:  func(dst []byte, f *ask.Fault, _ string) []byte { return ollama.AppendFault(dst, f) },
		status: statusOf, whole: jsonBody, stream: []string{"application/x-ndjson"}, probe: []byte(ollama.Probe),
	}
	llamaDialect = &dialect{
		fault: func(dst []byte, f *ask.Fault, _ string) []byte {
			return llamaserver.AppendFault(dst, f, statuses[f.Kind])
		},
		status: statusOf, whole: jsonBody, stream: eventStream,
	}
)

func anthropicStatus(k ask.Kind) int {
	if k == ask.Cancelled {
		return statusClientClosed
	}
	return anthropic.Status(k)
}

// dialectOf is the dialect that a request's client speaks, whether its path is
// known or not: clients read failures too.
func dialectOf(q *http.Request) *dialect {
	path := q.URL.Path
	switch {
	case speaksGRPC(q):
		return grpcDialect
	case path == protobufPath:
		return protobufDialect
	case grpcPaths[path]:
		return strayDialect
	case path == "/v1/messages", strings.HasPrefix(path, "/v1/messages/"):
		return anthropicDialect
	case (path == "/v1/models" || strings.HasPrefix(path, "/v1/models/")) && q.Header.Get("Anthropic-Version") != "":
		return anthropicDialect
	case path == "/api", strings.HasPrefix(path, "/api/"):
		return ollamaDialect
	case llamaPaths[path], strings.HasPrefix(path, "/slots/"):
		return llamaDialect
	}
	return openaiDialect
}

// name names the request to its client, if the dialect does: by the id that it has
// anyway, if that has the dialect's form.
func (d *dialect) name(header http.Header, requestID string) (id string) {
	if d.idHeader == "" {
		return ""
	}
	if id = requestID; !strings.HasPrefix(id, d.idPrefix) {
		id = d.idPrefix + rand.Text()
	}
	header[d.idHeader] = []string{id}
	return id
}
