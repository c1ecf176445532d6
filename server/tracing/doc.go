// Package tracing tells an OpenTelemetry collector what became of requests.
//
// # Model
//
// A [Tracer] is a record.Recorder. It takes a copy of a record into a bounded queue;
// one goroutine makes spans of it, when the request is over, and hands them to
// OpenTelemetry's batch processor, which sends them. Nothing is done while a request
// runs, and who answers never waits: what finds no room is lost and counted, and a
// collector that cannot be reached is a line in the log.
//
//	Record ── queue ── the tracer's goroutine ── batch processor ── OTLP over HTTP
//	  └ full: lost, and counted
//
// A request with a body is a span; GET and its like, health and metrics above all, are
// none. It has a child for each part of what was generated:
//
//	chat tiny     from the header's arrival to the end; kind SERVER
//	├ queue       until the engine took the request
//	├ prompt      until its first token
//	└ decode      until its last
//
// The parent is what the client's header traceparent names. Attributes are
// OpenTelemetry's for HTTP servers and for generative AI (gen_ai.*), and weir.* for the
// request's id, key and tier. No text is ever among them.
//
// OpenTelemetry's variables configure it. Without an endpoint there is no tracer:
//
//	OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
//	OTEL_EXPORTER_OTLP_PROTOCOL  http/protobuf, which is the default
//	OTEL_EXPORTER_OTLP_HEADERS, _TIMEOUT, _COMPRESSION, _CERTIFICATE, …
//	OTEL_SERVICE_NAME            default weir
//	OTEL_RESOURCE_ATTRIBUTES
//	OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG
//	OTEL_TRACES_EXPORTER         otlp or none
//	OTEL_SDK_DISABLED            true: none
//	OTEL_BSP_*, OTEL_SPAN_*      sizes and times of batches
//
//	tracer, err := tracing.FromEnvironment(ctx, tracing.Config{Version: "1"})
//	if tracer != nil { ... tracer.Record(&record.Request{...}) ... }
//	err = tracer.Close(ctx)
//
// # Limits
//
// [QueueRequests] wait for the goroutine, and OTEL_BSP_MAX_QUEUE_SIZE spans for the
// collector. The children's times are the engine's, laid behind each other so that
// they end where the first token was seen: what lies before them is body, template and
// tokens. OTLP over gRPC is not spoken.
package tracing
