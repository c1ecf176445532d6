package server_test

import (
	"bufio"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

// Anthropic's client gets the same of a stream and of a whole answer, and is told
// as many tokens of its prompt as it counted.
func TestAnthropicMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		s := serveOn(t, backend, saying("Yes, indeed."), engine.ContextConfig{}, local.Batching{}, nil)
		client := anthropic.NewClient(anthropicoption.WithoutEnvironmentDefaults(), anthropicoption.WithBaseURL(s.url),
			anthropicoption.WithAPIKey("any"), anthropicoption.WithMaxRetries(0))
		messages := []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Is it?"))}
		system := []anthropic.TextBlockParam{{Text: "be brief"}}
		count, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
			Model: "tiny", Messages: messages, System: anthropic.MessageCountTokensParamsSystemUnion{OfTextBlockArray: system},
		})
		if want := int64(len("B[system]be brief[user]Is it?[assistant]")); err != nil || count.InputTokens != want {
			t.Fatalf("%+v, %v, want %d", count, err, want)
		}
		params := anthropic.MessageNewParams{Model: "tiny", MaxTokens: 50, Messages: messages, System: system, Temperature: anthropic.Float(0)}
		whole, err := client.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		stream := client.Messages.NewStreaming(t.Context(), params)
		var all anthropic.Message
		for i := 0; stream.Next(); i++ {
			event := stream.Current()
			if i == 0 && event.Message.Usage.InputTokens != count.InputTokens {
				t.Errorf("the stream begins with %s", event.RawJSON())
			}
			if err := all.Accumulate(event); err != nil {
				t.Fatal(err)
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		for name, m := range map[string]*anthropic.Message{"whole": whole, "stream": &all} {
			if len(m.Content) != 1 || m.Content[0].Text != "Yes, indeed." || m.StopReason != anthropic.StopReasonEndTurn || m.Usage.InputTokens+m.Usage.CacheReadInputTokens != count.InputTokens || m.Usage.OutputTokens == 0 {
				t.Errorf("%s: %s", name, m.RawJSON())
			}
		}
	})
}

// thinker is a template of a model that thinks and calls tools, in the form of
// hermes.
const thinker = `{% for t in tools or [] %}({{ t.function.name }}){% endfor %}` +
	`{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}` +
	`{% for c in m.tool_calls or [] %}<tool_call>{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}</tool_call>{% endfor %}` +
	`{% endfor %}{% if add_generation_prompt %}[assistant]{% if enable_thinking %}<think>{% endif %}{% endif %}`

// serveThinker serves a model that says reply once it thinks, and answers when it
// was told of the weather.
func serveThinker(t *testing.T, reply string) string {
	t.Helper()
	return serveTemplate(t, thinker, "[assistant]<think>", reply)
}

