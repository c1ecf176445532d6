package front

import (
	"net/http"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// unserved are paths of OpenAI's API, and of servers that speak it, that clients
// ask for and that this server does not have: each with what it is, and what helps. One
// that ends in a slash is with and without it, and with all that is below it.
var unserved = []struct{ path, what, remedy string }{
	{"/v1/audio/", "speech and transcription", "ask a server for speech"},
	{"/v1/images/", "images", "ask a server that makes images"},
	{"/v1/videos/", "videos", "ask a server that makes videos"},
	{"/v1/moderations", "moderation", "ask a model to classify the text, with a JSON schema in response_format"},
	{"/v1/files/", "files", "put their text into messages"},
	{"/v1/uploads/", "uploads", "put the text into messages"},
	{"/v1/batches/", "batches", "send the requests at once: they are batched as they come"},
	{"/v1/fine_tuning/", "fine-tuning", "tune the model elsewhere and serve its GGUF file"},
	{"/v1/vector_stores/", "vector stores", "keep vectors in a database"},
	{"/v1/assistants/", "assistants", "use POST /v1/responses or POST /v1/chat/completions"},
	{"/v1/threads/", "threads", "send the whole conversation to POST /v1/responses or POST /v1/chat/completions"},
	{"/v1/conversations/", "conversations", "send the whole conversation to POST /v1/responses"},
	{"/v1/realtime/", "the realtime API", "stream from POST /v1/chat/completions"},
	{"/v1/responses/compact", "compaction", "ask the model for a summary of the conversation"},
	{"/v1/evals/", "evals", "run them beside the server"},
	{"/v1/containers/", "containers", "describe tools as functions, which the client carries out"},
	{"/v1/edits", "edits", "use POST /v1/chat/completions"},
	{"/v1/engines/", "engines", "use GET /v1/models"},
	{"/v1/organization/", "administration", "the operator sets keys with --api-key"},
	{"/v1/score", "scoring", "ask a server that serves a model for ranking"},
	{"/v1/classify", "classification", "ask a model to classify the text, with a JSON schema in response_format"},
	{"/v1/pooling", "pooling", "use POST /v1/embeddings"},
}

// refuseUnserved registers them, for any method.
func (h *Handler) refuseUnserved() {
	for _, u := range unserved {
		r := route{path: u.path, serve: func(*exchange, http.ResponseWriter, *http.Request) error {
			return &ask.Fault{Kind: ask.NotServed, What: u.path + ": not supported by this server: " + u.what, Remedy: u.remedy}
		}}
		serve := func(w http.ResponseWriter, q *http.Request) { h.dispatch(w, q, &r) }
		h.mux.HandleFunc(u.path, serve)
		if folder, ok := strings.CutSuffix(u.path, "/"); ok {
			h.mux.HandleFunc(folder, serve) // else the mux sends clients to the slash that plainPath takes away
		}
	}
}
