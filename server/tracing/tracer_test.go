package tracing

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/record"
)

// receiver is a collector: OTLP over HTTP.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	spans   []*otlp.Span
	service map[string]string
	status  int // that it answers with
}

func receive(t *testing.T) *receiver {
	t.Helper()
	for _, name := range []string{endpointVariable, tracesVariable, exporterVariable, disabledVariable, protocolVariables[0], protocolVariables[1],
		"OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_EXPORTER_OTLP_HEADERS"} {
		t.Setenv(name, "") // is put back at the end
		os.Unsetenv(name)
	}
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || q.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
			t.Errorf("%s %s: %v", q.Method, q.URL, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, of := range sent.ResourceSpans {
			r.service = map[string]string{}
			for _, a := range of.Resource.Attributes {
				r.service[a.Key] = a.Value.GetStringValue()
			}
			for _, scope := range of.ScopeSpans {
				r.spans = append(r.spans, scope.Spans...)
			}
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

// traced are the spans of records, by their names.
func traced(t *testing.T, r *receiver, records ...*record.Request) map[string]*otlp.Span {
	t.Helper()
	t.Setenv(endpointVariable, r.URL)
	tracer, err := FromEnvironment(t.Context(), Config{Version: "9"})
	if err != nil || tracer == nil {
		t.Fatal(tracer, err)
	}
	for _, one := range records {
		tracer.Record(one)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	byName := map[string]*otlp.Span{}
	for _, s := range r.spans {
		byName[s.Name] = s
	}
	if len(byName) != len(r.spans) {
		t.Errorf("%d spans by %d names", len(r.spans), len(byName))
	}
	return byName
}

const ms = time.Millisecond

var begin = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

func answered() *record.Request {
	return &record.Request{
		ID: "req_1", Method: "POST", Path: "/v1/chat/completions", Route: "/v1/chat/completions", Client: "192.0.2.1:4711", Status: 200,
		Begin: begin, Total: 120 * ms, First: 60 * ms, KeyName: "acme", Tier: ask.TierPriority, Asked: "mine", Model: "tiny",
		PromptTokens: 7, CachedTokens: 4, CompletionTokens: 3, Queue: 20 * ms, Prompt: 30 * ms, Decode: 50 * ms, Reason: "stop", Streamed: true, Bytes: 321,
	}
}

// text is an attribute as text, "" for none.
func text(s *otlp.Span, name string) string {
	for _, a := range s.Attributes {
		if a.Key == name {
			return strings.ReplaceAll(a.Value.String(), "  ", " ")
		}
	}
	return ""
}

func expectAttributes(t *testing.T, s *otlp.Span, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := text(s, name); !strings.Contains(got, value) || (value == "") != (got == "") {
			t.Errorf("%s: %s is %s, want %s", s.Name, name, got, value)
		}
	}
}

func expectTimes(t *testing.T, s *otlp.Span, from, until time.Duration) {
	t.Helper()
	start, end := time.Unix(0, int64(s.StartTimeUnixNano)).Sub(begin), time.Unix(0, int64(s.EndTimeUnixNano)).Sub(begin)
	if start != from || end != until {
		t.Errorf("%s is from %v to %v, want %v to %v", s.Name, start, end, from, until)
	}
}

// A request is a span below its client's, with a part for each of the engine's times.
func TestSpans(t *testing.T) {
	r := receive(t)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	request := answered()
	request.TraceParent, request.TraceState = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b"
	spans := traced(t, r, request, &record.Request{Method: "GET", Route: "/metrics"})
	root := spans["chat tiny"]
	if len(spans) != 4 || root == nil {
		t.Fatalf("%v", spans)
	}
	if got := hex.EncodeToString(root.TraceId) + " " + hex.EncodeToString(root.ParentSpanId) + " " + root.TraceState; got != "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 a=b" {
		t.Errorf("below %s", got)
	}
	expectTimes(t, root, 0, 120*ms)
	expectTimes(t, spans["queue"], 10*ms, 30*ms)
	expectTimes(t, spans["prompt"], 30*ms, 60*ms)
	expectTimes(t, spans["decode"], 60*ms, 110*ms)
	for _, name := range []string{"queue", "prompt", "decode"} {
		if s := spans[name]; !bytes.Equal(s.ParentSpanId, root.SpanId) || !bytes.Equal(s.TraceId, root.TraceId) {
			t.Errorf("%s is not below the request", name)
		}
	}
	expectAttributes(t, root, map[string]string{
		"gen_ai.operation.name": `"chat"`, "gen_ai.request.model": `"mine"`, "gen_ai.response.model": `"tiny"`, "gen_ai.provider.name": `"weir"`,
		"gen_ai.usage.input_tokens": "int_value:7", "gen_ai.usage.output_tokens": "int_value:3", "gen_ai.usage.cache_read.input_tokens": "int_value:4",
		"gen_ai.response.finish_reasons": `"stop"`, "http.response.status_code": "int_value:200", "http.route": `"/v1/chat/completions"`,
		"client.address": `"192.0.2.1"`, "weir.request.id": `"req_1"`, "weir.key.name": `"acme"`, "weir.tier": `"priority"`, "error.type": "",
	})
	if root.Kind != otlp.Span_SPAN_KIND_SERVER || root.Status.GetCode() != otlp.Status_STATUS_CODE_UNSET {
		t.Errorf("%v, %v", root.Kind, root.Status)
	}
	if r.service["service.name"] != "weir" || r.service["service.version"] != "9" || r.service["deployment.environment.name"] != "test" {
		t.Errorf("%v", r.service)
	}
}

// What failed says so, and never in words that a client may have sent.
func TestFailures(t *testing.T) {
	r := receive(t)
	spans := traced(t, r,
		&record.Request{Method: "POST", Route: "/server", Status: 500, Begin: begin, Total: ms, Fault: &ask.Fault{What: "the server failed"}},
		&record.Request{Method: "POST", Route: "/client", Status: 400, Begin: begin, Total: ms, Fault: &ask.Fault{What: "secret words"}},
		&record.Request{Method: "POST", Route: "/cut", Status: 200, Begin: begin, Total: 100 * ms, First: 90 * ms, Queue: 20 * ms, Prompt: 100 * ms, Decode: ms, Model: "tiny", Reason: "error", Fault: &ask.Fault{What: "secret words"}},
	)
	if s := spans["POST /server"]; s.Status.GetCode() != otlp.Status_STATUS_CODE_ERROR || s.Status.Message != "the server failed" {
		t.Errorf("%v", s)
	}
	if s := spans["POST /client"]; s.Status.GetCode() != otlp.Status_STATUS_CODE_UNSET {
		t.Errorf("%v", s)
	}
	expectAttributes(t, spans["POST /client"], map[string]string{"error.type": `"400"`, "gen_ai.request.model": ""})
	cut := spans["POST /cut"]
	if cut.Status.GetCode() != otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("%v", cut)
	}
	expectTimes(t, spans["queue"], 0, 20*ms)
	expectTimes(t, spans["prompt"], 20*ms, 100*ms) // no further than the request
	for _, s := range spans {
		if strings.Contains(s.String(), "secret") {
			t.Errorf("%v", s)
		}
	}
}

// OpenTelemetry's own variables say what is sampled, and whose spans they are.
func TestSampler(t *testing.T) {
	for sampler, sampled := range map[string]bool{"always_off": false, "always_on": true, "parentbased_always_on": false} {
		r := receive(t)
		t.Setenv("OTEL_TRACES_SAMPLER", sampler)
		t.Setenv("OTEL_SERVICE_NAME", "mine")
		request := answered()
		request.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00" // not sampled
		if spans := traced(t, r, request); len(spans) > 0 != sampled || sampled && r.service["service.name"] != "mine" {
			t.Errorf("%s: %d spans of %v", sampler, len(spans), r.service)
		}
	}
}

func TestConfigured(t *testing.T) {
	for _, test := range []struct {
		set    string
		wanted bool
		remedy string
	}{
		{"", false, ""},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", false, ""}, // no endpoint
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4318", true, ""},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://x/traces", true, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4318 OTEL_SDK_DISABLED=true", false, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4318 OTEL_TRACES_EXPORTER=none", false, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4318 OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", true, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4318 OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_PROTOCOL=grpc", true, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc", false, "give http/protobuf"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4318 OTEL_TRACES_EXPORTER=zipkin", false, "give otlp"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=x:4318", false, "give one as http://"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://", false, "give one as http://"},
	} {
		t.Run(test.set, func(t *testing.T) {
			receive(t)
			for pair := range strings.FieldsSeq(test.set) {
				name, value, _ := strings.Cut(pair, "=")
				t.Setenv(name, value)
			}
			wanted, err := configured()
			if wanted != test.wanted || (err == nil) != (test.remedy == "") || err != nil && !strings.Contains(err.Error(), test.remedy) {
				t.Errorf("%v, %v", wanted, err)
			}
			if !wanted {
				if tracer, again := FromEnvironment(t.Context(), Config{}); tracer != nil || (again == nil) != (err == nil) {
					t.Errorf("%v, %v", tracer, again)
				}
			}
		})
	}
}

// A collector that refuses, or is not there, is a line in the log and nothing else.
func TestExporterFails(t *testing.T) {
	r := receive(t)
	r.status = http.StatusBadRequest // is not tried again
	t.Setenv(endpointVariable, r.URL)
	var logged bytes.Buffer
	tracer, err := FromEnvironment(t.Context(), Config{Log: slog.New(slog.NewTextHandler(&logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		tracer.Record(answered())
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(logged.String(), "traces are lost"); n != 1 {
		t.Errorf("told %d times: %s", n, logged.String())
	}
}

// Who records never waits: what finds no room is lost.
func TestFullQueue(t *testing.T) {
	tracer := &Tracer{queue: make(chan record.Request, 1)}
	for range 3 {
		tracer.Record(answered())
	}
	if n := tracer.Dropped(); n != 2 {
		t.Errorf("%d are lost", n)
	}
	if n := testing.AllocsPerRun(10, func() { tracer.Record(&record.Request{Method: "GET"}) }); n > 1 {
		t.Errorf("a request without spans allocates %v times", n)
	}
}

// Close ends with its context, whatever the collector does.
func TestCloseEnds(t *testing.T) {
	r := receive(t)
	r.status = http.StatusServiceUnavailable // is tried again and again
	t.Setenv(endpointVariable, r.URL)
	tracer, err := FromEnvironment(t.Context(), Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	tracer.Record(answered())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = tracer.Close(ctx) // returns
}
