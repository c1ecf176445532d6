package api

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/fanout"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/openai"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

const chatTemplate = `{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}` +
	`{% if add_generation_prompt %}[assistant]{% endif %}`

// service is a handler over the fake engine, behind a real server.
type service struct {
	url     string
	handler *Handler
	loop    *batch.Loop
	model   *enginetest.Model
	server  *httptest.Server
}

// serve starts a service that has gone, with nothing leaked, when the test
// ends.
func serve(t *testing.T, fake enginetest.Options, context engine.ContextConfig, queue batch.Config, change func(*Config)) *service {
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
func serveOn(t *testing.T, backend iouring.Backend, fake enginetest.Options, context engine.ContextConfig, queue batch.Config, change func(*Config)) *service {
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
	model := enginetest.New(fake)
	loop, err := batch.New(model, context, queue)
	if err != nil {
		t.Fatal(err)
	}
	template, err := chat.New(chatTemplate, "<|bos|>", "<|eos|>")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Loop: loop, Model: model, Template: template, ModelID: "tiny", Fingerprint: "fp", Log: log}
	if backend != iouring.BackendNet {
		cfg.FanOut = &fanout.Config{Backend: backend}
	}
	if change != nil {
		change(&cfg)
	}
	handler, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{handler: handler, loop: loop, model: model, server: httptest.NewUnstartedServer(handler)}
	_ = s.server.Listener.Close()
	if s.server.Listener, err = iouring.Listen("tcp", "127.0.0.1:0", iouring.WithBackend(backend), iouring.WithLogger(log)); err != nil {
		t.Fatal(err)
	}
	s.server.Config.ConnContext = iouring.ConnContext
	s.server.Start()
	s.url = s.server.URL
	t.Cleanup(func() {
		if err := loop.Close(); err != nil {
			t.Error(err)
		}
		s.server.Close()
		handler.Close()
		if n := model.CachedTokens(); n != 0 {
			t.Errorf("%d tokens leaked in the cache", n)
		}
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
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

// wait polls until ok.
func (s *service) wait(t *testing.T, what string, ok func(batch.Stats) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !ok(s.loop.Stats()) {
		select {
		case <-ctx.Done():
			t.Fatalf("no sign of: %s; stats %+v", what, s.loop.Stats())
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

// golden compares an answer with testdata/name.golden, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	for _, c := range changing {
		got = c.pattern.ReplaceAllString(got, c.with)
	}
	path := filepath.Join("testdata", name+".golden")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test with -rewrite", err)
	}
	if !bytes.Equal(want, []byte(got)) {
		t.Errorf("%s differs; -rewrite writes it anew.\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// decodeError reads an error object.
func decodeError(t *testing.T, body string) openai.Error {
	t.Helper()
	var v struct {
		Error struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    *string `json:"code"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil || v.Error.Message == "" || v.Error.Type == "" {
		t.Fatalf("%q is not an error object: %v", body, err)
	}
	e := openai.Error{Message: v.Error.Message, Type: v.Error.Type}
	if v.Error.Param != nil {
		e.Param = *v.Error.Param
	}
	if v.Error.Code != nil {
		e.Code = *v.Error.Code
	}
	return e
}
