package server_test

import (
	"encoding/json/v2"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/generate/local"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Each dialect says in its own words that the context was full, and that a client's own
// bound was reached.
func TestFullContextIsSaid(t *testing.T) {
	s := serveLlama(t, nil) // 128 tokens a sequence
	const chat = `"messages":[{"role":"user","content":"hi"}]`
	for _, c := range []struct{ path, body, bound, full, bounded string }{
		{"/v1/chat/completions", chat, "max_tokens", `"finish_reason":"length"`, `"finish_reason":"length"`},
		{"/v1/completions", `"prompt":"hi"`, "max_tokens", `"finish_reason":"length"`, `"finish_reason":"length"`},
		{"/v1/responses", `"input":"hi"`, "max_output_tokens", `"incomplete_details":{"reason":"max_output_tokens"}`, `"incomplete_details":{"reason":"max_output_tokens"}`},
		{"/v1/messages", chat, "max_tokens", `"stop_reason":"model_context_window_exceeded"`, `"stop_reason":"max_tokens"`},
		{"/api/generate", `"model":"tiny","stream":false,"prompt":"hi"`, "", `"done_reason":"length"`, ""},
		{"/completion", `"prompt":"hi"`, "n_predict", `"truncated":true,"stop_type":"limit"`, `"truncated":false,"stop_type":"limit"`},
		{"/completion", `"stream":true,"prompt":"hi"`, "n_predict", `"truncated":true,"stop_type":"limit"`, `"truncated":false,"stop_type":"limit"`},
	} {
		full, bounded := "{"+c.body+"}", ""
		if c.bound != "" {
			full, bounded = "{"+c.body+`,"`+c.bound+`":1000}`, "{"+c.body+`,"`+c.bound+`":3}`
		}
		for body, want := range map[string]string{full: c.full, bounded: c.bounded} {
			if body == "" {
				continue
			}
			if status, _, text := s.post(t, c.path, body); status != http.StatusOK || !strings.Contains(strings.ReplaceAll(text, " ", ""), want) {
				t.Errorf("%s %s: status %d: %s, want %s", c.path, body, status, text, want)
			}
		}
	}
}

// Where full contexts are shifted answers are as long as they are wanted, in every
// dialect, and llama-server's say that something was dropped.
func TestShiftedAnswers(t *testing.T) {
	s := serve(t, enginetest.Options{Printable: true, TrainedContext: 700}, engine.ContextConfig{MaxSequences: 2, ContextTokens: 256},
		local.Batching{ContextShift: true}, nil)
	for _, test := range []struct {
		body      string
		predicted int
		cut       bool
	}{
		{`"n_predict":90`, 90, false},
		{`"n_predict":200`, 200, true},
		{`"n_predict":300,"n_keep":-1`, 300, true},
		{`"n_predict":300,"n_keep":20,"n_discard":10`, 300, true},
		{`"n_predict":-1`, 700 - 33, true},
	} {
		a := s.llama(t, `{"prompt":"`+life+`","id_slot":1,`+test.body+`}`)
		if a.Timings.Predicted != test.predicted || len(a.Content) != test.predicted || a.Cut != test.cut || a.StopType != "limit" {
			t.Errorf("%s: %+v", test.body, a)
		}
	}
	if a := s.llama(t, `{"prompt":"`+life+`","n_predict":2,"n_keep":7,"n_discard":9}`); a.Settings["n_keep"] != 7.0 || a.Settings["n_discard"] != 9.0 {
		t.Errorf("%+v", a.Settings)
	}
	pieces := s.llamaStream(t, `{"prompt":"`+life+`","stream":true,"n_predict":200}`)
	if last := pieces[len(pieces)-1]; !last.Cut || last.Timings.Predicted != 200 {
		t.Errorf("%+v", last)
	}
	status, _, text := s.post(t, "/v1/chat/completions", `{"messages":[{"role":"user","content":"hi"}],"max_tokens":400,"n_keep":-1}`)
	var chat struct {
		Usage struct {
			Tokens int `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal([]byte(text), &chat); err != nil || status != http.StatusOK || chat.Usage.Tokens != 400 {
		t.Errorf("status %d, %v: %s", status, err, text)
	}
	for path, body := range map[string]string{
		"/completion":          `{"prompt":"x","n_keep":-2}`,
		"/v1/chat/completions": `{"messages":[{"role":"user","content":"hi"}],"n_keep":1.5}`,
		"/api/generate":        `{"model":"tiny","prompt":"x","options":{"num_keep":-7}}`,
	} {
		if status, _, text := s.post(t, path, body); status != http.StatusBadRequest || !strings.Contains(text, "_keep") {
			t.Errorf("%s %s: status %d: %s", path, body, status, text)
		}
	}
	if status, _, text := s.post(t, "/completion", `{"n_predict":64,"prompt":"`+strings.Repeat(life, 8)+`"}`); status != http.StatusBadRequest {
		t.Errorf("a prompt that does not fit: status %d: %s", status, text)
	}
}

// Over gRPC a shifted answer is as long, and its client says what stays.
func TestShiftedAnswersOverGRPC(t *testing.T) {
	s := serve(t, enginetest.Options{Printable: true, TrainedContext: 700}, engine.ContextConfig{MaxSequences: 2, ContextTokens: 256},
		local.Batching{ContextShift: true}, nil)
	conn := dialGRPC(t, s)
	ask := func(r *weirv1.GenerateRequest) (string, error) {
		r.Prompt, r.MaxTokens, r.IgnoreEos = life, proto.Uint32(300), true
		stream, err := generateGRPC(t.Context(), conn, r)
		if err != nil {
			return "", err
		}
		return gatherGRPC(stream)
	}
	for _, keep := range []int32{0, -1, 20} {
		if text, err := ask(&weirv1.GenerateRequest{NKeep: &keep, NDiscard: proto.Uint32(10)}); err != nil || len(text) != 300 {
			t.Errorf("n_keep %d: %d bytes, %v", keep, len(text), err)
		}
	}
	if _, err := ask(&weirv1.GenerateRequest{NKeep: proto.Int32(-2)}); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "n_keep") {
		t.Errorf("n_keep -2: %v", err)
	}
}
