package ollama

import (
	"encoding/json/v2"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

var defaults = wire.Defaults{Sampling: ask.Sampling{Temperature: 0.8, TopK: 40, TopP: 0.95}, Seed: 7, MaxTokens: 5}

func chat(t *testing.T, body string) (*ask.Request, error) {
	t.Helper()
	var r ChatRequest
	if err := wire.Decode([]byte(body), &r); err != nil {
		return nil, err
	}
	return r.Ask(defaults)
}

func generate(t *testing.T, body string) (*ask.Request, error) {
	t.Helper()
	var r GenerateRequest
	if err := wire.Decode([]byte(body), &r); err != nil {
		return nil, err
	}
	return r.Ask(defaults)
}

const user = `"model":"m","messages":[{"role":"user","content":"hi"}]`

// asked is what a chat that says nothing else asks for.
func asked(change func(*ask.Request)) *ask.Request {
	a := &ask.Request{
		Model: "m", Messages: []ask.Message{{Role: "user", Content: "hi"}}, TopLogprobs: -1, MaxTokens: 5,
		Sampling: ask.Sampling{Temperature: 0.8, TopK: 40, TopP: 0.95, Seed: 7},
	}
	change(a)
	return a
}

func TestFields(t *testing.T) {
	options := func(o string) string { return `"options":{` + o + `}` }
	for _, test := range []struct {
		fields string
		change func(*ask.Request)
	}{
		{`"keep_alive":"5m","truncate":true,"shift":false,"format":null,"options":null,"tools":null,"think":null`, func(*ask.Request) {}},
		{`"format":"json"`, func(a *ask.Request) { a.Format.Kind = ask.FormatJSON }},
		{`"format":""`, func(*ask.Request) {}},
		{`"format":{"type":"object"}`, func(a *ask.Request) { a.Format = ask.Format{Kind: ask.FormatSchema, Source: `{"type":"object"}`} }},
		{`"think":false`, func(a *ask.Request) { a.TemplateArgs = []byte(`{"enable_thinking":false}`) }},
		{`"think":"low"`, func(a *ask.Request) { a.TemplateArgs = []byte(`{"enable_thinking":true,"reasoning_effort":"low"}`) }},
		{`"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}]`, func(a *ask.Request) {
			a.Tools = []ask.Tool{{Name: "f", Description: "d", Parameters: []byte(`{"type":"object"}`)}}
		}},
		{`"logprobs":false,"top_logprobs":0`, func(*ask.Request) {}},
		{`"logprobs":true`, func(a *ask.Request) { a.TopLogprobs = 0 }},
		{`"logprobs":true,"top_logprobs":2`, func(a *ask.Request) { a.TopLogprobs = 2 }},
		{options(`"num_ctx":4096,"num_gpu":99,"num_thread":8,"use_mmap":true,"tfs_z":1.0,"penalize_newline":true`), func(*ask.Request) {}},
		{options(`"num_predict":-1`), func(a *ask.Request) { a.MaxTokens = 0 }},
		{options(`"num_predict":12.0,"seed":42.0,"stop":"x"`), func(a *ask.Request) { a.MaxTokens, a.Sampling.Seed, a.Stop = 12, 42, []string{"x"} }},
		{options(`"stop":["x","y"],"seed":9223372036854775807`), func(a *ask.Request) {
			a.Stop, a.Sampling.Seed = []string{"x", "y"}, 1<<30
		}},
		{options(`"temperature":0,"top_k":0,"top_p":0,"min_p":0.5,"typical_p":0.5`), func(a *ask.Request) {
			a.Sampling = ask.Sampling{TopP: math.SmallestNonzeroFloat32, MinP: 0.5, TypicalP: 0.5, Seed: 7}
		}},
		{options(`"temperature":0,"top_k":0,"typical_p":0`), func(a *ask.Request) {
			a.Sampling = ask.Sampling{TopP: 0.95, TypicalP: math.SmallestNonzeroFloat32, Seed: 7}
		}},
		{options(`"repeat_penalty":1.5`), func(a *ask.Request) { a.Sampling.Penalties = ask.Penalties{LastTokens: 64, Repeat: 1.5} }},
		{options(`"repeat_last_n":-1,"presence_penalty":1,"frequency_penalty":2`), func(a *ask.Request) {
			a.Sampling.Penalties = ask.Penalties{LastTokens: -1, Presence: 1, Frequency: 2}
		}},
		{options(`"repeat_last_n":0,"repeat_penalty":2`), func(a *ask.Request) {
			a.Sampling.Penalties = ask.Penalties{Repeat: 2}
		}},
		{options(`"mirostat":2,"mirostat_eta":0.5`), func(a *ask.Request) {
			a.Sampling.Mirostat, a.Sampling.MirostatTau, a.Sampling.MirostatEta = 2, 5, 0.5
		}},
	} {
		a, err := chat(t, `{`+user+`,`+test.fields+`}`)
		if err != nil {
			t.Errorf("%s: %v", test.fields, err)
		} else if want := asked(test.change); !reflect.DeepEqual(a, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", test.fields, a, want)
		}
	}
}

func TestMessages(t *testing.T) {
	a, err := chat(t, `{"model":"m","messages":[{"role":"System","content":"s"},{"role":"user","content":"u","images":[]},
		{"role":"assistant","content":"c","thinking":"t","tool_calls":[{"id":"1","type":"function","function":{"index":0,"name":"f","arguments":{"a": "é"}}},{"function":{"name":"g"}}]},
		{"role":"tool","content":"r","tool_name":"f","tool_call_id":"1"},{"role":"assistant","content":"So"}]}`)
	want := []ask.Message{
		{Role: "system", Content: "s"}, {Role: "user", Content: "u"},
		{Role: "assistant", Content: "c", Reasoning: "t", ToolCalls: []byte(`[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":\"é\"}"}},` +
			`{"id":"","type":"function","function":{"name":"g","arguments":"{}"}}]`)},
		{Role: "tool", Content: "r", Name: "f", ToolCallID: "1"}, {Role: "assistant", Content: "So"},
	}
	if err != nil || !reflect.DeepEqual(a.Messages, want) || !a.Continue {
		t.Errorf("got %+v, %v", a, err)
	}
	if a, err := chat(t, `{"model":"m","messages":[]}`); a != nil || err != nil {
		t.Errorf("a request that loads: %+v, %v", a, err)
	}
}

func TestGenerate(t *testing.T) {
	user := ask.Message{Role: "user", Content: "hi"}
	for _, test := range []struct {
		fields string
		want   *ask.Request
	}{
		{`"prompt":"hi"`, &ask.Request{Messages: []ask.Message{user}}},
		{`"prompt":"hi","system":"s","context":[],"suffix":"","template":"","images":null,"keep_alive":0`, &ask.Request{Messages: []ask.Message{{Role: "system", Content: "s"}, user}}},
		{`"prompt":"hi","raw":true`, &ask.Request{Prompt: ask.Prompt{Text: "hi"}, RawReasoning: true}},
		{`"prompt":""`, nil},
	} {
		a, err := generate(t, `{"model":"m",`+test.fields+`}`)
		if test.want != nil {
			test.want.Model, test.want.TopLogprobs, test.want.MaxTokens = "m", -1, 5
			test.want.Sampling = ask.Sampling{Temperature: 0.8, TopK: 40, TopP: 0.95, Seed: 7}
		}
		if err != nil || !reflect.DeepEqual(a, test.want) {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", test.fields, a, err, test.want)
		}
	}
}

// refusal is a body, and the field that is at fault.
type refusal struct {
	body  string
	kind  ask.Kind
	param string
}

func checkRefusals(t *testing.T, ask1 func(*testing.T, string) (*ask.Request, error), tests []refusal) {
	t.Helper()
	for _, test := range tests {
		_, err := ask1(t, test.body)
		f, ok := errors.AsType[*ask.Fault](err)
		if !ok || f.Kind != test.kind || f.Param != test.param || !strings.Contains(f.What, test.param) {
			t.Errorf("%s: %+v, want kind %d of %q", test.body, err, test.kind, test.param)
		}
	}
}

func TestRefusals(t *testing.T) {
	with := func(fields string) string { return `{` + user + `,` + fields + `}` }
	message := func(fields string) string { return `{"model":"m","messages":[{` + fields + `}]}` }
	checkRefusals(t, chat, []refusal{
		{`{`, ask.InvalidJSON, ""},
		{`{"messages":[]}`, ask.MissingParameter, "model"},
		{with(`"modle":1`), ask.UnknownParameter, "modle"},
		{with(`"top_logprobs":1`), ask.InvalidValue, "top_logprobs"},
		{with(`"logprobs":true,"top_logprobs":21`), ask.InvalidValue, "top_logprobs"},
		{with(`"_debug_render_only":true`), ask.Unsupported, "_debug_render_only"},
		{with(`"format":"xml"`), ask.InvalidValue, "format"},
		{with(`"format":[]`), ask.InvalidValue, "format"},
		{with(`"think":"much"`), ask.InvalidValue, "think"},
		{with(`"think":3`), ask.InvalidValue, "think"},
		{with(`"tools":[{"type":"x","function":{"name":"f"}}]`), ask.InvalidValue, "tools[0].type"},
		{with(`"tools":[{"function":{}}]`), ask.MissingParameter, "tools[0].function.name"},
		{with(`"tools":[{"function":{"name":"f","parameters":[]}}]`), ask.InvalidValue, "tools[0].function.parameters"},
		{with(`"options":{"num_predikt":1}`), ask.UnknownParameter, "options.num_predikt"},
		{with(`"options":{"tfs_z":0.5}`), ask.Unsupported, "options.tfs_z"},
		{with(`"options":{"num_predict":1.5}`), ask.InvalidValue, "options.num_predict"},
		{with(`"options":{"num_predict":-3}`), ask.InvalidValue, "options.num_predict"},
		{with(`"options":{"seed":0.5}`), ask.InvalidValue, "options.seed"},
		{with(`"options":{"temperature":-1}`), ask.InvalidValue, "options.temperature"},
		{with(`"options":{"mirostat":3}`), ask.InvalidValue, "options.mirostat"},
		{with(`"options":{"stop":[""]}`), ask.InvalidValue, "options.stop"},
		{with(`"options":{"stop":3}`), ask.InvalidValue, "options.stop"},
		{message(`"role":"bot"`), ask.InvalidValue, "messages[0].role"},
		{message(`"content":"x"`), ask.MissingParameter, "messages[0].role"},
		{message(`"role":"user","images":["aGk="]`), ask.Unsupported, "messages[0].images"},
		{message(`"role":"assistant","tool_calls":[{"function":{}}]`), ask.MissingParameter, "messages[0].tool_calls[0].function.name"},
		{message(`"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]`), ask.InvalidValue, "messages[0].tool_calls[0].function.arguments"},
		{message(`"role":"assistant","tool_calls":[{"x":1,"function":{"name":"f"}}]`), ask.UnknownParameter, "messages[0].tool_calls[0].x"},
	})
	checkRefusals(t, generate, []refusal{
		{`{"prompt":"x"}`, ask.MissingParameter, "model"},
		{`{"model":"m","prompt":"x","suffix":"y"}`, ask.Unsupported, "suffix"},
		{`{"model":"m","prompt":"x","template":"y"}`, ask.Unsupported, "template"},
		{`{"model":"m","prompt":"x","context":[1]}`, ask.Unsupported, "context"},
		{`{"model":"m","prompt":"x","images":["aGk="]}`, ask.Unsupported, "images"},
		{`{"model":"m","prompt":"x","raw":true,"system":"s"}`, ask.InvalidValue, "system"},
	})
}

func TestEmbedRequests(t *testing.T) {
	for _, test := range []struct {
		body       string
		inputs     int
		dimensions int
		fault      string
	}{
		{`{"model":"m","input":"a","truncate":true,"options":{"num_ctx":1}}`, 1, 0, ""},
		{`{"model":"m","input":["a","b"],"dimensions":8}`, 2, 8, ""},
		{`{"model":"m"}`, 0, 0, ""},
		{`{"input":"a"}`, 0, 0, "model"},
		{`{"model":"m","input":3}`, 0, 0, "input"},
		{`{"model":"m","input":["x"` + strings.Repeat(`,"x"`, maxInputs) + `]}`, 0, 0, "input"},
		{`{"model":"m","input":"a","dimensions":-1}`, 0, 0, "dimensions"},
		{`{"model":"m","input":"a","x":-1}`, 0, 0, "x"},
	} {
		var r EmbedRequest
		var dimensions int
		err := wire.Decode([]byte(test.body), &r)
		if err == nil {
			dimensions, err = r.Ask()
		}
		if f, ok := errors.AsType[*ask.Fault](err); ok {
			if f.Param != test.fault {
				t.Errorf("%s: %v", test.body, f)
			}
		} else if test.fault != "" || len(r.Input) != test.inputs || dimensions != test.dimensions {
			t.Errorf("%s: %+v, %d", test.body, r, dimensions)
		}
	}
}

// Whatever is sent is refused with a fault, or makes a request in order.
func FuzzRequests(f *testing.F) {
	f.Add([]byte(`{` + user + `,"think":"low","format":"json","options":{"seed":1,"stop":["x"],"num_predict":-2,"mirostat":1}}`))
	f.Add([]byte(`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"a":[1]}}}]}],"tools":[{"function":{"name":"f"}}]}`))
	f.Add([]byte(`{"model":"m","prompt":"x","raw":true,"context":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range []func(*testing.T, string) (*ask.Request, error){chat, generate} {
			a, err := read(t, string(body))
			if fault, ok := errors.AsType[*ask.Fault](err); err != nil && (!ok || fault.What == "") {
				t.Fatalf("%q: %v", body, err)
			}
			if err == nil && a != nil {
				checkRequest(t, a)
			}
		}
	})
}

func checkRequest(t *testing.T, a *ask.Request) {
	t.Helper()
	if len(a.Messages) == 0 && a.Prompt.Text == "" || a.MaxTokens < 0 || a.TopLogprobs < -1 || a.TopLogprobs > maxTopLogprobs || a.Sampling.TopK < 0 {
		t.Fatalf("%+v", a)
	}
	for _, m := range a.Messages {
		var calls []struct {
			Function struct {
				Arguments string `json:"arguments"`
			} `json:"function"`
		}
		if m.ToolCalls == nil {
			continue
		}
		if err := json.Unmarshal(m.ToolCalls, &calls); err != nil || len(calls) == 0 || !wire.IsObject([]byte(calls[0].Function.Arguments)) {
			t.Fatalf("%s: %v", m.ToolCalls, err)
		}
	}
}
