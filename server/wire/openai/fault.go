package openai

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Types of errors, as OpenAI's clients know them.
const (
	typeInvalidRequest = "invalid_request_error"
	typeRateLimit      = "rate_limit_error"
	typeServer         = "server_error"
	typeAuthentication = "authentication_error"
	typeContext        = "exceed_context_size_error" // llama-server's
	typeNotServed      = "not_supported_error"       // llama-server's
)

// spelling is a fault's type and code.
type spelling struct{ typ, code string }

var spellings = [ask.Kinds]spelling{
	ask.Internal:             {typeServer, "internal_error"},
	ask.InvalidJSON:          {typeInvalidRequest, "invalid_json"},
	ask.InvalidValue:         {typeInvalidRequest, "invalid_value"},
	ask.MissingParameter:     {typeInvalidRequest, "missing_required_parameter"},
	ask.UnknownParameter:     {typeInvalidRequest, "unknown_parameter"},
	ask.Unsupported:          {typeInvalidRequest, "unsupported_parameter"},
	ask.BodyTooLarge:         {typeInvalidRequest, "request_too_large"},
	ask.BodyLate:             {typeInvalidRequest, "request_timeout"},
	ask.BodyBroken:           {typeInvalidRequest, "invalid_body"},
	ask.EncodingUnsupported:  {typeInvalidRequest, "unsupported_content_encoding"},
	ask.MediaTypeUnsupported: {typeInvalidRequest, "unsupported_media_type"},
	ask.PathUnknown:          {typeInvalidRequest, "unknown_url"},
	ask.MethodNotAllowed:     {typeInvalidRequest, "method_not_allowed"},
	ask.KeyInvalid:           {typeAuthentication, "invalid_api_key"},
	ask.ModelUnknown:         {typeInvalidRequest, "model_not_found"},
	ask.ContextExceeded:      {typeContext, "context_length_exceeded"},
	ask.PromptEmpty:          {typeInvalidRequest, "invalid_value"},
	ask.LogprobsTooMany:      {typeInvalidRequest, "invalid_value"},
	ask.TemplateMissing:      {typeInvalidRequest, "no_chat_template"},
	ask.TemplateRefused:      {typeInvalidRequest, "invalid_value"},
	ask.TemplateFailed:       {typeServer, "chat_template_failed"},
	ask.TokenizerMissing:     {typeInvalidRequest, "unsupported_model"},
	ask.QueueFull:            {typeRateLimit, "queue_full"},
	ask.RateLimited:          {typeRateLimit, "rate_limit_exceeded"},
	ask.MemoryFull:           {typeServer, "memory_full"},
	ask.ShuttingDown:         {typeServer, "shutting_down"},
	ask.Loading:              {typeServer, "loading"},
	ask.EngineStuck:          {typeServer, "engine_stuck"},
	ask.Cancelled:            {typeServer, ""},
	ask.DeadlineExceeded:     {typeServer, "deadline_exceeded"},
	ask.NotServed:            {typeNotServed, "not_supported"},
	ask.NotStored:            {typeInvalidRequest, "not_found"},
}

// messageBytes bounds a message: what a client sent is quoted where it is at
// fault, and may be as long as its whole body.
const messageBytes = 1 << 10

// AppendFault appends OpenAI's error object, {"error":{…}}, of at most a few
// kilobytes.
func AppendFault(dst []byte, f *ask.Fault) []byte {
	s := spellings[f.Kind]
	dst = append(dst, `{"error":{"message":`...)
	shown := ask.Fault{What: ask.Clip(f.What, messageBytes), Remedy: ask.Clip(f.Remedy, messageBytes)}
	dst = wire.AppendJSONString(dst, shown.Error())
	dst = append(dst, `,"type":`...)
	dst = wire.AppendJSONString(dst, s.typ)
	dst = append(dst, `,"param":`...)
	dst = appendStringOrNull(dst, ask.Clip(f.Param, ask.QuotedBytes))
	dst = append(dst, `,"code":`...)
	dst = appendStringOrNull(dst, s.code)
	return append(dst, "}}"...)
}

func appendStringOrNull(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return wire.AppendJSONString(dst, s)
}
