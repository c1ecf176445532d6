package llamaserver

import (
	"fmt"
	"strconv"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// types are llama-server's words for kinds of faults; others are requests that
// are invalid.
var types = map[ask.Kind]string{
	ask.Internal:         "server_error",
	ask.TemplateFailed:   "server_error",
	ask.KeyInvalid:       "authentication_error",
	ask.PathUnknown:      "not_found_error",
	ask.ModelUnknown:     "not_found_error",
	ask.NotStored:        "not_found_error",
	ask.ContextExceeded:  "exceed_context_size_error",
	ask.TokenizerMissing: "not_supported_error",
	ask.NotServed:        "not_supported_error",
	ask.QueueFull:        "unavailable_error",
	ask.RateLimited:      "unavailable_error",
	ask.MemoryFull:       "unavailable_error",
	ask.ShuttingDown:     "unavailable_error",
	ask.Loading:          "unavailable_error",
	ask.EngineStuck:      "unavailable_error",
	ask.DeadlineExceeded: "unavailable_error",
}

// messageBytes bounds a message: it quotes what a client sent.
const messageBytes = 1 << 10

// AppendFault appends llama-server's error object, {"error":{…}}; status is the
// answer's.
func AppendFault(dst []byte, f *ask.Fault, status int) []byte {
	dst = append(dst, `{"error":{"code":`...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, `,"message":`...)
	dst = wire.AppendJSONString(dst, message(f))
	dst = append(dst, `,"type":`...)
	typ, ok := types[f.Kind]
	if !ok {
		typ = "invalid_request_error"
	}
	dst = wire.AppendJSONString(dst, typ)
	if f.PromptTokens > 0 {
		dst = append(dst, `,"n_prompt_tokens":`...)
		dst = strconv.AppendInt(dst, int64(f.PromptTokens), 10)
		dst = append(dst, `,"n_ctx":`...)
		dst = strconv.AppendInt(dst, int64(f.ContextTokens), 10)
	}
	return append(dst, "}}"...)
}

// message is what clients look for where they look for something, and ours
// elsewhere.
func message(f *ask.Fault) string {
	switch {
	case f.Kind == ask.Loading:
		return "Loading model"
	case f.Kind == ask.ContextExceeded && f.PromptTokens > 0:
		return fmt.Sprintf("request (%d tokens) exceeds the available context size (%d tokens), try increasing it", f.PromptTokens, f.ContextTokens)
	}
	shown := ask.Fault{What: ask.Clip(f.What, messageBytes), Remedy: ask.Clip(f.Remedy, messageBytes)}
	return shown.Error()
}
