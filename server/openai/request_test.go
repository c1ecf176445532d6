package openai

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine"
)

const testVocabSize = 100

var testDefaults = Defaults{
	Sampler: engine.SamplerConfig{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05},
	Seed:    7,
}

func decodeChat(body string) (ChatRequest, Params, error) {
	var r ChatRequest
	if err := Decode(strings.NewReader(body), &r); err != nil {
		return r, Params{}, err
	}
	p, err := r.Params(testDefaults, testVocabSize)
	return r, p, err
}

func decodeCompletion(body string) (CompletionRequest, Params, error) {
	var r CompletionRequest
	if err := Decode(strings.NewReader(body), &r); err != nil {
		return r, Params{}, err
	}
	p, err := r.Params(testDefaults, testVocabSize)
	return r, p, err
}

const hello = `"messages":[{"role":"user","content":"hi"}]`

func TestChatParams(t *testing.T) {
	sampler := testDefaults.Sampler
	sampler.Seed = 7
	base := Params{TopLogprobs: -1, Sampler: sampler}
	with := func(change func(*Params)) Params {
		p := base
		change(&p)
		return p
	}
	tests := []struct {
		name, fields string
		want         Params
	}{
		{"defaults", ``, base},
		{"nulls", `"max_tokens":null,"temperature":null,"stop":null,"stream":null,"stream_options":null,"n":null`, base},
		{"max_tokens", `"max_tokens":5`, with(func(p *Params) { p.MaxTokens = 5 })},
		{"newer name wins", `"max_tokens":5,"max_completion_tokens":6`, with(func(p *Params) { p.MaxTokens = 6 })},
		{"greedy", `"temperature":0`, with(func(p *Params) { p.Sampler.Temperature = 0 })},
		{"sampler", `"temperature":1.5,"top_k":3,"top_p":0.5,"min_p":0.25,"seed":4294967298`, with(func(p *Params) {
			p.Sampler = engine.SamplerConfig{Temperature: 1.5, TopK: 3, TopP: 0.5, MinP: 0.25, Seed: 3}
		})},
		{"top_k off", `"top_k":-1`, with(func(p *Params) { p.Sampler.TopK = 0 })},
		{"one stop", `"stop":"x"`, with(func(p *Params) { p.Stop = []string{"x"} })},
		{"stops", `"stop":["x","yz"]`, with(func(p *Params) { p.Stop = []string{"x", "yz"} })},
		{"logprobs", `"logprobs":true`, with(func(p *Params) { p.TopLogprobs = 0 })},
		{"top_logprobs", `"logprobs":true,"top_logprobs":100`, with(func(p *Params) { p.TopLogprobs = 100 })},
		{"usage", `"stream":true,"stream_options":{"include_usage":true}`, with(func(p *Params) { p.Stream, p.IncludeUsage = true, true })},
		{"ignore_eos", `"ignore_eos":true`, with(func(p *Params) { p.IgnoreEOS = true })},
		{"harmless", `"user":"u","metadata":{"a":"b"},"store":true,"n":1,"presence_penalty":0,"logit_bias":{ },"response_format":{"type": "text"},"tools":[]`, base},
	}
	for _, test := range tests {
		body := "{" + hello + "}"
		if test.fields != "" {
			body = "{" + hello + "," + test.fields + "}"
		}
		_, got, err := decodeChat(body)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, %v\nwant %+v", test.name, got, err, test.want)
		}
	}
}

func TestTopPZeroKeepsTheStep(t *testing.T) {
	_, p, err := decodeChat(`{` + hello + `,"top_p":0}`)
	if err != nil || p.Sampler.TopP <= 0 {
		t.Errorf("top_p 0 gave %v, %v: the engine would leave the step out", p.Sampler.TopP, err)
	}
}

func TestRandomSeeds(t *testing.T) {
	seeds := map[uint32]bool{}
	for range 8 {
		_, p, err := decodeChat(`{` + hello + `,"seed":-1}`)
		if err != nil {
			t.Fatal(err)
		}
		seeds[p.Sampler.Seed] = true
	}
	if len(seeds) < 2 {
		t.Error("seed -1 gave the same seed 8 times")
	}
}

