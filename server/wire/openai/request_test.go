package openai

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

var testDefaults = Defaults{
	Sampling: ask.Sampling{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05},
	Seed:     7,
}

func decodeChat(body string) (*ask.Request, *ChatRequest, error) {
	r := new(ChatRequest)
	if err := wire.Decode([]byte(body), r); err != nil {
		return nil, r, err
	}
	a, err := r.Ask(testDefaults)
	if err != nil {
		return nil, r, err
	}
	return a[0], r, nil
}

func decodeCompletion(body string) (*ask.Request, error) {
	var r CompletionRequest
	if err := wire.Decode([]byte(body), &r); err != nil {
		return nil, err
	}
	a, err := r.Ask(testDefaults)
	if err != nil {
		return nil, err
	}
	return a[0], nil
}

const hello = `"messages":[{"role":"user","content":"hi"}]`

func TestChatParams(t *testing.T) {
	base := ask.Request{TopLogprobs: -1, Sampling: testDefaults.Sampling, Messages: []ask.Message{{Role: "user", Content: "hi"}}}
	base.Sampling.Seed = 7
	with := func(change func(*ask.Request)) ask.Request {
		p := base
		change(&p)
		return p
	}
	tests := []struct {
		name, fields string
		want         ask.Request
	}{
		{"defaults", ``, base},
		{"nulls", `"max_tokens":null,"temperature":null,"stop":null,"stream":null,"stream_options":null,"n":null`, base},
		{"max_tokens", `"max_tokens":5`, with(func(p *ask.Request) { p.MaxTokens = 5 })},
		{"newer name wins", `"max_tokens":5,"max_completion_tokens":6`, with(func(p *ask.Request) { p.MaxTokens = 6 })},
		{"greedy", `"temperature":0`, with(func(p *ask.Request) { p.Sampling.Temperature = 0 })},
		{"sampler", `"temperature":1.5,"top_k":3,"top_p":0.5,"min_p":0.25,"seed":4294967298`, with(func(p *ask.Request) {
			p.Sampling = ask.Sampling{Temperature: 1.5, TopK: 3, TopP: 0.5, MinP: 0.25, Seed: 3}
		})},
		{"top_k off", `"top_k":-1`, with(func(p *ask.Request) { p.Sampling.TopK = 0 })},
		{"one stop", `"stop":"x"`, with(func(p *ask.Request) { p.Stop = []string{"x"} })},
		{"stops", `"stop":["x","yz"]`, with(func(p *ask.Request) { p.Stop = []string{"x", "yz"} })},
		{"logprobs", `"logprobs":true`, with(func(p *ask.Request) { p.TopLogprobs = 0 })},
		{"top_logprobs", `"logprobs":true,"top_logprobs":100`, with(func(p *ask.Request) { p.TopLogprobs = 100 })},
		{"usage", `"stream":true,"stream_options":{"include_usage":true}`, base},
		{"ignore_eos", `"ignore_eos":true`, with(func(p *ask.Request) { p.IgnoreEOS = true })},
		{"harmless", `"user":"u","metadata":{"a":"b"},"store":true,"n":1,"presence_penalty":0,"logit_bias":{ },"response_format":{"type": "text"},"tools":[]`, base},
	}
	for _, test := range tests {
		body := "{" + hello + "}"
		if test.fields != "" {
			body = "{" + hello + "," + test.fields + "}"
		}
		got, r, err := decodeChat(body)
		if err != nil || !reflect.DeepEqual(*got, test.want) || r.IncludeUsage() != (test.name == "usage") {
			t.Errorf("%s: got %+v, %v\nwant %+v", test.name, got, err, test.want)
		}
	}
}

func TestTopPZeroKeepsTheStep(t *testing.T) {
	p, _, err := decodeChat(`{` + hello + `,"top_p":0}`)
	if err != nil || p.Sampling.TopP <= 0 {
		t.Errorf("top_p 0 gave %v, %v: the engine would leave the step out", p.Sampling.TopP, err)
	}
}

