package server_test

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

const chatTemplate = `{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}` +
	`{% if add_generation_prompt %}[assistant]{% endif %}`

// service is the whole house over the fake engine, behind a real server.
type service struct {
	url       string
	handler   *front.Handler
	generator *local.Generator
	model     *enginetest.Model
	server    *httptest.Server
}

// serve starts a service that has gone, with nothing leaked, when the test
// ends.
func serve(t *testing.T, fake enginetest.Options, context engine.ContextConfig, queue local.Batching, change func(*front.Config)) *service {
	t.Helper()
	return serveOn(t, iouring.BackendAuto, fake, context, queue, change)
}

// onBoth runs a test over io_uring, with fan-out, and over package net.
func onBoth(t *testing.T, test func(t *testing.T, backend iouring.Backend)) {
	for _, backend := range []iouring.Backend{iouring.BackendURing, iouring.BackendNet} {
		t.Run(backend.String(), func(t *testing.T) {
			if features, err := iouring.Probe(); backend == iouring.BackendURing && (err != nil || features.Missing() != nil) {
				t.Skipf("not supported here: %v", errors.Join(err, features.Missing()))
			}
			test(t, backend)
		})
	}
}

// serveOn is serve over a backend.
func serveOn(t *testing.T, backend iouring.Backend, fake enginetest.Options, context engine.ContextConfig, queue local.Batching, change func(*front.Config)) *service {
	t.Helper()
	return serveOver(t, backend, clients{}, fake, context, queue, change)
}

// clients is how those who come are served.
type clients struct {
	secure      bool          // over TLS, with HTTP/2 for those who want it
	readTimeout time.Duration // of a request; 0: none
}

// serveOver is serveOn for other clients.
func serveOver(t *testing.T, backend iouring.Backend, from clients, fake enginetest.Options, context engine.ContextConfig, queue local.Batching, change func(*front.Config)) *service {
	t.Helper()
	fake.ChatTemplate = chatTemplate
	if context.MaxSequences == 0 {
		context.MaxSequences = 4
	}
	if context.ContextTokens == 0 {
		context.ContextTokens = 512 * context.MaxSequences
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	queue.Log = log
	template, err := chat.New(chatTemplate, "<|bos|>", "<|eos|>")
	if err != nil {
		t.Fatal(err)
	}
	model := enginetest.New(fake)
	generator, err := local.New(model, local.Config{ID: "tiny", Template: template, Context: context, Batching: queue})
	if err != nil {
		t.Fatal(err)
	}
	cfg := front.Config{
		Generator: generator, Fingerprint: "fp", Log: log,
		Streams: fanout.Config{Backend: backend}, Collectors: []prometheus.Collector{generator.Collector()},
	}
	if change != nil {
		change(&cfg)
	}
	s := &service{generator: generator, model: model}
	s.handler, s.server = listen(t, backend, from, cfg)
	s.url = s.server.URL
	t.Cleanup(func() {
		if err := generator.Close(); err != nil {
			t.Error(err)
		}
		s.server.Close()
		s.handler.Close()
		if n := model.CachedTokens(); n != 0 {
			t.Errorf("%d tokens leaked in the cache", n)
		}
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// listen serves a handler over a backend.
func listen(t *testing.T, backend iouring.Backend, from clients, cfg front.Config) (*front.Handler, *httptest.Server) {
	t.Helper()
	handler, err := front.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnContext = front.ConnContext
	server.Config.ReadHeaderTimeout, server.Config.IdleTimeout = time.Minute, time.Minute
	server.Config.ReadTimeout, server.Config.MaxHeaderBytes = from.readTimeout, 64<<10 // as weir serve does
	_ = server.Listener.Close()
	if server.Listener, err = iouring.Listen("tcp", "127.0.0.1:0", iouring.WithBackend(backend), iouring.WithLogger(cfg.Log)); err != nil {
		t.Fatal(err)
	}
	if from.secure {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Listener = front.Strict(server.Listener)
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetHTTP1(true)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
	}
	return handler, server
}

// saying makes the fake answer every chat with reply.
func saying(reply string) enginetest.Options {
	return enginetest.Options{Next: enginetest.ReplyAfter("[assistant]", reply)}
}

// post sends a body and returns status, header and answer.
func (s *service) post(t *testing.T, path, body string) (int, http.Header, string) {
	t.Helper()
	return s.do(t, http.MethodPost, path, body, map[string]string{"Content-Type": "application/json"})
}

func (s *service) do(t *testing.T, method, path, body string, header map[string]string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(answer)
}

// wait waits until ok.
func (s *service) wait(t *testing.T, what string, ok func(local.Stats) bool) {
	t.Helper()
	wait(t, s.generator, what, ok)
}

// wait looks at the engine's counts until they are as they should be: sockets
// and the kernel stand between, whose progress nothing here is told of.
func wait(t *testing.T, generator *local.Generator, what string, ok func(local.Stats) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok(generator.Stats()) {
		select {
		case <-ctx.Done():
			t.Fatalf("no sign of: %s; stats %+v", what, generator.Stats())
		case <-time.After(time.Millisecond):
		}
	}
}

var changing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`"id":"(chatcmpl|cmpl)-[A-Z2-7]{26}"`), `"id":"$1-ID"`},
	{regexp.MustCompile(`"created":\d+`), `"created":0`},
}

// golden compares an answer with the front's, which it writes by its own tests
// over a scripted generator: an engine must make no difference.
func golden(t *testing.T, name, got string) {
	t.Helper()
	for _, c := range changing {
		got = c.pattern.ReplaceAllString(got, c.with)
	}
	want, err := os.ReadFile(filepath.Join("front", "testdata", name+".golden"))
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs.\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}

// failure is OpenAI's error object.
type failure struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Param   string `json:"param"`
	Code    code   `json:"code"`
}

// code is a word, or llama-server's number.
type code string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *code) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	*c = code(strings.Trim(string(value), `"`))
	return err
}

// ofPath is the code of an error: on llama-server's paths the status.
func ofPath(path, word string, status int) code {
	if path == "/tokenize" || path == "/health" {
		return code(strconv.Itoa(status))
	}
	return code(word)
}

// decodeError reads an error object.
func decodeError(t *testing.T, body string) failure {
	t.Helper()
	var v struct {
		Error failure `json:"error"`
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil || v.Error.Message == "" || v.Error.Type == "" {
		t.Fatalf("%q is not an error object: %v", body, err)
	}
	return v.Error
}
