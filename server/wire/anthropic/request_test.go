package anthropic

import (
	"encoding/json/v2"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

var defaults = wire.Defaults{Sampling: ask.Sampling{Temperature: 0.8, TopK: 40, TopP: 0.95}, Seed: 7, MaxTokens: 5}

func decode(t *testing.T, body string) (*ask.Request, error) {
	t.Helper()
	var r Request
	if err := wire.Decode([]byte(body), &r); err != nil {
		return nil, err
	}
	return r.Ask(defaults)
}

const user = `"messages":[{"role":"user","content":"hi"}]`

func TestConversations(t *testing.T) {
	type messages = []ask.Message
	const begin = `{"max_tokens":1,`
	for _, test := range []struct {
		name, body string
		want       messages
		goesOn     bool
	}{
		{"texts", `"system":"be","messages":[{"role":"user","content":"hi"}]`,
			messages{{Role: "system", Content: "be"}, {Role: "user", Content: "hi"}}, false},
		{"blocks", `"system":[{"type":"text","text":"x-anthropic-billing-header: cch=1;"},{"type":"text","text":"be","cache_control":{"type":"ephemeral"}},{"type":"text","text":"good"}],
			"messages":[{"role":"user","content":[{"type":"text","text":"a","citations":null},{"type":"text","text":"b"}]}]`,
			messages{{Role: "system", Parts: []string{"be", "good"}}, {Role: "user", Parts: []string{"a", "b"}}}, false},
		{"one turn", `"messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"}]},{"role":"system","content":"s"}]`,
			messages{{Role: "user", Parts: []string{"a", "b"}}, {Role: "system", Content: "s"}}, false},
		{"gone on with", `"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"So"}]`,
			messages{{Role: "user", Content: "a"}, {Role: "assistant", Content: "So"}}, true},
		{"nothing", `"messages":[{"role":"user","content":[]},{"role":"assistant","content":null}]`,
			messages{{Role: "user"}, {Role: "assistant"}}, true},
		{"tools", `"messages":[{"role":"user","content":"a"},
			{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"x"},{"type":"thinking","thinking":"u"},{"type":"text","text":"I look."},
				{"type":"tool_use","id":"1","name":"f","input":{"a": "\"é"}},{"type":"tool_use","id":"2","name":"g"}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"r"},{"type":"tool_result","tool_use_id":"2","is_error":true},
				{"type":"tool_result","tool_use_id":"3","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]},{"type":"text","text":"so?"}]}]`,
			messages{
				{Role: "user", Content: "a"},
				{Role: "assistant", Content: "I look.", Reasoning: "t\nu", ToolCalls: []byte(`[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":\"\\\"é\"}"}},` +
					`{"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]`)},
				{Role: "tool", Content: "r", Name: "f", ToolCallID: "1"},
				{Role: "tool", Content: "error", Name: "g", ToolCallID: "2"},
				{Role: "tool", Parts: []string{"x", "y"}, ToolCallID: "3"},
				{Role: "user", Content: "so?"},
			}, false},
	} {
		a, err := decode(t, begin+test.body+"}")
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if !reflect.DeepEqual(a.Messages, test.want) || a.Continue != test.goesOn {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v, %v", test.name, a.Messages, a.Continue, test.want, test.goesOn)
		}
	}
}

func TestFields(t *testing.T) {
	base := func(change func(*ask.Request)) *ask.Request {
		a := &ask.Request{
			Messages: []ask.Message{{Role: "user", Content: "hi"}}, TopLogprobs: -1, MaxTokens: 9,
			Sampling: ask.Sampling{Temperature: 0.8, TopK: 40, TopP: 0.95, Seed: 7},
		}
		change(a)
		return a
	}
	tool := `"tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"cache_control":null,"strict":true}]`
	tools := []ask.Tool{{Name: "f", Description: "d", Parameters: []byte(`{"type":"object"}`)}}
	for _, test := range []struct {
		fields string
		change func(*ask.Request)
	}{
		{`"metadata":{"user_id":"u"},"service_tier":"auto","mcp_servers":[],"context_management":{"edits":[]},"container":null,"thread":null,"compaction":null,"fallbacks":"default","billing_policy":{"bill_to":"self"}`, func(*ask.Request) {}},
		{`"model":"m","stop_sequences":["a","b"],"stream":true`, func(a *ask.Request) { a.Model, a.Stop = "m", []string{"a", "b"} }},
		{`"temperature":0,"top_p":0.5,"top_k":5.0`, func(a *ask.Request) { a.Sampling.Temperature, a.Sampling.TopP, a.Sampling.TopK = 0, 0.5, 5 }},
		{`"top_k":-1`, func(a *ask.Request) { a.Sampling.TopK = 0 }},
		{tool, func(a *ask.Request) { a.Tools = tools }},
		{tool + `,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`, func(a *ask.Request) { a.Tools, a.OneCall = tools, true }},
		{tool + `,"tool_choice":{"type":"any"}`, func(a *ask.Request) { a.Tools, a.ToolChoice = tools, ask.ToolRequired }},
		{tool + `,"tool_choice":{"type":"none"}`, func(a *ask.Request) { a.Tools, a.ToolChoice = tools, ask.ToolNone }},
		{tool + `,"tool_choice":{"type":"tool","name":"f"}`, func(a *ask.Request) { a.Tools, a.ToolChoice, a.ToolName = tools, ask.ToolNamed, "f" }},
		{`"thinking":{"type":"enabled","budget_tokens":1024}`, func(a *ask.Request) {
			a.TemplateArgs, a.Thinking = []byte(`{"enable_thinking":true}`), ask.Thinking{Bounded: true, Tokens: 1024}
		}},
		{`"thinking":{"type":"disabled","budget_tokens":1024}`, func(a *ask.Request) {
			a.TemplateArgs, a.Thinking = []byte(`{"enable_thinking":false}`), ask.Thinking{Tokens: 1024}
		}},
		{`"thinking":{"type":"disabled"}`, func(a *ask.Request) { a.TemplateArgs = []byte(`{"enable_thinking":false}`) }},
		{`"thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"max"}`, func(a *ask.Request) { a.TemplateArgs = []byte(`{"enable_thinking":true,"reasoning_effort":"high"}`) }},
		{`"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}`, func(a *ask.Request) {
			a.Format = ask.Format{Kind: ask.FormatSchema, Source: `{"type":"object"}`}
		}},
	} {
		a, err := decode(t, `{"max_tokens":9.0,`+user+`,`+test.fields+`}`)
		if err != nil {
			t.Errorf("%s: %v", test.fields, err)
		} else if want := base(test.change); !reflect.DeepEqual(a, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", test.fields, a, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	message := func(content string) string {
		return `{"max_tokens":1,"messages":[{"role":"user","content":[` + content + `]}]}`
	}
	with := func(fields string) string { return `{"max_tokens":1,` + user + `,` + fields + `}` }
	for _, test := range []struct {
		body  string
		kind  ask.Kind
		param string
	}{
		{`{`, ask.InvalidJSON, ""},
		{`{"max_tokens":1}`, ask.MissingParameter, "messages"},
		{`{` + user + `}`, ask.MissingParameter, "max_tokens"},
		{`{"max_tokens":0,` + user + `}`, ask.InvalidValue, "max_tokens"},
		{`{"max_tokens":1.5,` + user + `}`, ask.InvalidValue, "max_tokens"},
		{with(`"top_q":1`), ask.UnknownParameter, "top_q"},
		{with(`"mcp_servers":[{}]`), ask.Unsupported, "mcp_servers"},
		{with(`"thread":{"type":"create"}`), ask.Unsupported, "thread"},
		{with(`"compaction":{}`), ask.Unsupported, "compaction"},
		{`{"max_tokens":1,"messages":[{"role":"user","content":"hi"},{"role":"system","content":"x","clear_at":"next_user_message"}]}`, ask.Unsupported, "messages[1].clear_at"},
		{with(`"temperature":3`), ask.InvalidValue, "temperature"},
		{with(`"top_p":-1`), ask.InvalidValue, "top_p"},
		{with(`"top_k":0.5`), ask.InvalidValue, "top_k"},
		{with(`"stop_sequences":[""]`), ask.InvalidValue, "stop_sequences"},
		{with(`"system":3`), ask.InvalidValue, "system"},
		{with(`"system":[{"type":"tool_use"}]`), ask.InvalidValue, "system[0].type"},
		{with(`"tools":[{"type":"web_search_20250305","name":"web_search"}]`), ask.Unsupported, "tools[0].type"},
		{with(`"tools":[{"input_schema":{}}]`), ask.MissingParameter, "tools[0].name"},
		{with(`"tools":[{"name":"f"}]`), ask.MissingParameter, "tools[0].input_schema"},
		{with(`"tools":[{"name":"f","input_schema":3}]`), ask.InvalidValue, "tools[0].input_schema"},
		{with(`"tools":[{"name":"f","input_schema":{}},{"name":"f","input_schema":{}}]`), ask.InvalidValue, "tools"},
		{with(`"tools":[{"name":"f","input_schema":{},"x":1}]`), ask.UnknownParameter, "tools[0].x"},
		{with(`"tool_choice":{"type":"any"}`), ask.InvalidValue, "tool_choice"},
		{with(`"tool_choice":{"type":"tool","name":"f"}`), ask.InvalidValue, "tool_choice"},
		{with(`"tool_choice":{"type":"tool"}`), ask.MissingParameter, "tool_choice.name"},
		{with(`"tool_choice":{"type":"x"}`), ask.InvalidValue, "tool_choice.type"},
		{with(`"thinking":{"type":"x"}`), ask.InvalidValue, "thinking.type"},
		{with(`"thinking":{"type":"enabled","budget_tokens":-1}`), ask.InvalidValue, "thinking.budget_tokens"},
		{with(`"thinking":{"type":"enabled","display":"x"}`), ask.InvalidValue, "thinking.display"},
		{with(`"output_config":{"effort":"x"}`), ask.InvalidValue, "output_config.effort"},
		{with(`"output_config":{"format":{"type":"x"}}`), ask.InvalidValue, "output_config.format.type"},
		{with(`"output_format":{"type":"json_schema"}`), ask.MissingParameter, "output_format.schema"},
		{message(`{"type":"image","source":{}}`), ask.Unsupported, "messages[0].content[0]"},
		{message(`{"type":"document","source":{}}`), ask.Unsupported, "messages[0].content[0]"},
		{message(`{"type":"server_tool_use"}`), ask.Unsupported, "messages[0].content[0].type"},
		{message(`{"text":"a"}`), ask.MissingParameter, "messages[0].content[0].type"},
		{message(`{"type":"text","text":"a"},{"type":"thinking","thinking":"t"}`), ask.InvalidValue, "messages[0].content[1].type"},
		{message(`{"type":"text","text":"a","x":1}`), ask.UnknownParameter, "messages[0].content[0].x"},
		{message(`{"type":"tool_result"}`), ask.MissingParameter, "messages[0].content[0].tool_use_id"},
		{message(`{"type":"tool_result","tool_use_id":"1","content":[{"type":"image"}]}`), ask.Unsupported, "messages[0].content[0].content[0]"},
		{message(`{"type":"tool_result","tool_use_id":"1","content":[{"type":"tool_use"}]}`), ask.InvalidValue, "messages[0].content[0].content[0].type"},
		{`{"max_tokens":1,"messages":[{"role":"bot","content":"a"}]}`, ask.InvalidValue, "messages[0].role"},
		{`{"max_tokens":1,"messages":[{"content":"a"}]}`, ask.MissingParameter, "messages[0].role"},
		{`{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f"}]}]}`, ask.InvalidValue, "messages"},
		{`{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1"}]}]}`, ask.MissingParameter, "messages[0].content[0].name"},
		{`{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":[]}]}]}`, ask.InvalidValue, "messages[0].content[0].input"},
	} {
		_, err := decode(t, test.body)
		f, ok := errors.AsType[*ask.Fault](err)
		if !ok || f.Kind != test.kind || f.Param != test.param || !strings.Contains(f.What, test.param) {
			t.Errorf("%s: %+v, want kind %d of %q", test.body, err, test.kind, test.param)
		}
	}
}

func TestCountNeedsNoMaxTokens(t *testing.T) {
	var r Request
	if err := wire.Decode([]byte(`{`+user+`}`), &r); err != nil {
		t.Fatal(err)
	}
	if a, err := r.AskCount(); err != nil || len(a.Messages) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

// Whatever is sent is refused with a fault, or makes a request in order.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"max_tokens":1,` + user + `}`))
	f.Add([]byte(`{"max_tokens":1,"system":[{"type":"text","text":"a"}],"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{"a":1}},{"type":"thinking","thinking":"x"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"\u0000"}]}]}],"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"any"},"thinking":{"type":"adaptive"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r Request
		err := wire.Decode(body, &r)
		if err == nil {
			var a *ask.Request
			if a, err = r.Ask(defaults); err == nil {
				checkRequest(t, a)
				return
			}
		}
		if fault, ok := errors.AsType[*ask.Fault](err); !ok || fault.What == "" {
			t.Fatalf("%q: %v", body, err)
		}
	})
}

func checkRequest(t *testing.T, a *ask.Request) {
	t.Helper()
	if len(a.Messages) == 0 || a.MaxTokens < 1 || a.TopLogprobs != -1 {
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
