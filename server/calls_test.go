package server_test

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// callForms are the ways in which models write the same two calls, and what
// their chat templates have.
var callForms = []struct{ name, marks, reply string }{
	{"hermes", "<tool_call>", `I look.<tool_call>{"name":"f","arguments":{"city":"Köln \"a\"","n":[1,2.5]}}</tool_call><tool_call>{"name":"f","arguments":{}}</tool_call>`},
	{"mistral", "[TOOL_CALLS]", `I look.[TOOL_CALLS][{"name": "f", "arguments": {"city":"Köln \"a\"","n":[1,2.5]}}, {"name": "f", "arguments": {}}]`},
	{"qwen-xml", "<tool_call><function=<parameter=", "I look.\n<tool_call>\n<function=f>\n<parameter=city>\nKöln \"a\"\n</parameter>\n<parameter=n>\n[1,2.5]\n</parameter>\n" +
		"</function>\n</tool_call>\n<tool_call>\n<function=f>\n</function>\n</tool_call>"},
	{"deepseek", "<｜tool▁call▁begin｜>", "I look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"city\":\"Köln \\\"a\\\"\",\"n\":[1,2.5]}<｜tool▁call▁end｜>" +
		"<｜tool▁call▁begin｜>f<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"},
	{"gemma4", "<|tool_call>call:", `I look.<|tool_call>call:f{city:<|"|>Köln "a"<|"|>,n:[1,2.5]}<tool_call|><|tool_call>call:f{}<tool_call|>`},
	{"python", "<|tool_call_start|>", `I look.<|tool_call_start|>[f(city='Köln "a"', n=[1, 2.5]), f()]<|tool_call_end|>`},
	{"harmony", "<|start|><|channel|><|message|>", `<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>` +
		`{"city":"Köln \"a\"","n":[1,2.5]}<|call|><|start|>assistant<|channel|>commentary to=functions.f<|message|>{}<|call|>`},
}

// parameters of the tool f.
var parameters = map[string]any{"city": map[string]any{"type": "string"}, "n": map[string]any{"type": "array"}}

// answered is what a client has of an answer.
type answered struct {
	text, end string
	tokens    int64
	arguments []string // of calls of f
	ids       map[string]bool
}

func (a *answered) call(t *testing.T, id, name, arguments string) {
	t.Helper()
	if a.ids == nil {
		a.ids = map[string]bool{}
	}
	if name != "f" || id == "" || a.ids[id] {
		t.Errorf("a call of %q, named %q", name, id)
	}
	a.ids[id] = true
	a.arguments = append(a.arguments, arguments)
}

// dialects drive each of them, and give what comes whole, and as a stream.
var dialects = []struct {
	name  string
	asked func(t *testing.T, url string) (whole, stream answered)
}{
	{"chat", func(t *testing.T, url string) (whole, stream answered) {
		client := openai.NewClient(option.WithBaseURL(url+"/v1/"), option.WithAPIKey("any"), option.WithMaxRetries(0))
		params := openai.ChatCompletionNewParams{
			Model: "tiny", Temperature: openai.Float(0), Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Rain?")},
			StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
			Tools: []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
				Name: "f", Parameters: shared.FunctionParameters{"type": "object", "properties": parameters},
			})},
		}
		read := func(c *openai.ChatCompletion) (a answered) {
			a.text, a.end, a.tokens = c.Choices[0].Message.Content, c.Choices[0].FinishReason, c.Usage.CompletionTokens
			for _, call := range c.Choices[0].Message.ToolCalls {
				a.call(t, call.ID, call.Function.Name, call.Function.Arguments)
			}
			return a
		}
		one, err := client.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		events := client.Chat.Completions.NewStreaming(t.Context(), params)
		var all openai.ChatCompletionAccumulator
		for events.Next() {
			if !all.AddChunk(events.Current()) {
				t.Fatalf("a chunk that does not fit: %s", events.Current().RawJSON())
			}
		}
		if err := events.Err(); err != nil {
			t.Fatal(err)
		}
		return read(one), read(&all.ChatCompletion)
	}},
	{"responses", askResponses},
	{"anthropic", func(t *testing.T, url string) (whole, stream answered) {
		client := anthropic.NewClient(anthropicoption.WithoutEnvironmentDefaults(), anthropicoption.WithBaseURL(url),
			anthropicoption.WithAPIKey("any"), anthropicoption.WithMaxRetries(0))
		params := anthropic.MessageNewParams{
			Model: "tiny", MaxTokens: 1000, Temperature: anthropic.Float(0),
			Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Rain?"))},
			Tools:    []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{Name: "f", InputSchema: anthropic.ToolInputSchemaParam{Properties: parameters}}}},
		}
		read := func(m *anthropic.Message) (a answered) {
			a.end, a.tokens = string(m.StopReason), m.Usage.OutputTokens
			for _, block := range m.Content {
				if a.text += block.Text; block.Type == "tool_use" {
					input := jsontext.Value(block.Input) // a value, however it is spaced
					if err := input.Compact(); err != nil {
						t.Errorf("%q: %v", block.Input, err)
					}
					a.call(t, block.ID, block.Name, string(input))
				}
			}
			return a
		}
		one, err := client.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		events := client.Messages.NewStreaming(t.Context(), params)
		var all anthropic.Message
		for events.Next() {
			if err := all.Accumulate(events.Current()); err != nil {
				t.Fatal(err)
			}
		}
		if err := events.Err(); err != nil {
			t.Fatal(err)
		}
		return read(one), read(&all)
	}},
	{"ollama", askOllama},
}

