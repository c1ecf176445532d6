package record

import (
	"time"

	"github.com/weirgo/weir/server/ask"
)

// Request is what became of a request. Who gets one may read it, and keep a copy.
type Request struct {
	ID     string // X-Request-Id of request and answer
	Method string
	Path   string // without its query, which may have a key
	Route  string // the path's pattern, of a closed set
	Client string // address and port
	Status int    // of HTTP; 499 for a client that went away

	Begin time.Time // when the header had arrived
	Total time.Duration
	First time.Duration // until the first token was on its way; 0: none was

	KeyName string // "" for a key without a name, or none
	Tier    ask.Tier

	// Of what was generated, or embedded.
	Asked            string // the model's name, by the client
	Model            string // by the server; "" if nothing was asked of it
	PromptTokens     int
	CachedTokens     int
	CompletionTokens int
	Receive          time.Duration // until the generator had it, tokens and all
	Queue            time.Duration
	Prompt           time.Duration
	Decode           time.Duration
	Spent            *ask.Spent // of Prompt and Decode; nil: not known. It does not change any more.
	Reason           string     // why it ended, "" if nothing was begun
	Streamed         bool

	Bytes int64      // of the answer's body, before any framing of HTTP's
	Fault *ask.Fault // nil: none

	// Trace context of the client, as it was sent (W3C); "" for none.
	TraceParent, TraceState string
}

// Phases calls f with each phase of the request that is known, in order. They sum to
// Total: receive, of what was generated queue, first_token and decode, and delivery,
// which is the rest.
func (r *Request) Phases(f func(name string, took time.Duration)) {
	f("receive", r.Receive)
	rest := r.Total - r.Receive
	if r.Queue > 0 {
		f("queue", r.Queue)
		f("first_token", r.Prompt)
		f("decode", r.Decode)
		rest -= r.Queue + r.Prompt + r.Decode
	}
	f("delivery", rest)
}

// Recorder takes what became of requests. It is called by many goroutines, by the one
// that all streams wait for too: it must not block. The request is its caller's again
// when it returns.
type Recorder interface {
	Record(*Request)
}
