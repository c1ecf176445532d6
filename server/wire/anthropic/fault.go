package anthropic

import (
	"net/http"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// spelling is a fault's type, as Anthropic's clients know it, and its status.
type spelling struct {
	typ    string
	status int
}

var (
	invalid    = spelling{"invalid_request_error", http.StatusBadRequest}
	notFound   = spelling{"not_found_error", http.StatusNotFound}
	failed     = spelling{"api_error", http.StatusInternalServerError}
	overloaded = spelling{"overloaded_error", StatusOverloaded}
)

// StatusOverloaded is Anthropic's status of a server that has too much to do.
const StatusOverloaded = 529

var spellings = [ask.Kinds]spelling{
	ask.Internal:             failed,
	ask.InvalidJSON:          invalid,
	ask.InvalidValue:         invalid,
	ask.MissingParameter:     invalid,
	ask.UnknownParameter:     invalid,
	ask.Unsupported:          invalid,
	ask.BodyTooLarge:         {"request_too_large", http.StatusRequestEntityTooLarge},
	ask.BodyLate:             {"timeout_error", http.StatusRequestTimeout},
	ask.BodyBroken:           invalid,
	ask.EncodingUnsupported:  {invalid.typ, http.StatusUnsupportedMediaType},
	ask.MediaTypeUnsupported: {invalid.typ, http.StatusUnsupportedMediaType},
	ask.PathUnknown:          notFound,
	ask.MethodNotAllowed:     {invalid.typ, http.StatusMethodNotAllowed},
	ask.KeyInvalid:           {"authentication_error", http.StatusUnauthorized},
	ask.ModelUnknown:         notFound,
	ask.ContextExceeded:      invalid,
	ask.PromptEmpty:          invalid,
	ask.LogprobsTooMany:      invalid,
	ask.TemplateMissing:      invalid,
	ask.TemplateRefused:      invalid,
	ask.TemplateFailed:       failed,
	ask.TokenizerMissing:     {invalid.typ, http.StatusNotImplemented},
	ask.QueueFull:            overloaded,
	ask.RateLimited:          {"rate_limit_error", http.StatusTooManyRequests},
	ask.MemoryFull:           overloaded,
	ask.ShuttingDown:         overloaded,
	ask.Loading:              overloaded,
	ask.EngineStuck:          failed,
	ask.Cancelled:            failed,
	ask.DeadlineExceeded:     {"timeout_error", http.StatusGatewayTimeout},
	ask.NotServed:            {invalid.typ, http.StatusNotImplemented},
	ask.NotStored:            notFound,
}

// Status is the HTTP status of a fault of a kind; that of one who has gone is
// never sent.
func Status(k ask.Kind) int { return spellings[k].status }

// messageBytes bounds a message: what a client sent is quoted where it is at
// fault, and may be as long as its whole body.
const messageBytes = 1 << 10

// threadField asks for a conversation that the server keeps between turns.
const threadField = "thread"

// threadDetails tell a client that asked for a thread to send whole conversations
// instead: Anthropic's do so by themselves on this code, and on no other failure.
const threadDetails = `,"details":{"error_code":"thread_unsupported_request","unsupported":["` + threadField + `"]}`

// AppendFault appends Anthropic's error object, of at most a few kilobytes.
func AppendFault(dst []byte, f *ask.Fault, requestID string) []byte {
	dst = append(dst, `{"type":"error","error":{"type":"`...)
	dst = append(dst, spellings[f.Kind].typ...)
	dst = append(dst, `","message":`...)
	shown := ask.Fault{What: ask.Clip(f.What, messageBytes), Remedy: ask.Clip(f.Remedy, messageBytes)}
	dst = wire.AppendJSONString(dst, shown.Error())
	if f.Kind == ask.Unsupported && f.Param == threadField {
		dst = append(dst, threadDetails...)
	}
	dst = append(dst, `},"request_id":`...)
	dst = wire.AppendJSONString(dst, requestID)
	return append(dst, '}')
}