func TestRandomSeeds(t *testing.T) {
	seeds := map[uint32]bool{}
	for range 8 {
		p, _, err := decodeChat(`{` + hello + `,"seed":-1}`)
		if err != nil {
			t.Fatal(err)
		}
		seeds[p.Sampling.Seed] = true
	}
	if len(seeds) < 2 {
		t.Error("seed -1 gave the same seed 8 times")
	}
}

func TestBadRequests(t *testing.T) {
	chat := func(body string) error { _, _, err := decodeChat(body); return err }
	completion := func(body string) error { _, err := decodeCompletion(body); return err }
	tests := []struct {
		name   string
		decode func(string) error
		body   string
		param  string
		kind   ask.Kind
		text   string // part of the message
	}{
		{"empty", chat, ``, "", ask.InvalidJSON, "malformed JSON"},
		{"cut", chat, `{"messages":[{"role":`, "", ask.InvalidJSON, "malformed JSON"},
		{"not JSON", chat, `hello`, "", ask.InvalidJSON, "malformed JSON at byte 0"},
		{"trailing", chat, `{` + hello + `} x`, "", ask.InvalidJSON, "malformed JSON"},
		{"twice", chat, `{` + hello + `,"seed":1,"seed":2}`, "", ask.InvalidJSON, "duplicate"},
		{"not UTF-8", chat, "{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}", "", ask.InvalidJSON, "UTF-8"},
		{"array", chat, `[]`, "", ask.InvalidValue, "JSON array"},
		{"no messages", chat, `{}`, "messages", ask.MissingParameter, "required"},
		{"no role", chat, `{"messages":[{"content":"x"}]}`, "messages[0].role", ask.MissingParameter, "required"},
		{"bad role", chat, `{"messages":[{"role":"robot","content":"x"}]}`, "messages[0].role", ask.InvalidValue, "robot"},
		{"image", chat, `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}`, "messages[0].content", ask.InvalidValue, "image_url"},
		{"content number", chat, `{"messages":[{"role":"user","content":5}]}`, "messages[0].content", ask.InvalidValue, "number"},
		{"fraction of a seed", chat, `{` + hello + `,"seed":4.5}`, "seed", ask.InvalidValue, "4.5 as an integer"},
		{"tool_calls", chat, `{"messages":[{"role":"assistant","tool_calls":7}]}`, "messages[0].tool_calls", ask.InvalidValue, "number"},
		{"typo", chat, `{` + hello + `,"temprature":1}`, "temprature", ask.UnknownParameter, "spelling"},
		{"hot", chat, `{` + hello + `,"temperature":2.5}`, "temperature", ask.InvalidValue, "0 to 2"},
		{"string for number", chat, `{` + hello + `,"temperature":"hot"}`, "temperature", ask.InvalidValue, "JSON string as a number"},
		{"fraction", chat, `{` + hello + `,"max_tokens":1.5}`, "max_tokens", ask.InvalidValue, "1.5 as an integer"},
		{"zero tokens", chat, `{` + hello + `,"max_tokens":0}`, "max_tokens", ask.InvalidValue, "1 to"},
		{"top_p", chat, `{` + hello + `,"top_p":1.1}`, "top_p", ask.InvalidValue, "0 to 1"},
		{"top_k", chat, `{` + hello + `,"top_k":-2}`, "top_k", ask.InvalidValue, "-1 to"},
		{"min_p", chat, `{` + hello + `,"min_p":-1}`, "min_p", ask.InvalidValue, "0 to 1"},
		{"empty stop", chat, `{` + hello + `,"stop":""}`, "stop", ask.InvalidValue, "0 bytes"},
		{"many stops", chat, `{` + hello + `,"stop":[` + strings.Repeat(`"x",`, 16) + `"x"]}`, "stop", ask.InvalidValue, "17 strings"},
		{"long stop", chat, `{` + hello + `,"stop":"` + strings.Repeat("x", 1025) + `"}`, "stop", ask.InvalidValue, "1025"},
		{"stop number", chat, `{` + hello + `,"stop":3}`, "stop", ask.InvalidValue, "number"},
		{"top_logprobs alone", chat, `{` + hello + `,"top_logprobs":3}`, "top_logprobs", ask.InvalidValue, "logprobs"},
		{"no prompt", completion, `{}`, "prompt", ask.MissingParameter, "required"},
		{"empty prompt", completion, `{"prompt":""}`, "prompt", ask.MissingParameter, "required"},
		{"empty tokens", completion, `{"prompt":[]}`, "prompt", ask.MissingParameter, "required"},
		{"mixed prompt", completion, `{"prompt":[1,"a"]}`, "prompt", ask.InvalidValue, "array of tokens"},
		{"prompt object", completion, `{"prompt":{}}`, "prompt", ask.InvalidValue, "object"},
		{"best_of", completion, `{"prompt":"x","best_of":3}`, "best_of", ask.Unsupported, "best_of"},
		{"logprobs bool", completion, `{"prompt":"x","logprobs":true}`, "logprobs", ask.InvalidValue, "integer"},
	}
	for _, test := range tests {
		err := test.decode(test.body)
		f, ok := errors.AsType[*ask.Fault](err)
		if !ok || f.Param != test.param || f.Kind != test.kind || !strings.Contains(f.Error(), test.text) {
			t.Errorf("%s: got %T %+v\nwant param %q, kind %d, message with %q", test.name, err, err, test.param, test.kind, test.text)
		}
	}
}

