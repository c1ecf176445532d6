package front

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/record"
)

// story is what an exchange keeps for those who write down what became of it. The
// handler tells it, and of a stream who sends it: reply.Observer.Sent.
//
//	field           moved by
//	end             the emitter, once: what it wrote before is seen with it
//	first, refused  the emitter
//	bytes, fault    the handler, of what is no stream
//	all else        the handler, before anything is generated
type story struct {
	end                     atomic.Pointer[ask.End] // nil: none, or not yet
	first                   time.Duration           // to the first token
	received                time.Duration           // until the generator had the request
	bytes                   int64
	fault                   *ask.Fault
	refused                 bool // a stream ended before it began
	prompt                  int  // tokens
	asked                   string
	asks                    bool // something of the model
	traceParent, traceState string
}

// Bounds of what is kept of what a client sends.
const (
	traceParentBytes = 128 // a longer one is of a version that nobody knows
	traceStateBytes  = 512
	pathBytes        = 256
)

// trace keeps the trace context of a request's header.
func (s *story) trace(header http.Header) {
	if v := header.Get("Traceparent"); len(v) <= traceParentBytes {
		s.traceParent = v
	}
	if v := header.Get("Tracestate"); len(v) <= traceStateBytes {
		s.traceState = v
	}
}

// asks notes that something is asked of the model, by a name.
func (x *exchange) asks(model string) {
	x.story.asks, x.story.asked = true, ask.Clip(model, ask.QuotedBytes)
}

// embedded counts the tokens of inputs.
func (x *exchange) embedded(tokens int) {
	x.spend(tokens, 0)
	x.story.asks, x.story.prompt = true, tokens
}

// record tells the recorders what became of the exchange.
func (x *exchange) record(bytes int64, fault *ask.Fault) {
	if len(x.h.cfg.Recorders) == 0 {
		return
	}
	s := &x.story
	r := &record.Request{
		ID: x.requestID, Method: x.method, Path: ask.Clip(x.path, pathBytes), Route: x.route, Client: x.remote,
		Status: int(x.accounted.Load()), Begin: x.begin, Total: time.Since(x.begin), Tier: x.granted,
		Asked: s.asked, PromptTokens: s.prompt, Streamed: x.streamed && !s.refused, Bytes: bytes, Fault: fault,
		TraceParent: s.traceParent, TraceState: s.traceState,
	}
	if r.Status == 0 {
		r.Status = http.StatusInternalServerError // a panic: nothing is answered
	}
	if x.method == http.MethodHead {
		r.Bytes = 0 // net/http leaves the body out
	}
	if x.tenant != nil {
		r.KeyName = x.tenant.Name
	}
	if s.asks {
		r.Model = x.h.cfg.Generator.Model().ID
	}
	if end := s.end.Load(); end != nil {
		r.First, r.Reason = s.first, end.Reason.String()
		r.PromptTokens, r.CachedTokens, r.CompletionTokens = end.PromptTokens, end.CachedTokens, end.CompletionTokens
		if m := x.meter; m != nil { // of those that were given up the end knows nothing
			r.PromptTokens, r.CompletionTokens = max(r.PromptTokens, m.prompt), max(r.CompletionTokens, m.generated)
		}
		r.Receive, r.Spent = s.received, end.Spent
		r.Queue, r.Prompt, r.Decode = time.Duration(end.QueueNs), time.Duration(end.PrefillNs), time.Duration(end.DecodeNs)
	}
	for _, to := range x.h.cfg.Recorders {
		to.Record(r)
	}
}
