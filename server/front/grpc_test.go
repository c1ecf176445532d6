package front_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

const (
	generateCall = "/weir.v1.Inference/Generate"
	completeCall = "/weir.v1.Inference/Complete"
)

// caller is grpc-go's client of a service.
type caller struct {
	*service
	*grpc.ClientConn
}

// call serves over HTTP/1.1 and, without TLS, over HTTP/2, and connects.
func call(t *testing.T, generator *generatetest.Generator, change func(*front.Config)) *caller {
	t.Helper()
	s := serve(t, generator, change)
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	s.url = server.URL
	conn, err := grpc.NewClient("passthrough:///"+server.Listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Close()
	})
	return &caller{s, conn}
}

// stream begins a call that streams.
func (c *caller) stream(ctx context.Context, r *weirv1.GenerateRequest, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, generateCall, opts...)
	if err != nil {
		return nil, err
	}
	if err := s.SendMsg(r); err != nil {
		return nil, err
	}
	return s, s.CloseSend()
}

// gather reads a stream to its end.
func gather(s grpc.ClientStream) (text string, last *weirv1.TokenEvent, err error) {
	for {
		ev := new(weirv1.TokenEvent)
		switch err := s.RecvMsg(ev); {
		case err == io.EOF:
			return text, last, nil
		case err != nil:
			return text, last, err
		}
		text += ev.Text
		last = ev
	}
}

func prompt(text string) *weirv1.GenerateRequest { return &weirv1.GenerateRequest{Prompt: text} }

