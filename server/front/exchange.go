package front

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/tenants"
	"github.com/weirgo/weir/server/wire/anthropic"
)

// exchange is what is told of one request: to the metrics, to the log. It holds
// nothing of net/http's once the handler has gone, and so may outlive it. It
// observes the reply.
type exchange struct {
	h                    *Handler
	route                string // of a closed set: it is a metric's label
	dialect              *dialect
	id                   string // that the client is told by the dialect, "" if it has none
	requestID            string // that everybody is told
	method, path, remote string
	begin                time.Time
	last                 time.Duration // of the last delivery, since begin
	delivered            bool
	meter                *meter       // of what is generated; nil before that
	one                  meter        // what meter points to
	granted              ask.Tier     // of what is generated, or of the key
	streamed             bool         // a stream is opened: its end is accounted for by Ended
	dear                 bool         // its answer takes longer than others' to append
	accounted            atomic.Int32 // the status; 0: not yet
	story                story
	input                account         // the body, and what is made of it; the handler's
	attended             context.Context // while there is a client; the handler's
	client               *client         // nil until the request has arrived, and when the handler has gone; the handler's
	wishes               wishes          // of its header
	limit                *limit          // that the client has set; nil: none
	tenant               *tenants.Tenant // whose key it is, nil: nobody's of the key file
	visit                *tenants.Visit  // of the tenant; nil: none
	before               bool            // it came before draining was set
	outlives             bool            // the stream goes on when the handler has gone; the handler's
}

func newExchange(h *Handler, q *http.Request, r *route) *exchange {
	x := &exchange{h: h, route: r.path, dialect: dialectOf(q), method: q.Method, path: q.URL.Path, remote: q.RemoteAddr, begin: time.Now(), input: account{memory: &h.memory}}
	if x.path == r.path {
		x.path = r.path // which holds no line of the request
	}
	if x.method == http.MethodPost {
		x.method = http.MethodPost
	}
	if x.before = !h.draining.Load(); x.before {
		h.before.Add(1)
	}
	x.requestID = requestID(q.Header)
	x.story.trace(q.Header)
	return x
}

// attend begins to attend to the client, whose request has arrived whole, and
// returns the context of what is done for it.
func (x *exchange) attend(q *http.Request) context.Context {
	if x.client == nil {
		x.attended, x.client = attend(q, x.h.cfg.WriteTimeout)
		x.attended = ask.WithTier(x.attended, x.mostTier())
	}
	return x.attended
}

// leave gives back what the handler had. Its stream may go on.
func (x *exchange) leave() {
	x.client.leave()
	x.client, x.attended = nil, nil
	if !x.streamed {
		x.record(x.story.bytes, x.story.fault) // else Sent does
	}
	x.input.free()
	if x.before {
		x.h.before.Add(-1)
	}
	if !x.outlives {
		x.limit.leave() // else Ended does
		x.visit.Leave() // if a panic was before account
	}
}

// Delivered implements reply.Observer.
func (x *exchange) Delivered(now time.Time) {
	if !x.delivered {
		x.story.first = now.Sub(x.begin)
		observeOf(x.requestID, x.h.metrics.firstToken, x.story.first.Seconds())
	}
	x.last, x.delivered = max(now.Sub(x.begin), 1), true
}

// Ended implements reply.Observer.
func (x *exchange) Ended(end *ask.End) {
	x.limit.leave()
	x.meter.settle()
	x.h.metrics.finished(x.requestID, end, time.Since(x.begin))
	x.h.figures.finished(end)
	x.story.end.Store(end)
	if !x.streamed {
		return // the handler answers, and accounts
	}
	if end.Fault != nil {
		x.log(end.Fault)
		x.account(x.status(end.Fault))
		return
	}
	x.account(http.StatusOK)
}

// Sent implements reply.Observer.
func (x *exchange) Sent(bytes int64) {
	if x.streamed {
		x.record(bytes, x.story.end.Load().Fault)
	}
}

// status is the HTTP status of a fault, by which it is counted.
func (x *exchange) status(f *ask.Fault) int {
	if x.limit.passed(f) {
		return http.StatusGatewayTimeout
	}
	return x.dialect.status(f.Kind)
}

// account counts and logs a request that is over. Where a stream could not be
// opened, the handler and the emitter both come to its end: the first counts.
func (x *exchange) account(status int) {
	if !x.accounted.CompareAndSwap(0, int32(status)) {
		return
	}
	x.visit.Leave() // before its client may send another
	x.h.metrics.request(x.route, status)
	if log := x.h.cfg.Log; log.Enabled(context.Background(), slog.LevelDebug) {
		if x.tenant != nil {
			log = log.With("key_name", x.tenant.Name)
		}
		log.Debug("request", "method", x.method, "path", ask.Clip(x.path, ask.QuotedBytes), "remote", x.remote,
			"request_id", x.requestID, "status", status, "duration", time.Since(x.begin))
	}
}

