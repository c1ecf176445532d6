package tracing

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/weirgo/weir/server/record"
)

// isTraced reports whether a request is a span.
func isTraced(r *record.Request) bool { return r.Method == http.MethodPost }

// operations are the gen_ai.operation.name of routes by how they end; others have none.
var operations = [...]struct{ end, name string }{
	{"/chat/completions", "chat"}, {"/responses", "chat"}, {"/messages", "chat"}, {"/api/chat", "chat"}, {"weir.v1.Weir/Generate", "chat"}, {"weir.v1.Weir/Complete", "chat"},
	{"/completions", "text_completion"}, {"/completion", "text_completion"}, {"/infill", "text_completion"}, {"/api/generate", "text_completion"},
	{"/embeddings", "embeddings"}, {"/embedding", "embeddings"}, {"/api/embed", "embeddings"},
}

func operationOf(route string) string {
	for _, o := range operations {
		if strings.HasSuffix(route, o.end) {
			return o.name
		}
	}
	return ""
}

// tell makes the spans of a request.
func (t *Tracer) tell(r *record.Request) {
	ctx := propagation.TraceContext{}.Extract(context.Background(),
		propagation.MapCarrier{"traceparent": r.TraceParent, "tracestate": r.TraceState})
	operation, name := operationOf(r.Route), r.Method+" "+r.Route
	if operation != "" && r.Model != "" {
		name = operation + " " + r.Model
	}
	end := r.Begin.Add(r.Total)
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(r.Begin), trace.WithAttributes(attributes(r, operation)...))
	defer span.End(trace.WithTimestamp(end))
	if !span.IsRecording() {
		return
	}
	if r.Status >= 500 || r.Reason == "error" {
		what := "" // the client's fault may have the client's words
		if r.Fault != nil && r.Status >= 500 {
			what = r.Fault.What
		}
		span.SetStatus(codes.Error, what)
	}
	if r.Queue == 0 {
		return // it ended before the generator told
	}
	at := submitted(r)
	for _, part := range [...]struct {
		name string
		took time.Duration
	}{{"queue", r.Queue}, {"prompt", r.Prompt}, {"decode", r.Decode}} {
		if part.took == 0 {
			return // it ended before
		}
		until := at.Add(part.took)
		if until.After(end) {
			until = end
		}
		_, child := t.tracer.Start(ctx, part.name, trace.WithTimestamp(at))
		child.End(trace.WithTimestamp(until))
		at = until
	}
}

// submitted is when the engine was asked, about: its times end where the first token
// was seen, or else the request.
func submitted(r *record.Request) time.Time {
	before := r.Total - r.Queue - r.Prompt - r.Decode
	if r.First > 0 {
		before = r.First - r.Queue - r.Prompt
	}
	return r.Begin.Add(max(0, before))
}

// attributes are those of a request's span.
func attributes(r *record.Request, operation string) []attribute.KeyValue {
	all := []attribute.KeyValue{
		attribute.String("http.request.method", r.Method),
		attribute.String("http.route", r.Route),
		attribute.String("url.path", r.Path),
		attribute.Int("http.response.status_code", r.Status),
		attribute.Int64("http.response.body.size", r.Bytes),
		attribute.String("weir.request.id", r.ID),
	}
	if host, _, err := net.SplitHostPort(r.Client); err == nil {
		all = append(all, attribute.String("client.address", host))
	}
	if r.KeyName != "" {
		all = append(all, attribute.String("weir.key.name", r.KeyName))
	}
	switch {
	case r.Status >= 400:
		all = append(all, attribute.String("error.type", strconv.Itoa(r.Status)))
	case r.Reason == "error":
		all = append(all, attribute.String("error.type", "_OTHER"))
	}
	if r.Model == "" {
		return all
	}
	all = append(all, attribute.String("gen_ai.provider.name", "weir"), attribute.String("gen_ai.response.model", r.Model),
		attribute.String("weir.tier", r.Tier.String()), attribute.Bool("weir.stream", r.Streamed))
	if operation != "" {
		all = append(all, attribute.String("gen_ai.operation.name", operation))
	}
	if asked := r.Asked; asked != "" {
		all = append(all, attribute.String("gen_ai.request.model", asked))
	} else {
		all = append(all, attribute.String("gen_ai.request.model", r.Model))
	}
	if r.PromptTokens > 0 {
		all = append(all, attribute.Int("gen_ai.usage.input_tokens", r.PromptTokens), attribute.Int("gen_ai.usage.cache_read.input_tokens", r.CachedTokens))
	}
	if r.Reason != "" {
		all = append(all, attribute.Int("gen_ai.usage.output_tokens", r.CompletionTokens), attribute.StringSlice("gen_ai.response.finish_reasons", []string{r.Reason}))
	}
	if r.First > 0 {
		all = append(all, attribute.Float64("weir.time_to_first_token_seconds", r.First.Seconds()))
	}
	return all
}