func TestPromptForms(t *testing.T) {
	tests := []struct {
		body string
		want ask.Prompt
	}{
		{`"abc"`, ask.Prompt{Text: "abc"}},
		{`["abc"]`, ask.Prompt{Text: "abc"}},
		{`[1,2]`, ask.Prompt{Tokens: []ask.Token{1, 2}}},
		{`[[1,2]]`, ask.Prompt{Tokens: []ask.Token{1, 2}}},
	}
	for _, test := range tests {
		r, err := decodeCompletion(`{"prompt":` + test.body + `}`)
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
	want := []ask.Message{
		{Role: "system", Content: "a"},
		{Role: "user", Parts: []string{"b", "c"}},
		{Role: "assistant", ToolCalls: []byte("[{}]")},
		{Role: "tool", Content: "d", ToolCallID: "e"},
	}
	if !reflect.DeepEqual(r.Messages, want) {
		t.Errorf("got %+v, want %+v", r.Messages, want)
	}
}

// A generator names fields as a chat does.
func TestCompletionFault(t *testing.T) {
	err := CompletionFault(&ask.Fault{Kind: ask.InvalidValue, Param: "top_logprobs", What: "top_logprobs: 9 is out of range"})
	if f := err.(*ask.Fault); f.Param != "logprobs" || f.What != "logprobs: 9 is out of range" {
		t.Errorf("%+v", f)
	}
	other := &ask.Fault{Kind: ask.QueueFull, What: "full"}
	if got := CompletionFault(other); got != other || CompletionFault(nil) != nil {
		t.Errorf("%+v", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{` + hello + `,"stop":["a"],"n":1}`))
	f.Add([]byte(`{"prompt":[[1,2]],"logprobs":2}`))
	f.Add([]byte(`{"prompt":`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, decode := range []func(string) error{
			func(b string) error { _, _, err := decodeChat(b); return err },
			func(b string) error { _, err := decodeCompletion(b); return err },
		} {
			err := decode(string(body))
			if err == nil {
				continue
			}
			if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind == ask.Internal || f.Error() == "" {
				t.Fatalf("%q: %T %v", body, err, err)
			}
		}
	})
}

// What decoding takes is known before it begins.
func TestDecodedBytesIsAnUpperBound(t *testing.T) {
	const n = 20000
	many := func(before, each, after string) string {
		return before + strings.TrimSuffix(strings.Repeat(each, n), ",") + after
	}
	var names strings.Builder
	for i := range n {
		fmt.Fprintf(&names, `,"%x":1`, i)
	}
	for name, body := range map[string]string{
		"messages":       many(`{"messages":[`, `{},`, `]}`),
		"named messages": many(`{"messages":[`, `{"role":"user"},`, `]}`),
		"full messages":  many(`{"messages":[`, `{"role":"user","content":"x","name":"x"},`, `]}`),
		"parts":          many(`{"messages":[{"role":"user","content":[`, `{"type":"text"},`, `]}]}`),
		"message fields": `{"messages":[{"role":"user"` + names.String() + `}]}`,
		"fields":         `{"a":1` + names.String() + `}`,
		"tool calls":     many(`{"messages":[{"role":"assistant","tool_calls":[`, `{},`, `]}]}`),
		"stops":          many(`{"prompt":"x","stop":[`, `"",`, `]}`),
		"text":           many(`{"prompt":"`, `xxxxxxxx`, `"}`),
		"tokens":         many(`{"prompt":[`, `1,`, `]}`),
		"token lists":    many(`{"prompt":[`, `[],`, `]}`),
		"texts":          many(`{"prompt":[`, `"",`, `]}`),
		"pairs":          many(`{"prompt":"x","logit_bias":[`, `[1,1],`, `]}`),
		"tools":          many(`{"messages":[{"role":"user","content":"x"}],"tools":[`, `{},`, `]}`),
		"functions":      many(`{"messages":[{"role":"user","content":"x"}],"functions":[`, `{"name":"x"},`, `]}`),
		"allowed tools":  many(`{"messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"allowed_tools","tools":[`, `{},`, `]}}`),
		"items":          many(`{"input":[`, `{"role":"user"},`, `]}`),
		"calls":          many(`{"input":[`, `{"type":"function_call","call_id":"c","name":"f"},`, `]}`),
		"outputs":        many(`{"input":[`, `{"type":"function_call_output","call_id":"c"},`, `]}`),
		"item parts":     many(`{"input":[{"role":"user","content":[`, `{"type":"input_text"},`, `]}]}`),
		"summaries":      many(`{"input":[{"type":"reasoning","summary":[`, `{},`, `]}]}`),
		"response":       many(`{"input":"x","tools":[`, `{},`, `]}`),
		"choices":        many(`{"prompt":"x","guided_choice":[`, `"x",`, `]}`),
		"null messages":  many(`{"messages":[`, `null,`, `]}`),
		"null parts":     many(`{"messages":[{"role":"user","content":[`, `null,`, `]}]}`),
		"null tools":     many(`{"messages":[{"role":"user","content":"x"}],"tools":[`, `null,`, `]}`),
		"null functions": many(`{"messages":[{"role":"user","content":"x"}],"functions":[`, `null,`, `]}`),
		"null allowed":   many(`{"messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"allowed_tools","tools":[`, `null,`, `]}}`),
		"null items":     many(`{"input":[`, `null,`, `]}`),
		"null summaries": many(`{"input":[{"type":"reasoning","summary":[`, `null,`, `]}]}`),
		"null calls":     many(`{"messages":[{"role":"assistant","tool_calls":[`, `null,`, `]}]}`),
		"template":       `{"messages":[{"role":"user","content":"x"}],"chat_template_kwargs":{"1":1` + names.String() + `}}`,
		"bias":           `{"prompt":"x","logit_bias":{"1":1` + names.String() + `}}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		switch {
		case strings.Contains(body, `"messages"`):
			_, _, _ = decodeChat(body)
		case strings.Contains(body, `"input"`):
			_ = askFor[2]([]byte(body))
		default:
			_, _ = decodeCompletion(body)
		}
		runtime.ReadMemStats(&after)
		took, bound := int64(after.TotalAlloc-before.TotalAlloc), wire.DecodedBytes([]byte(body))
		if took > bound*5/4 { // some of it was garbage before the rest was there
			t.Errorf("%s: a body of %d bytes took %d, and %d were expected", name, len(body), took, bound)
		}
	}
}