func askResponses(t *testing.T, url string) (whole, stream answered) {
	client := openai.NewClient(option.WithBaseURL(url+"/v1/"), option.WithAPIKey("any"), option.WithMaxRetries(0))
	params := responses.ResponseNewParams{
		Model: "tiny", Temperature: openai.Float(0), Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Rain?")},
		Tools: []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{Name: "f", Parameters: map[string]any{"type": "object", "properties": parameters}}}},
	}
	read := func(r *responses.Response) (a answered) {
		a.text, a.end, a.tokens = r.OutputText(), string(r.Status), r.Usage.OutputTokens
		for _, item := range r.Output {
			if call := item.AsFunctionCall(); item.Type == "function_call" {
				a.call(t, call.CallID, call.Name, call.Arguments)
			}
		}
		return a
	}
	one, err := client.Responses.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	events := client.Responses.NewStreaming(t.Context(), params)
	text, arguments := "", ""
	for events.Next() {
		switch e := events.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			text += e.Delta
		case responses.ResponseFunctionCallArgumentsDeltaEvent:
			arguments += e.Delta
		case responses.ResponseCompletedEvent:
			stream = read(&e.Response)
		}
	}
	if err := events.Err(); err != nil || text != stream.text || arguments != strings.Join(stream.arguments, "") {
		t.Errorf("pieces %q and %q, in the end %+v, %v", text, arguments, stream, err)
	}
	return read(one), stream
}

func askOllama(t *testing.T, url string) (whole, stream answered) {
	ask := func(stream string) (a answered) {
		body := `{"model":"tiny","messages":[{"role":"user","content":"Rain?"}],"options":{"temperature":0},"stream":` + stream +
			`,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"city":{"type":"string"},"n":{"type":"array"}}}}}]}`
		response, err := http.Post(url+"/api/chat", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			var o struct {
				Message struct {
					Content string `json:"content"`
					Calls   []struct {
						ID       string `json:"id"`
						Function struct {
							Name      string         `json:"name"`
							Arguments jsontext.Value `json:"arguments"`
						} `json:"function"`
					} `json:"tool_calls"`
				} `json:"message"`
				DoneReason string `json:"done_reason"`
				EvalCount  int64  `json:"eval_count"`
			}
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			a.text, a.end, a.tokens = a.text+o.Message.Content, o.DoneReason, o.EvalCount
			for _, call := range o.Message.Calls {
				a.call(t, call.ID, call.Function.Name, string(call.Function.Arguments))
			}
		}
		return a
	}
	return ask("false"), ask("true")
}

// A model whose tokens are single bytes calls tools: in each dialect the stream,
// which is cut at every one of them, says what comes whole.
func TestCallsOfSingleBytes(t *testing.T) {
	const template = `{% for t in tools or [] %}({{ t.function.name }}){% endfor %}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}` +
		`{% if add_generation_prompt %}[assistant]{% endif %}`
	ends := map[string]string{"chat": "tool_calls", "responses": "completed", "anthropic": "tool_use", "ollama": "stop"}
	for _, form := range callForms {
		t.Run(form.name, func(t *testing.T) {
			url := serveTemplate(t, "{# "+form.marks+" #}"+template, "[assistant]", form.reply)
			for _, dialect := range dialects {
				whole, stream := dialect.asked(t, url)
				whole.ids, stream.ids = nil, nil
				if !reflect.DeepEqual(whole, stream) {
					t.Errorf("%s: whole\n%+v\nstream\n%+v", dialect.name, whole, stream)
				}
				if whole.text != "I look." || whole.end != ends[dialect.name] || len(whole.arguments) != 2 || whole.tokens == 0 {
					t.Fatalf("%s: %+v", dialect.name, whole)
				}
				for i, want := range []string{`{"city":"Köln \"a\"","n":[1,2.5]}`, `{}`} {
					got := jsontext.Value(whole.arguments[i])
					if err := got.Compact(); err != nil || string(got) != want {
						t.Errorf("%s: call %d: %q, %v", dialect.name, i, whole.arguments[i], err)
					}
				}
			}
		})
	}
}
