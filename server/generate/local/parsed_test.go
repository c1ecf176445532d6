package local

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// thinker is a template of a model that thinks and calls tools, in the form of
// hermes.
const thinker = `{% for t in tools or [] %}({{ t.function.name }}){% endfor %}` +
	`{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}` +
	`{% for c in m.tool_calls or [] %}<tool_call>{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}</tool_call>{% endfor %}` +
	`{% endfor %}{% if add_generation_prompt %}[assistant]{% if enable_thinking %}<think>{% endif %}{% endif %}`

var tool = []ask.Tool{{Name: "f", Description: "d", Parameters: []byte(`{"type":"object","properties":{"a":{"type":"string"}}}`)}}

// openTemplate is open with a template and more room, for a model that says
// reply behind marker.
func openTemplate(t *testing.T, source, marker, reply string) *Generator {
	t.Helper()
	return openNext(t, source, enginetest.ReplyAfter(marker, reply))
}

// openNext is the same for a model that says what next does.
func openNext(t *testing.T, source string, next func([]engine.Token) engine.Token) *Generator {
	t.Helper()
	template, err := chat.New(source, "<|bos|>", "<|eos|>")
	if err != nil {
		t.Fatal(err)
	}
	model := enginetest.New(enginetest.Options{Next: next})
	g, err := New(model, Config{
		ID: "tiny", Template: template, Context: engine.ContextConfig{MaxSequences: 1, ContextTokens: 4096},
		Batching: Batching{Log: slog.New(slog.DiscardHandler)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(g.Close(), model.Close()); err != nil {
			t.Error(err)
		}
	})
	return g
}

// told reads a generation to its end and says what its events told, in order,
// and the bytes whose entries came with each.
func told(t *testing.T, g *Generator, r *ask.Request) (text, entries string, end ask.End) {
	t.Helper()
	events, err := g.Submit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	feed := mailbox.NewFeed()
	var entry mailbox.Entry
	entry.Init(feed, nil)
	events.Announce(&entry)
	var parts, scored []string
	before := ""
	add := func(mark, text string) {
		if n := len(parts); text != "" && n > 0 && strings.HasPrefix(parts[n-1], mark) {
			parts[n-1] += text
		} else if text != "" {
			parts = append(parts, mark+text)
			scored = append(scored, "")
		}
	}
	for {
		feed.Wait()
		feed.Take(nil)
		var ev ask.Event
		for events.Next(&ev) {
			if ev.End != nil {
				end = *ev.End
				if events.Next(&ev) {
					t.Error("an event after the end")
				}
				return strings.Join(parts, " | "), before + strings.Join(scored, "|"), end
			}
			if ev.PromptTokens == 0 {
				t.Error("an event does not say how long the prompt is")
			}
			add("think ", string(ev.Reasoning))
			add("say ", string(ev.Text))
			for _, c := range ev.Calls {
				if c.Name != "" {
					if c.ID == "" {
						t.Error("a call without an ID")
					}
					parts = append(parts, fmt.Sprintf("call %d %s ", c.Index, c.Name))
					scored = append(scored, "")
				}
				if len(c.Arguments) > 0 {
					parts[len(parts)-1] += string(c.Arguments)
				}
			}
			for _, s := range ev.Logprobs {
				if n := len(scored); n > 0 {
					scored[n-1] += string(s.Bytes)
				} else {
					before += string(s.Bytes) // of a mark
				}
			}
		}
	}
}

const call = `<tool_call>{"name":"f","arguments":{"a":"é"}}</tool_call>`

func TestParsedAnswers(t *testing.T) {
	for _, c := range []struct {
		name, reply, want string
		change            func(*ask.Request)
		reason            ask.FinishReason
		reasoning         int
		stop              string
	}{
		{name: "plain", reply: "Yes.", want: "say Yes."},
		{name: "thinks", reply: "<think>\nhm\n</think>\n\nYes.", want: "think hm | say Yes.", reasoning: len("\nhm\n</think>") + 1},
		{name: "thinks, raw", reply: "<think>hm</think>Yes.", want: "say <think>hm</think>Yes.", change: func(r *ask.Request) { r.RawReasoning = true }},
		{name: "calls", reply: "<think>hm</think>Look." + call + call, want: `think hm | say Look. | call 0 f {"a":"é"} | call 1 f {"a":"é"}`,
			change: func(r *ask.Request) { r.Tools = tool }, reason: ask.FinishCalls, reasoning: len("hm</think>") + 1},
		{name: "calls, but no tools", reply: call, want: "say " + call},
		{name: "calls, but may not", reply: call, want: "say " + call, change: func(r *ask.Request) { r.Tools, r.ToolChoice = tool, ask.ToolNone }},
		{name: "one call", reply: call + call + "x", want: `call 0 f {"a":"é"}`, reason: ask.FinishCalls,
			change: func(r *ask.Request) { r.Tools, r.OneCall = tool, true }},
		{name: "cut", reply: call, want: `call 0 f {"a":"é`, reason: ask.FinishLength,
			change: func(r *ask.Request) { r.Tools, r.MaxTokens = tool, len(`<tool_call>{"name":"f","arguments":{"a":"é`) }},
		{name: "stops", reply: "<think>a stop b</think>c stop d", want: "think a stop b | say c ", stop: "stop",
			change: func(r *ask.Request) { r.Stop = []string{"never", "stop"} }, reasoning: len("a stop b</think>") + 1},
		{name: "almost stops", reply: "c sto" + call + "p stopp", want: `say c sto | call 0 f {"a":"é"} | say p `, stop: "stop",
			change: func(r *ask.Request) { r.Stop, r.Tools = []string{"stop"}, tool }},
		{name: "almost stops at the end", reply: "c sto", want: "say c sto", change: func(r *ask.Request) { r.Stop = []string{"stop"} }},
		{name: "stops at the end", reply: "a \xe2\x82", want: "say a ", stop: "\ufffd", change: func(r *ask.Request) { r.Stop = []string{"\ufffd"} }},
	} {
		for _, top := range []int{-1, 0} {
			g := openTemplate(t, thinker, "[assistant]", c.reply)
			text, entries, end := told(t, g, hello(func(r *ask.Request) {
				if r.TopLogprobs = top; c.change != nil {
					c.change(r)
				}
			}))
			if text != c.want || end.Reason != c.reason || end.Fault != nil || end.StopString != c.stop || end.ReasoningTokens != c.reasoning || end.PrefillNs == 0 {
				t.Errorf("%s, top %d: got %s, %+v", c.name, top, text, end)
			}
			reply := c.reply[:end.CompletionTokens]
			if c.stop == "stop" {
				reply = strings.TrimSuffix(reply, "stop")
			} else if c.stop != "" {
				reply = "a "
			}
			if got := strings.ReplaceAll(entries, "|", ""); top == 0 && got != reply || top < 0 && got != "" {
				t.Errorf("%s, top %d: entries of %q", c.name, top, entries)
			}
		}
	}
}

// An entry comes with what its token completes.
func TestEntriesGoWithTheirText(t *testing.T) {
	g := openTemplate(t, thinker, "[assistant]", "<think>hm</think>\n\nSo "+call+" x")
	_, entries, _ := told(t, g, hello(func(r *ask.Request) { r.Tools, r.TopLogprobs = tool, 0 }))
	if want := "<think>hm</think>|\n\nSo| " + call + "| x"; entries != want {
		t.Errorf("%q, want %q", entries, want)
	}
	// What may be a stop string is told with what shows that it is none.
	_, entries, _ = told(t, g, hello(func(r *ask.Request) { r.Tools, r.TopLogprobs, r.Stop = tool, 0, []string{"So x"} }))
	if want := "<think>hm</think>\n\n||So " + call + "| x"; entries != want {
		t.Errorf("%q, want %q", entries, want)
	}
}

// What the template has opened counts, and so does what the client sent.
func TestPromptsThatBegin(t *testing.T) {
	for _, c := range []struct {
		name, marker, reply, want string
		change                    func(*ask.Request)
	}{
		{"a thought", "[assistant]<think>", "hm</think>Yes.", "think hm | say Yes.", func(r *ask.Request) { r.TemplateArgs = []byte(`{"enable_thinking":true}`) }},
		{"continued text", "[assistant]Once", " upon <think>", "say  upon <think>", func(r *ask.Request) {
			r.Messages, r.Continue = append(r.Messages, ask.Message{Role: "assistant", Content: "Once"}), true
		}},
		{"a continued thought", "[assistant]<think>I", " think</think>Yes.", "think think | say Yes.", func(r *ask.Request) {
			r.Messages, r.Continue = append(r.Messages, ask.Message{Role: "assistant", Content: "<think>I"}), true
		}},
		{"continued reasoning", "[assistant]<think>I", " think</think>Yes.", "think think | say Yes.", func(r *ask.Request) {
			r.Messages, r.Continue = append(r.Messages, ask.Message{Role: "assistant", Reasoning: "I"}), true
		}},
		{"calls before", "[tool]sun[assistant]", "Sun.", "say Sun.", func(r *ask.Request) {
			r.Tools = tool
			r.Messages = append(r.Messages, ask.Message{Role: "assistant", ToolCalls: []byte(`[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]`)},
				ask.Message{Role: "tool", ToolCallID: "1", Content: "sun"})
		}},
	} {
		text, _, end := told(t, openTemplate(t, thinker, c.marker, c.reply), hello(c.change))
		if text != c.want || end.Reason != ask.FinishStop {
			t.Errorf("%s: %s, %+v", c.name, text, end)
		}
	}
}

// A template without tools: the model is told of them in words.
func TestToolsInWords(t *testing.T) {
	g := openTemplate(t, templateSource, "[assistant]", `{"tool_calls": [{"name": "f", "arguments": {"a": "1"}}]}`)
	text, _, end := told(t, g, hello(func(r *ask.Request) { r.Tools = tool }))
	if text != `call 0 f {"a": "1"}` || end.Reason != ask.FinishCalls || end.PromptTokens < 300 {
		t.Errorf("%s, %+v", text, end)
	}
	text, _, _ = told(t, g, hello(nil))
	if text != `say {"tool_calls": [{"name": "f", "arguments": {"a": "1"}}]}` {
		t.Error(text)
	}
}

// A control token that is a mark is spelled for the parser, and no other.
func TestControlTokensAsMarks(t *testing.T) {
	spoken := append(append([]engine.Token{enginetest.Separator}, tokensOf(`{"name":"f","arguments":{}}</tool_call>`)...), enginetest.BOS, 'x')
	g := openTemplate(t, thinker, "[assistant]", strings.Repeat("?", len(spoken)))
	model := enginetest.New(enginetest.Options{Next: func(tokens []engine.Token) engine.Token {
		for said := range len(spoken) + 1 {
			if at := len(tokens) - said; at >= 1 && tokens[at-1] == ']' && (said == 0 || tokens[at] == spoken[0]) {
				if said == len(spoken) {
					return enginetest.EOS
				}
				return spoken[said]
			}
		}
		return -1
	}})
	other, err := New(model, Config{ID: "tiny", Template: g.template, Context: engine.ContextConfig{ContextTokens: 512}, Batching: Batching{Log: slog.New(slog.DiscardHandler)}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(other.Close(), model.Close()) }()
	if len(other.marks) != 0 {
		t.Errorf("%v", other.marks)
	}
	other.marks = map[engine.Token]string{enginetest.Separator: "<tool_call>"}
	text, _, end := told(t, other, hello(func(r *ask.Request) { r.Tools = tool }))
	if text != "call 0 f {} | say x" || end.Reason != ask.FinishCalls {
		t.Errorf("%s, %+v", text, end)
	}
}

func tokensOf(text string) (tokens []engine.Token) {
	for _, b := range []byte(text) {
		tokens = append(tokens, engine.Token(b))
	}
	return tokens
}

func TestConversationsThatAreRefused(t *testing.T) {
	g := openTemplate(t, thinker, "[assistant]", "x")
	for _, c := range []struct {
		change func(*ask.Request)
		kind   ask.Kind
		text   string
	}{
		{func(r *ask.Request) { r.ToolChoice = ask.ToolRequired }, ask.InvalidValue, "there are no tools"},
		{func(r *ask.Request) { r.Tools, r.ToolChoice, r.ToolName = tool, ask.ToolNamed, "g" }, ask.InvalidValue, `the tool "g" is not among tools`},
		{func(r *ask.Request) { r.TemplateArgs = make([]byte, maxTemplateArgsBytes+1) }, ask.InvalidValue, "at most 65536"},
		{func(r *ask.Request) { r.TemplateArgs = []byte("[]") }, ask.TemplateRefused, "no JSON object"},
		{func(r *ask.Request) { r.Continue = true }, ask.TemplateRefused, "only a last message of the assistant"},
	} {
		_, err := g.Submit(t.Context(), hello(c.change))
		f, ok := errors.AsType[*ask.Fault](err)
		if !ok || f.Kind != c.kind || !strings.Contains(f.Error(), c.text) {
			t.Errorf("%v", err)
		}
	}
}