// statusClientClosed is nginx's code for a client that went away before its
// answer. Nobody receives it; it is for metrics and logs.
const statusClientClosed = 499

// statuses is how HTTP says each kind of fault.
var statuses = [ask.Kinds]int{
	ask.Internal:             http.StatusInternalServerError,
	ask.InvalidJSON:          http.StatusBadRequest,
	ask.InvalidValue:         http.StatusBadRequest,
	ask.MissingParameter:     http.StatusBadRequest,
	ask.UnknownParameter:     http.StatusBadRequest,
	ask.Unsupported:          http.StatusBadRequest,
	ask.BodyTooLarge:         http.StatusRequestEntityTooLarge,
	ask.BodyLate:             http.StatusRequestTimeout,
	ask.BodyBroken:           http.StatusBadRequest,
	ask.EncodingUnsupported:  http.StatusUnsupportedMediaType,
	ask.MediaTypeUnsupported: http.StatusUnsupportedMediaType,
	ask.PathUnknown:          http.StatusNotFound,
	ask.MethodNotAllowed:     http.StatusMethodNotAllowed,
	ask.KeyInvalid:           http.StatusUnauthorized,
	ask.ModelUnknown:         http.StatusNotFound,
	ask.ContextExceeded:      http.StatusBadRequest,
	ask.PromptEmpty:          http.StatusBadRequest,
	ask.LogprobsTooMany:      http.StatusBadRequest,
	ask.TemplateMissing:      http.StatusBadRequest,
	ask.TemplateRefused:      http.StatusBadRequest,
	ask.TemplateFailed:       http.StatusInternalServerError,
	ask.TokenizerMissing:     http.StatusNotImplemented,
	ask.QueueFull:            http.StatusTooManyRequests,
	ask.RateLimited:          http.StatusTooManyRequests,
	ask.MemoryFull:           http.StatusServiceUnavailable,
	ask.ShuttingDown:         http.StatusServiceUnavailable,
	ask.Loading:              http.StatusServiceUnavailable,
	ask.EngineStuck:          http.StatusServiceUnavailable,
	ask.Cancelled:            statusClientClosed,
	ask.DeadlineExceeded:     http.StatusGatewayTimeout,
	ask.NotServed:            http.StatusNotImplemented,
	ask.NotStored:            http.StatusNotFound,
}

// fail answers with a fault. Nothing of the answer has been sent, except that
// the header of a stream may be on its way when its client goes.
func (x *exchange) fail(w http.ResponseWriter, err error) {
	f := faultOf(err)
	x.story.fault = f
	x.log(f)
	x.refused(f)
	f = short(f)
	status := x.status(f)
	if status == statusClientClosed {
		x.account(status)
		panic(http.ErrAbortHandler) // returning would answer 200 with nothing
	}
	body := x.refusal(w.Header(), f, status)
	if x.dialect == grpcDialect {
		x.failGRPC(w, f, status)
		return
	}
	x.h.write(x, w, status, body)
}

// Refuse implements reply.Refuser. Ended has accounted for the fault.
func (x *exchange) Refuse(f *ask.Fault, header http.Header) (status int, body []byte) {
	x.story.refused = true
	x.refused(f)
	f = short(f)
	if status = x.status(f); status == statusClientClosed {
		return 0, nil
	}
	header["Content-Type"] = x.dialect.whole
	return status, x.refusal(header, f, status)
}

// refusal makes the answer with a fault, and what its header says beside.
func (x *exchange) refusal(header http.Header, f *ask.Fault, status int) []byte {
	for _, name := range []string{"Cache-Control", "X-Accel-Buffering"} {
		header.Del(name) // of a stream that was not opened
	}
	switch {
	case x.dialect == grpcDialect:
		return nil // which has answers of its own
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable, status == anthropic.StatusOverloaded:
		header.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(x.retryAfter(f).Seconds())))))
	}
	if f.Kind == ask.EncodingUnsupported {
		header.Set("Accept-Encoding", acceptedEncodings)
	}
	return x.dialect.fault(nil, f, x.id)
}

// faultOf is what a client is told of an error.
func faultOf(err error) *ask.Fault {
	if f, ok := errors.AsType[*ask.Fault](err); ok {
		return f
	}
	return ask.Failed(err)
}

// retryAfter is what a client is told to wait.
func (x *exchange) retryAfter(f *ask.Fault) time.Duration {
	if f.RetryNs > 0 {
		return time.Duration(f.RetryNs)
	}
	return x.h.cfg.RetryAfter
}

// log says what the client cannot have caused.
func (x *exchange) log(f *ask.Fault) {
	switch f.Kind {
	case ask.Internal:
		x.h.cfg.Log.Error("request failed", "request_id", x.requestID, "error", f.Cause)
	case ask.TemplateFailed:
		x.h.cfg.Log.Warn("chat template failed: pass another with --chat-template-file", "request_id", x.requestID, "error", f.Cause)
	}
}
