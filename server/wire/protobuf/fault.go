package protobuf

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Codes of google.rpc.Code, which gRPC has too.
const (
	codeOK                 = 0
	codeCancelled          = 1
	codeInvalidArgument    = 3
	codeDeadlineExceeded   = 4
	codeNotFound           = 5
	codeResourceExhausted  = 8
	codeFailedPrecondition = 9
	codeUnimplemented      = 12
	codeInternal           = 13
	codeUnavailable        = 14
	codeUnauthenticated    = 16
)

// spelling is a fault's code, and its reason for programs.
type spelling struct {
	code   int32
	reason string
}

var spellings = [ask.Kinds]spelling{
	ask.Internal:             {codeInternal, "INTERNAL"},
	ask.InvalidJSON:          {codeInvalidArgument, "INVALID_JSON"},
	ask.InvalidValue:         {codeInvalidArgument, "INVALID_VALUE"},
	ask.MissingParameter:     {codeInvalidArgument, "MISSING_PARAMETER"},
	ask.UnknownParameter:     {codeInvalidArgument, "UNKNOWN_PARAMETER"},
	ask.Unsupported:          {codeInvalidArgument, "UNSUPPORTED"},
	ask.BodyTooLarge:         {codeResourceExhausted, "REQUEST_TOO_LARGE"},
	ask.BodyLate:             {codeDeadlineExceeded, "REQUEST_TIMEOUT"},
	ask.BodyBroken:           {codeInvalidArgument, "INVALID_BODY"},
	ask.EncodingUnsupported:  {codeUnimplemented, "UNSUPPORTED_ENCODING"},
	ask.MediaTypeUnsupported: {codeUnimplemented, "UNSUPPORTED_MEDIA_TYPE"},
	ask.PathUnknown:          {codeUnimplemented, "UNKNOWN_METHOD"},
	ask.MethodNotAllowed:     {codeUnimplemented, "METHOD_NOT_ALLOWED"},
	ask.KeyInvalid:           {codeUnauthenticated, "INVALID_API_KEY"},
	ask.ModelUnknown:         {codeNotFound, "MODEL_NOT_FOUND"},
	ask.ContextExceeded:      {codeInvalidArgument, "CONTEXT_LENGTH_EXCEEDED"},
	ask.PromptEmpty:          {codeInvalidArgument, "PROMPT_EMPTY"},
	ask.LogprobsTooMany:      {codeInvalidArgument, "TOO_MANY_LOGPROBS"},
	ask.TemplateMissing:      {codeFailedPrecondition, "NO_CHAT_TEMPLATE"},
	ask.TemplateRefused:      {codeInvalidArgument, "CHAT_TEMPLATE_REFUSED"},
	ask.TemplateFailed:       {codeInternal, "CHAT_TEMPLATE_FAILED"},
	ask.TokenizerMissing:     {codeUnimplemented, "UNSUPPORTED_MODEL"},
	ask.QueueFull:            {codeResourceExhausted, "QUEUE_FULL"},
	ask.RateLimited:          {codeResourceExhausted, "RATE_LIMITED"},
	ask.MemoryFull:           {codeUnavailable, "MEMORY_FULL"},
	ask.ShuttingDown:         {codeUnavailable, "SHUTTING_DOWN"},
	ask.Loading:              {codeUnavailable, "LOADING"},
	ask.EngineStuck:          {codeUnavailable, "ENGINE_STUCK"},
	ask.Cancelled:            {codeCancelled, "CANCELLED"},
	ask.DeadlineExceeded:     {codeDeadlineExceeded, "DEADLINE_EXCEEDED"},
	ask.NotServed:            {codeUnimplemented, "NOT_SERVED"},
	ask.NotStored:            {codeNotFound, "NOT_STORED"},
}

// Bounds of what is said: what a client sent is quoted where it is at fault, and
// some clients take no more than 8 KiB of header and trailer together, in which a
// byte may take three and all is there twice.
const (
	whatBytes   = 512
	remedyBytes = 256
)

// failure is a fault as a message.
func failure(f *ask.Fault) *weirv1.Error {
	s := spellings[f.Kind]
	shown := ask.Fault{What: ask.Clip(f.What, whatBytes), Remedy: ask.Clip(f.Remedy, remedyBytes)}
	return &weirv1.Error{
		Code: s.code, Reason: s.reason, Message: shown.Error(), Remedy: shown.Remedy, Param: ask.Clip(f.Param, ask.QuotedBytes),
	}
}

// AppendFault appends weir.v1.Error, of at most a few kilobytes: the body of a
// failure over HTTP.
func AppendFault(dst []byte, f *ask.Fault) []byte { return Bare.appendMessage(dst, failure(f)) }