func TestGRPCStreamEqualsAnswer(t *testing.T) {
	c := call(t, &generatetest.Generator{Reply: "Yes, ünd."}, nil)
	request := &weirv1.GenerateRequest{Model: "any", Messages: []*weirv1.Message{{Role: "user", Content: "Is it?"}}, Logprobs: true, ReturnTokenIds: true}
	stream, err := c.stream(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	text, last, err := gather(stream)
	if err != nil || text != "Yes, ünd." || last.FinishReason != weirv1.FinishReason_FINISH_REASON_STOP || last.Usage.CompletionTokens == 0 {
		t.Errorf("%q, %v, %v", text, last, err)
	}
	var whole weirv1.Answer
	if err := c.Invoke(t.Context(), completeCall, request, &whole); err != nil || whole.Text != text || !proto.Equal(whole.Usage, last.Usage) ||
		whole.Head.Model != "tiny" || len(whole.Logprobs) == 0 || len(whole.TokenIds) == 0 {
		t.Errorf("%v, %v", &whole, err)
	}
}

// What is refused is told as a status, with a reason for programs.
func TestGRPCStatuses(t *testing.T) {
	c := call(t, &generatetest.Generator{Reply: "x", Refuse: func(r *ask.Request) error {
		if r.Prompt.Text == "full" {
			return &ask.Fault{Kind: ask.QueueFull, What: "100 % are waiting", Remedy: "come again"}
		}
		return nil
	}}, func(cfg *front.Config) { cfg.StrictModel, cfg.BodyBytes = true, 4<<10 })
	for name, test := range map[string]struct {
		method string
		r      *weirv1.GenerateRequest
		code   codes.Code
		reason string
		text   string
	}{
		"queue":   {completeCall, prompt("full"), codes.ResourceExhausted, "QUEUE_FULL", "100 % are waiting: come again"},
		"model":   {completeCall, &weirv1.GenerateRequest{Model: "größe", Prompt: "x"}, codes.NotFound, "MODEL_NOT_FOUND", `"größe"`},
		"nothing": {completeCall, &weirv1.GenerateRequest{}, codes.InvalidArgument, "MISSING_PARAMETER", "messages is required"},
		"large":   {completeCall, prompt(strings.Repeat("x", 5<<10)), codes.ResourceExhausted, "REQUEST_TOO_LARGE", "4096"},
		"method":  {"/weir.v1.Inference/Dream", prompt("x"), codes.Unimplemented, "UNKNOWN_METHOD", "Generate and Complete"},
		"service": {"/a.B/C", prompt("x"), codes.Unimplemented, "UNKNOWN_METHOD", "weir.v1.Inference"},
	} {
		err := c.Invoke(t.Context(), test.method, test.r, new(weirv1.Answer))
		s := status.Convert(err)
		if s.Code() != test.code || !strings.Contains(s.Message(), test.text) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info, ok := s.Details()[0].(*errdetails.ErrorInfo); !ok || info.Reason != test.reason {
			t.Errorf("%s: %v", name, s.Details())
		}
	}
	stream, err := c.stream(t.Context(), prompt("full"))
	if err == nil {
		_, _, err = gather(stream)
	}
	if status.Code(err) != codes.ResourceExhausted || len(stream.Trailer()["grpc-retry-pushback-ms"]) != 1 {
		t.Errorf("streamed: %v, %v", err, stream.Trailer())
	}
}

// What goes wrong in the midst of an answer is told behind what there is of it.
func TestGRPCFailsLater(t *testing.T) {
	c := call(t, &generatetest.Generator{Reply: "abcdef", Fail: map[int]*ask.Fault{3: {Kind: ask.EngineStuck, What: "stuck", Remedy: "wait"}}}, nil)
	stream, err := c.stream(t.Context(), prompt("x"))
	if err != nil {
		t.Fatal(err)
	}
	if text, _, err := gather(stream); text != "abc" || status.Code(err) != codes.Unavailable || status.Convert(err).Message() != "stuck: wait" {
		t.Errorf("%q, %v", text, err)
	}
	if err := c.Invoke(t.Context(), completeCall, prompt("x"), new(weirv1.Answer)); status.Code(err) != codes.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestGRPCKeys(t *testing.T) {
	c := call(t, &generatetest.Generator{Reply: "x"}, func(cfg *front.Config) { cfg.Keys = []string{"secret"} })
	for key, want := range map[string]codes.Code{"": codes.Unauthenticated, "Bearer wrong": codes.Unauthenticated, "Bearer secret": codes.OK} {
		ctx := t.Context()
		if key != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", key)
		}
		if err := c.Invoke(ctx, completeCall, prompt("x"), new(weirv1.Answer)); status.Code(err) != want {
			t.Errorf("%q: %v", key, err)
		}
	}
	if err := c.Invoke(t.Context(), "/a.B/C", prompt("x"), new(weirv1.Answer)); status.Code(err) != codes.Unauthenticated {
		t.Errorf("what there is: %v", err)
	}
}

// A client that gives its call up ends the generation.
func TestGRPCCancel(t *testing.T) {
	gate := make(chan struct{})
	g := &generatetest.Generator{Reply: strings.Repeat("x", 100), Gate: gate}
	c := call(t, g, nil)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := c.stream(ctx, prompt("x"))
	if err != nil {
		t.Fatal(err)
	}
	gate <- struct{}{}
	if err := stream.RecvMsg(new(weirv1.TokenEvent)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, _, err := gather(stream); status.Code(err) != codes.Canceled {
		t.Errorf("%v", err)
	}
	awaitEnd(t, g)
}

// awaitEnd waits until nothing generates. The client is told of its own end first.
func awaitEnd(t *testing.T, g *generatetest.Generator) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for g.Running() > 0 {
		select {
		case <-ctx.Done():
			t.Fatalf("%d generations go on", g.Running())
		case <-time.After(time.Millisecond):
		}
	}
}

// The server itself ends a call whose deadline has passed, and says so behind what
// there is; grpc-go's client would not wait to be told.
func TestGRPCDeadline(t *testing.T) {
	gate := make(chan struct{})
	g := &generatetest.Generator{Reply: strings.Repeat("x", 100), Gate: gate}
	c := call(t, g, nil)
	message, err := prompt("x").MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	for method, tokens := range map[string]int{generateCall: 1, completeCall: 1, generateCall + "/": 0} {
		request, err := http.NewRequest("POST", c.url+strings.TrimSuffix(method, "/"), strings.NewReader("\x00\x00\x00\x00"+string(rune(len(message)))+string(message)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/grpc")
		request.Header.Set("Grpc-Timeout", "300m")
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		transport := &http.Transport{Protocols: protocols}
		let := make(chan struct{})
		go func() {
			defer close(let)
			for range tokens {
				select {
				case gate <- struct{}{}:
				case <-time.After(time.Second): // it was late before there was any
				}
			}
		}()
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(response.Body); err != nil {
			t.Fatal(err)
		}
		<-let
		told := response.Trailer.Get("Grpc-Status") + response.Header.Get("Grpc-Status")
		if response.StatusCode != 200 || told != "4" {
			t.Errorf("%s: status %q, %v, %v", method, told, response.Header, response.Trailer)
		}
		awaitEnd(t, g)
		transport.CloseIdleConnections()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Invoke(ctx, completeCall, prompt("x"), new(weirv1.Answer)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("%v", err)
	}
	awaitEnd(t, g)
}

func TestGRPCCompression(t *testing.T) {
	c := call(t, &generatetest.Generator{Reply: "x"}, func(cfg *front.Config) { cfg.BodyBytes = 64 << 10 })
	text := strings.Repeat("a", 200)
	var whole weirv1.Answer
	if err := c.Invoke(t.Context(), completeCall, prompt(text), &whole, grpc.UseCompressor(gzip.Name)); err != nil || whole.Usage.PromptTokens != 201 {
		t.Errorf("%v, %v", &whole, err)
	}
	if err := c.Invoke(t.Context(), completeCall, prompt(strings.Repeat("a", 1<<20)), &whole, grpc.UseCompressor(gzip.Name)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a bomb: %v", err)
	}
}

func TestGRPCHealth(t *testing.T) {
	c := call(t, &generatetest.Generator{Reply: "x"}, func(cfg *front.Config) { cfg.Keys = []string{"k"} })
	health := grpc_health_v1.NewHealthClient(c)
	for _, name := range []string{"", "weir.v1.Inference"} {
		got, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: name})
		if err != nil || got.Status != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	if _, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "other"}); status.Code(err) != codes.NotFound {
		t.Errorf("another service: %v", err)
	}
	if _, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: strings.Repeat("o", 5<<10)}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a long name: %v", err)
	}
	c.handler.Drain()
	if got, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil || got.Status != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("draining: %v, %v", got, err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer k")
	if err := c.Invoke(ctx, completeCall, prompt("x"), new(weirv1.Answer)); status.Code(err) != codes.Unavailable {
		t.Errorf("draining: %v", err)
	}
}

