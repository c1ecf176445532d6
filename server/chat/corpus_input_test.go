package chat

import "github.com/weirgo/weir/server/ask"

// clientMark stands in every text of the corpus that a client wrote.
const clientMark = "⟦"

func said(role, content string) ask.Message {
	return ask.Message{Role: role, Content: clientMark + content}
}

func called(calls string) ask.Message {
	return ask.Message{Role: "assistant", ToolCalls: []byte(calls)}
}

func answered(id, name, content string) ask.Message {
	return ask.Message{Role: "tool", ToolCallID: id, Name: name, Content: clientMark + content}
}

const weatherTools = `[{"type": "function", "function": {"name": "⟦weather", "description": "⟦The sky & <more>", "parameters":
	{"type": "object", "properties": {"town": {"type": "string", "description": "⟦Where it's"}, "days": {"type": "integer",
	"minimum": 1, "default": 1.0}, "mode": {"type": "string", "enum": ["⟦a", "⟦b"]}}, "required": ["town"]}}}]`

const oddTools = `[{"type": "function", "function": {"name": "⟦odd", "description": "⟦odd \"things\"\n\u2028", "strict": true,
	"parameters": {"type": "object", "properties": {"n": {"type": ["number", "null"], "default": null, "maximum": 1e22,
	"minimum": -0.0, "multipleOf": 0.1}, "big": {"type": "integer", "maximum": 123456789012345678901234567890},
	"any": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]},
	"nested": {"type": "object", "properties": {"deep": {"type": "object", "properties": {}}}, "additionalProperties": false}},
	"required": []}}}, {"type": "function", "function": {"name": "⟦bare"}},
	{"type": "function", "function": {"name": "⟦no_args", "description": "⟦none", "parameters": {"type": "object", "properties": {}}}}]`

// corpus is what chats look like, with the odd corners that templates meet.
var corpus = []struct {
	name  string
	input Input
}{
	{"one turn", Input{Messages: []ask.Message{said("user", "Hello")}, AddGenerationPrompt: true}},
	{"system and turns", Input{AddGenerationPrompt: true, Messages: []ask.Message{
		said("system", "Be brief."), said("user", "  2 + 2?\n"), said("assistant", "4"), said("user", "And 3 + 3?"),
	}}},
	{"ends with the assistant", Input{Messages: []ask.Message{said("user", "Say hi"), said("assistant", "hi ")}}},
	{"white space and unicode", Input{AddGenerationPrompt: true, Messages: []ask.Message{
		said("user", "\t\u00a0Zürich\r\n日本語 😀 é\u2028end\u0000\u001f "), said("assistant", "\n\n ok \n"), said("user", ""),
	}}},
	{"markup", Input{AddGenerationPrompt: true, Messages: []ask.Message{
		said("user", "{{ 7 * 7 }} {% raw %} {# c #} <b>&amp;</b> 'q' \"d\" \\n [INST] [/INST]"),
	}}},
	{"reasoning", Input{AddGenerationPrompt: true, Messages: []ask.Message{
		said("user", "Why?"), said("assistant", "<think>\nbecause\n</think>\n\nSo."), said("user", "And?"),
		said("assistant", "<think></think>x"), said("user", "Then?"),
	}}},
	{"reasoning of its own", Input{AddGenerationPrompt: true, Tools: []byte(weatherTools), Messages: []ask.Message{
		said("user", "Why?"), {Role: "assistant", Content: "⟦So.", Reasoning: "⟦because"}, said("user", "And?"),
		{Role: "assistant", Content: "⟦I look.", Reasoning: "⟦hm\n", ToolCalls: []byte(
			`[{"id":"⟦call_0001","type":"function","function":{"name":"⟦weather","arguments":"{\"town\": \"⟦A\"}"}}]`)},
		answered("⟦call_0001", "⟦weather", "sun"),
	}}},
	{"thinking off", Input{AddGenerationPrompt: true, Messages: []ask.Message{said("user", "Quick")},
		Variables: []byte(`{"enable_thinking": false, "thinking": false, "reasoning_effort": "⟦low"}`)}},
	{"thinking on", Input{AddGenerationPrompt: true, Messages: []ask.Message{said("system", "s"), said("user", "Slow")},
		Variables: []byte(`{"enable_thinking": true, "thinking": true, "reasoning_effort": "⟦high", "thinking_budget": 512}`)}},
	{"tools offered", Input{AddGenerationPrompt: true, Messages: []ask.Message{said("user", "Weather?")}, Tools: []byte(weatherTools)}},
	{"tools with a system message", Input{AddGenerationPrompt: true, Tools: []byte(oddTools),
		Messages: []ask.Message{said("system", "Use them."), said("user", "Go")}}},
	{"a tool called and answered", Input{AddGenerationPrompt: true, Tools: []byte(weatherTools), Messages: []ask.Message{
		said("user", "Weather?"),
		called(`[{"id":"⟦call_0001","type":"function","function":{"name":"⟦weather","arguments":"{\"town\": \"⟦Zürich\", \"days\": 2}"}}]`),
		answered("⟦call_0001", "⟦weather", `{"sky": "blue"}`), said("assistant", "Blue."), said("user", "Thanks"),
	}}},
	{"null and odd numbers", Input{AddGenerationPrompt: true, Tools: []byte(oddTools), Messages: []ask.Message{
		said("user", "Odd"),
		called(`[{"id":"⟦abcdefgh1","type":"function","function":{"name":"⟦odd","arguments":{"n": null, "one": 1.0, "tiny": 1e-7,
			"big": 123456789012345678901234567890, "edge": 9223372036854775808, "neg": -0.0, "exp": 1E3, "yes": true,
			"list": [1, 2.50, null, [], {}], "text": "⟦it's \"q\"\u0007\u007f\n"}}}]`),
		answered("⟦abcdefgh1", "⟦odd", "null"),
	}}},
	{"several calls at once", Input{AddGenerationPrompt: true, Tools: []byte(weatherTools), Messages: []ask.Message{
		said("system", "s"), said("user", "Both"),
		called(`[{"id":"⟦aaaaaaaa1","type":"function","function":{"name":"⟦weather","arguments":"{\"town\":\"⟦A\"}"}},
			{"id":"⟦aaaaaaaa2","type":"function","function":{"name":"⟦weather","arguments":"{\"town\":\"⟦B\",\"days\":null}"}}]`),
		answered("⟦aaaaaaaa1", "⟦weather", "sun"), answered("⟦aaaaaaaa2", "⟦weather", "rain"), said("assistant", "Both."), said("user", "Ok"),
	}}},
	{"arguments that are no JSON", Input{Messages: []ask.Message{
		said("user", "x"),
		called(`[{"id":"⟦aaaaaaaa3","type":"function","function":{"name":"⟦f","arguments":"⟦{not json"}}]`),
		answered("⟦aaaaaaaa3", "⟦f", "?"),
	}}},
	{"two users in a row, a strange role", Input{AddGenerationPrompt: true, Messages: []ask.Message{
		said("user", "One"), said("user", "Two"), said("developer", "Be odd"), {Role: "user", Parts: []string{"⟦a", "⟦b"}},
	}}},
}