func TestBadRequests(t *testing.T) {
	chat := func(body string) error { _, _, err := decodeChat(body); return err }
	completion := func(body string) error { _, _, err := decodeCompletion(body); return err }
	tests := []struct {
		name   string
		decode func(string) error
		body   string
		param  string
		code   string
		text   string // part of the message
	}{
		{"empty", chat, ``, "", CodeInvalidJSON, "malformed JSON"},
		{"cut", chat, `{"messages":[{"role":`, "", CodeInvalidJSON, "malformed JSON"},
		{"not JSON", chat, `hello`, "", CodeInvalidJSON, "malformed JSON at byte 0"},
		{"trailing", chat, `{` + hello + `} x`, "", CodeInvalidJSON, "malformed JSON"},
		{"twice", chat, `{` + hello + `,"seed":1,"seed":2}`, "", CodeInvalidJSON, "duplicate"},
		{"not UTF-8", chat, "{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}", "", CodeInvalidJSON, "UTF-8"},
		{"array", chat, `[]`, "", CodeInvalidValue, "JSON array"},
		{"no messages", chat, `{}`, "messages", CodeMissing, "required"},
		{"no role", chat, `{"messages":[{"content":"x"}]}`, "messages[0].role", CodeMissing, "required"},
		{"bad role", chat, `{"messages":[{"role":"robot","content":"x"}]}`, "messages[0].role", CodeInvalidValue, "robot"},
		{"image", chat, `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}`, "messages[0].content", CodeInvalidValue, "image_url"},
		{"content number", chat, `{"messages":[{"role":"user","content":5}]}`, "messages[0].content", CodeInvalidValue, "number"},
		{"tool_calls", chat, `{"messages":[{"role":"assistant","tool_calls":7}]}`, "messages[0].tool_calls", CodeInvalidValue, "number"},
		{"function_call", chat, `{"messages":[{"role":"assistant","function_call":{}}]}`, "messages[0].function_call", CodeUnsupported, "not supported"},
		{"n", chat, `{` + hello + `,"n":2}`, "n", CodeUnsupported, "send 1"},
		{"tools", chat, `{` + hello + `,"tools":[{"type":"function"}]}`, "tools", CodeUnsupported, "tools"},
		{"typo", chat, `{` + hello + `,"temprature":1}`, "temprature", CodeUnknown, "spelling"},
		{"hot", chat, `{` + hello + `,"temperature":2.5}`, "temperature", CodeInvalidValue, "0 to 2"},
		{"string for number", chat, `{` + hello + `,"temperature":"hot"}`, "temperature", CodeInvalidValue, "JSON string as a number"},
		{"fraction", chat, `{` + hello + `,"max_tokens":1.5}`, "max_tokens", CodeInvalidValue, "1.5 as an integer"},
		{"zero tokens", chat, `{` + hello + `,"max_tokens":0}`, "max_tokens", CodeInvalidValue, "1 to"},
		{"top_p", chat, `{` + hello + `,"top_p":1.1}`, "top_p", CodeInvalidValue, "0 to 1"},
		{"top_k", chat, `{` + hello + `,"top_k":-2}`, "top_k", CodeInvalidValue, "-1 to"},
		{"min_p", chat, `{` + hello + `,"min_p":-1}`, "min_p", CodeInvalidValue, "0 to 1"},
		{"empty stop", chat, `{` + hello + `,"stop":""}`, "stop", CodeInvalidValue, "0 bytes"},
		{"many stops", chat, `{` + hello + `,"stop":[` + strings.Repeat(`"x",`, 16) + `"x"]}`, "stop", CodeInvalidValue, "17 strings"},
		{"long stop", chat, `{` + hello + `,"stop":"` + strings.Repeat("x", 1025) + `"}`, "stop", CodeInvalidValue, "1025"},
		{"stop number", chat, `{` + hello + `,"stop":3}`, "stop", CodeInvalidValue, "number"},
		{"top_logprobs alone", chat, `{` + hello + `,"top_logprobs":3}`, "top_logprobs", CodeInvalidValue, "logprobs"},
		{"top_logprobs", chat, `{` + hello + `,"logprobs":true,"top_logprobs":101}`, "top_logprobs", CodeInvalidValue, "0 to 100"},
		{"stream_options", chat, `{` + hello + `,"stream_options":{}}`, "stream_options", CodeInvalidValue, "stream"},
		{"no prompt", completion, `{}`, "prompt", CodeMissing, "required"},
		{"empty prompt", completion, `{"prompt":""}`, "prompt", CodeMissing, "required"},
		{"empty tokens", completion, `{"prompt":[]}`, "prompt", CodeMissing, "required"},
		{"prompts", completion, `{"prompt":["a","b"]}`, "prompt", CodeInvalidValue, "one prompt"},
		{"token lists", completion, `{"prompt":[[1],[2]]}`, "prompt", CodeInvalidValue, "one prompt"},
		{"mixed prompt", completion, `{"prompt":[1,"a"]}`, "prompt", CodeInvalidValue, "array of tokens"},
		{"prompt object", completion, `{"prompt":{}}`, "prompt", CodeInvalidValue, "object"},
		{"token range", completion, `{"prompt":[1,100]}`, "prompt", CodeInvalidValue, "token 100 at index 1"},
		{"negative token", completion, `{"prompt":[-1]}`, "prompt", CodeInvalidValue, "token -1"},
		{"echo", completion, `{"prompt":"x","echo":true}`, "echo", CodeUnsupported, "echo"},
		{"best_of", completion, `{"prompt":"x","best_of":3}`, "best_of", CodeUnsupported, "best_of"},
		{"logprobs", completion, `{"prompt":"x","logprobs":101}`, "logprobs", CodeInvalidValue, "0 to 100"},
		{"logprobs bool", completion, `{"prompt":"x","logprobs":true}`, "logprobs", CodeInvalidValue, "integer"},
	}
	for _, test := range tests {
		err := test.decode(test.body)
		e, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%s: got %T %v, want an *Error", test.name, err, err)
			continue
		}
		if e.Status != http.StatusBadRequest || e.Type != TypeInvalidRequest || e.Param != test.param || e.Code != test.code ||
			!strings.Contains(e.Message, test.text) {
			t.Errorf("%s: got %+v\nwant param %q, code %q, message with %q", test.name, *e, test.param, test.code, test.text)
		}
	}
}