// serveTemplate serves a model with a chat template, that says reply after a mark.
func serveTemplate(t *testing.T, source, mark, reply string) string {
	t.Helper()
	template, err := chat.New(source, "<|bos|>", "<|eos|>")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	model := enginetest.New(enginetest.Options{Next: enginetest.ReplyAfter(mark, reply)})
	generator, err := local.New(model, local.Config{
		ID: "tiny", Template: template, Context: engine.ContextConfig{MaxSequences: 1, ContextTokens: 4096}, Batching: local.Batching{Log: log},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, server := listen(t, iouring.BackendAuto, clients{}, front.Config{Generator: generator, Log: log})
	t.Cleanup(func() {
		server.Close()
		handler.Close()
		if err := errors.Join(generator.Close(), model.Close()); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

const thought = `hm</think>I look.<tool_call>{"name":"f","arguments":{"city":"Köln"}}</tool_call><tool_call>{"name":"f","arguments":{}}</tool_call>`

// What a model thinks and calls comes to Anthropic's client in blocks, and goes
// back to the model as it was.
func TestAnthropicThinksAndCalls(t *testing.T) {
	client := anthropic.NewClient(anthropicoption.WithoutEnvironmentDefaults(), anthropicoption.WithBaseURL(serveThinker(t, thought)),
		anthropicoption.WithAPIKey("any"), anthropicoption.WithMaxRetries(0))
	params := anthropic.MessageNewParams{
		Model: "tiny", MaxTokens: 500, Temperature: anthropic.Float(0), Thinking: anthropic.ThinkingConfigParamOfEnabled(1024),
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Rain?"))},
		Tools:    []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{Name: "f", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{}}}}},
	}
	stream := client.Messages.NewStreaming(t.Context(), params)
	var m anthropic.Message
	for stream.Next() {
		if err := m.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if len(m.Content) != 4 || m.Content[0].Thinking != "hm" || m.Content[1].Text != "I look." || string(m.Content[2].Input) != `{"city":"Köln"}` ||
		m.Content[2].ID == "" || m.Content[2].ID == m.Content[3].ID || m.StopReason != anthropic.StopReasonToolUse || m.Usage.OutputTokensDetails.ThinkingTokens == 0 {
		t.Fatalf("%s", m.RawJSON())
	}
	params.Messages = append(params.Messages, m.ToParam(), anthropic.NewUserMessage(
		anthropic.NewToolResultBlock(m.Content[2].ID, "rain", false), anthropic.NewToolResultBlock(m.Content[3].ID, "sun", false)))
	params.Thinking = anthropic.ThinkingConfigParamUnion{}
	count, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
		Model: "tiny", Messages: params.Messages, Tools: []anthropic.MessageCountTokensToolUnionParam{{OfTool: params.Tools[0].OfTool}},
	})
	want := int64(len(`B(f)[user]Rain?[assistant]<think>hm</think>I look.<tool_call>{"name": "f", "arguments": {"city": "Köln"}}</tool_call>` +
		`<tool_call>{"name": "f", "arguments": {}}</tool_call>[tool]rain[tool]sun[assistant]`))
	if err != nil || count.InputTokens != want {
		t.Errorf("the second prompt: %+v, %v, want %d", count, err, want)
	}
	params.Messages, params.Thinking = params.Messages[:1], anthropic.ThinkingConfigParamOfEnabled(1024)
	params.StopSequences = []string{" look"}
	stopped, err := client.Messages.New(t.Context(), params)
	if err != nil || stopped.StopReason != anthropic.StopReasonStopSequence || stopped.StopSequence != " look" || stopped.Content[1].Text != "I" {
		t.Errorf("stopped: %+v, %v", stopped, err)
	}
}

// What a model thinks and calls comes to a client of ollama's, streamed or not.
func TestOllamaThinksAndCalls(t *testing.T) {
	url := serveThinker(t, thought)
	for _, stream := range []string{"true", "false"} {
		response, err := http.Post(url+"/api/chat", "application/json", strings.NewReader(`{"model":"tiny","think":true,"stream":`+stream+`,
			"messages":[{"role":"user","content":"Rain?"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}],"options":{"temperature":0}}`))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%d %s, %v", response.StatusCode, body, err)
		}
		said, calls := "", 0
		for line := range strings.Lines(string(body)) {
			var o ollamaLine
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			said += o.Message.Thinking + o.Message.Content
			calls += len(o.Message.ToolCalls)
		}
		if said != "hmI look." || calls != 2 || !strings.Contains(string(body), `"arguments":{"city":"Köln"}`) {
			t.Errorf("stream %s: %s", stream, body)
		}
	}
}

// ollamaLine is a line of a stream.
type ollamaLine struct {
	Message struct {
		Content   string `json:"content"`
		Thinking  string `json:"thinking"`
		ToolCalls []any  `json:"tool_calls"`
	} `json:"message"`
	Done       bool   `json:"done"`
	DoneReason string `json:"done_reason"`
	EvalCount  int    `json:"eval_count"`
	Total      int64  `json:"total_duration"`
}

// A stream of lines has the whole answer, also for a client that ends its sending:
// what it is asked by then is no line of its own.
func TestOllamaLines(t *testing.T) {
	const body = `{"model":"tiny:latest","messages":[{"role":"user","content":"Hi"}],"options":{"num_predict":9}}`
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		for scheme, secure := range map[string]bool{"http": false, "https": true} {
			for _, leaves := range []bool{false, true} {
				t.Run(fmt.Sprint(scheme, leaves), func(t *testing.T) {
					gate := make(chan struct{})
					s := serveOver(t, backend, clients{secure: secure}, enginetest.Options{Printable: true, Gate: gate}, engine.ContextConfig{}, local.Batching{}, nil)
					c := s.connect(t)
					if _, err := io.WriteString(c, ollamaRequest(body)); err != nil {
						t.Fatal(err)
					}
					for range 3 {
						gate <- struct{}{}
					}
					response, err := http.ReadResponse(c.lines, nil)
					if err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/x-ndjson" {
						t.Fatalf("%+v, %v", response, err)
					}
					lines, text, tokens, last := bufio.NewReader(response.Body), "", 0, ollamaLine{}
					for !last.Done {
						if tokens++; tokens == 3 { // so many have come, and the client may be asked
							if leaves {
								if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
									t.Fatal(err)
								}
							}
							close(gate)
						}
						line, err := lines.ReadString('\n')
						if err != nil {
							t.Fatal(err)
						}
						last = ollamaLine{}
						if err := json.Unmarshal([]byte(line), &last); err != nil {
							t.Fatalf("%q: %v", line, err)
						}
						text += last.Message.Content
					}
					if !last.Done || last.DoneReason != "length" || last.EvalCount != 9 || last.Total <= 0 || len(text) != 9 {
						t.Errorf("%+v after %q", last, text)
					}
				})
			}
		}
	})
}

func ollamaRequest(body string) string {
	return fmt.Sprintf("POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}