// What is no call is told how one is made, in JSON; what is a strange one, by a
// status.
func TestStrayCalls(t *testing.T) {
	// Closed gate: what is late ends by its time alone.
	c := call(t, &generatetest.Generator{Reply: "x", Gate: make(chan struct{})}, nil)
	for _, media := range []string{"application/grpc", "application/json"} {
		status, _, answer := c.do(t, "POST", generateCall, "{}", map[string]string{"Content-Type": media})
		if e := decodeError(t, answer); status != 415 || !strings.Contains(e.Message, "HTTP/2") {
			t.Errorf("%s: status %d, %s", media, status, answer)
		}
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	for name, test := range map[string]struct{ media, encoding, timeout, body, status string }{
		"JSON":       {"application/grpc+json", "", "", "", "12"},
		"short":      {"application/grpc", "", "", "\x00\x00", "3"},
		"two":        {"application/grpc", "", "", "\x00\x00\x00\x00\x00\x00", "3"},
		"no proto":   {"application/grpc", "", "", "\x00\x00\x00\x00\x01{", "3"},
		"compressed": {"application/grpc", "br", "", "\x01\x00\x00\x00\x00", "12"},
		"no gzip":    {"application/grpc+proto", "gzip", "", "\x01\x00\x00\x00\x01x", "3"},
		"timeout":    {"application/grpc", "", "soon", "", "3"},
		"late":       {"application/grpc", "", "0m", "\x00\x00\x00\x00\x03\x1a\x01x", "4"},
	} {
		request, err := http.NewRequest("POST", c.url+completeCall, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", test.media)
		for header, value := range map[string]string{"Grpc-Encoding": test.encoding, "Grpc-Timeout": test.timeout} {
			if value != "" {
				request.Header.Set(header, value)
			}
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		h := response.Header
		if err != nil || len(body) > 0 || h.Get("Grpc-Status") != test.status || h.Get("Grpc-Message") == "" || h.Get("Grpc-Accept-Encoding") != "gzip" || h.Get("Content-Type") != "application/grpc" {
			t.Errorf("%s: %q, %v, %v", name, body, h, err)
		}
	}
}

// Until there is a model, a call is told to come again.
func TestGRPCLoading(t *testing.T) {
	w := httptest.NewRecorder()
	q := httptest.NewRequest("POST", completeCall, nil)
	q.ProtoMajor = 2
	q.Header.Set("Content-Type", "application/grpc")
	front.Loading(front.Origins{}, nil, front.LlamaServer{}).ServeHTTP(w, q)
	if h := w.Header(); w.Code != 200 || h.Get("Grpc-Status") != "14" || h.Get("Content-Type") != "application/grpc" {
		t.Errorf("%d, %v", w.Code, h)
	}
}

// A call whose connection breaks off has ended.
func TestGRPCConnectionBreaks(t *testing.T) {
	gate := make(chan struct{})
	g := &generatetest.Generator{Reply: strings.Repeat("x", 100), Gate: gate}
	c := call(t, g, nil)
	stream, err := c.stream(t.Context(), prompt("x"))
	if err != nil {
		t.Fatal(err)
	}
	gate <- struct{}{}
	if err := stream.RecvMsg(new(weirv1.TokenEvent)); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if _, _, err := gather(stream); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
	awaitEnd(t, g)
}
