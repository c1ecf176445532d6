package front_test

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/generatetest"
	"github.com/weirgo/weir/server/wire/wiretest"
)

const hello = `"messages":[{"role":"user","content":"hi"}],"temperature":0`

// service is a handler over a scripted generator, behind a real server of
// package net.
type service struct {
	url       string
	handler   *front.Handler
	generator *generatetest.Generator
}

// serve starts a service that has gone, with nothing left running, when the
// test ends.
func serve(t *testing.T, generator *generatetest.Generator, change func(*front.Config)) *service {
	t.Helper()
	cfg := front.Config{Generator: generator, Fingerprint: "fp", Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&cfg)
	}
	handler, err := front.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.Close()
		handler.Close()
		if n := generator.Running(); n != 0 {
			t.Errorf("%d generations are left running", n)
		}
	})
	return &service{server.URL, handler, generator}
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

var changing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`"id":"(chatcmpl|cmpl)-[A-Z2-7]{26}"`), `"id":"$1-ID"`},
	{regexp.MustCompile(`"(resp_|msg_|rs_|fc_)[A-Z2-7]{26}(\d*)"`), `"${1}ID$2"`},
	{regexp.MustCompile(`"(created|created_at)":\d+`), `"$1":0`},
}

// golden compares an answer with testdata/name.golden, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	for _, c := range changing {
		got = c.pattern.ReplaceAllString(got, c.with)
	}
	wiretest.Golden(t, name, got)
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