func TestBodyTooLarge(t *testing.T) {
	body := http.MaxBytesReader(httptest.NewRecorder(), readCloser{strings.NewReader(`{"prompt":"0123456789"}`)}, 10)
	var r CompletionRequest
	e, ok := errors.AsType[*Error](Decode(body, &r))
	if !ok || e.Status != http.StatusRequestEntityTooLarge || !strings.Contains(e.Message, "10 bytes") {
		t.Errorf("got %v", e)
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestPromptForms(t *testing.T) {
	tests := []struct {
		body string
		want Prompt
	}{
		{`"abc"`, Prompt{Text: "abc"}},
		{`["abc"]`, Prompt{Text: "abc"}},
		{`[1,2]`, Prompt{Tokens: []engine.Token{1, 2}}},
		{`[[1,2]]`, Prompt{Tokens: []engine.Token{1, 2}}},
	}
	for _, test := range tests {
		r, _, err := decodeCompletion(`{"prompt":` + test.body + `}`)
		if err != nil || !reflect.DeepEqual(r.Prompt, test.want) {
			t.Errorf("%s: got %+v, %v", test.body, r.Prompt, err)
		}
	}
}

func TestMessages(t *testing.T) {
	r, _, err := decodeChat(`{"messages":[{"role":"developer","content":"a"},` +
		`{"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]},` +
		`{"role":"assistant","content":null,"refusal":null,"tool_calls":[{}]},` +
		`{"role":"tool","content":"d","tool_call_id":"e","tool_calls":null}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []Message{
		{Role: "system", Content: Content{Text: "a"}},
		{Role: "user", Content: Content{Parts: []string{"b", "c"}}},
		{Role: "assistant", ToolCalls: []byte("[{}]")},
		{Role: "tool", Content: Content{Text: "d"}, ToolCallID: "e"},
	}
	for i, m := range r.Messages {
		m.Rest = nil
		if !reflect.DeepEqual(m, want[i]) {
			t.Errorf("message %d: got %+v, want %+v", i, m, want[i])
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{` + hello + `,"stop":["a"],"n":1}`))
	f.Add([]byte(`{"prompt":[[1,2]],"logprobs":2}`))
	f.Add([]byte(`{"prompt":`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, decode := range []func(string) error{
			func(b string) error { _, _, err := decodeChat(b); return err },
			func(b string) error { _, _, err := decodeCompletion(b); return err },
		} {
			err := decode(string(body))
			if err == nil {
				continue
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Status != http.StatusBadRequest || e.Message == "" {
				t.Fatalf("%q: %T %v", body, err, err)
			}
		}
	})
}
