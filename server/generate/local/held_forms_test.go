package local

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat/calls"
	"github.com/weirgo/weir/server/engine"
)

// spoken are the forms: what of a template shows each, and how a call begins.
var spoken = []struct{ form, shows, begins string }{
	{"harmony-xml", "<|start|><|channel|><|message|><rfl:parameter name=", "<|channel|>commentary to="},
	{"harmony", "<|start|><|channel|><|message|>", "<|channel|>commentary to=functions."},
	{"deepseek", "<｜tool▁call▁begin｜>", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>"},
	{"deepseek", "<｜tool▁call▁begin｜>```json", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>"},
	{"dsml-spaced", "｜DSML｜ invoke name= ｜DSML｜ calls>", "<｜DSML｜ calls>"},
	{"dsml", "｜DSML｜ invoke name= tool_calls>", "<｜DSML｜tool_calls>"},
	{"dsml", "｜DSML｜ invoke name=", "<｜DSML｜function_calls>"},
	{"kimi", "<|tool_call_begin|>", "<|tool_calls_section_begin|><|tool_call_begin|>"},
	{"kimi-k3", "<|open|><|sep|><|close|>", "<|open|>call tool="},
	{"gemma4", "<|tool_call>call:", "<|tool_call>"},
	{"python", "<|tool_call_start|>", "<|tool_call_start|>"},
	{"minimax", "<minimax:tool_call>", "<minimax:tool_call>"},
	{"seed", "<seed:tool_call>", "<seed:tool_call>"},
	{"glm", "<arg_key>", "<tool_call>"},
	{"qwen-xml", "<function=<parameter=", "<function="},
	{"mistral", "[TOOL_CALLS]", "[TOOL_CALLS]"},
	{"mistral", "[TOOL_CALLS][ARGS]", "[TOOL_CALLS]"},
	{"command-r", "<|START_ACTION|>", "<|START_ACTION|>"},
	{"granite", "<|tool_call|>", "<|tool_call|>"},
	{"functionary", ">>>all", ">>>weather\n"},
	{"hermes", "<tool_call>", "<tool_call>"},
	{"function", "<function=", "<function="},
	{"llama3", "<|python_tag|>", `{"name": "weather"`},
	{"generic", "", `{"tool_calls"`},
}

// A model that says anything, at a temperature of 1, calls what is valid once it
// has begun to, in every form.
func TestHeldInEveryForm(t *testing.T) {
	valid := make(map[string]*jsonschema.Schema)
	compiler := jsonschema.NewCompiler()
	for name, source := range map[string]string{"weather": string(weather[0].Parameters), "f": `{"type":"object","additionalProperties":false}`} {
		schema, err := jsonschema.UnmarshalJSON(strings.NewReader(source))
		if err == nil {
			err = compiler.AddResource(name, schema)
		}
		if err != nil {
			t.Fatal(err)
		}
		valid[name] = compiler.MustCompile(name)
	}
	whole := 0
	for _, f := range spoken {
		source := "{# " + f.shows + " #}"
		if f.form != "generic" {
			source += "{% for t in tools or [] %}({{ t.function.name }}){% endfor %}"
		}
		if form := calls.Detect(source, f.form != "generic"); form.Name() != f.form {
			t.Fatalf("%s is %s", f.shows, form.Name())
		}
		source += templateSource
		g := openNext(t, source, beginning(f.begins))
		for seed := range uint32(3) {
			said, _, end := told(t, g, hello(func(r *ask.Request) {
				r.Tools, r.MaxTokens, r.OneCall = weather, 1500, true
				r.Sampling = ask.Sampling{Temperature: 1, Seed: seed}
			}))
			_, call, _ := strings.Cut(said, "call 0 ")
			name, arguments, _ := strings.Cut(call, " ")
			switch {
			case end.Reason == ask.FinishLength:
				continue // within a text
			case valid[name] == nil || end.Reason != ask.FinishCalls:
				t.Errorf("%s: %q, %+v", f.form, said, end)
				continue
			}
			whole++
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(arguments))
			if err == nil {
				err = valid[name].Validate(value)
			}
			if err != nil {
				t.Errorf("%s: %s %q: %v", f.form, name, arguments, err)
			}
		}
	}
	if whole < 2*len(spoken) {
		t.Errorf("only %d whole calls", whole)
	}
}

// beginning makes a model say text behind the prompt, and then anything.
func beginning(text string) func([]engine.Token) engine.Token {
	return func(tokens []engine.Token) engine.Token {
		said := make([]byte, len(tokens))
		for i, token := range tokens {
			if said[i] = byte(token); token > 255 {
				said[i] = 0
			}
		}
		if n := len(said) - strings.LastIndex(string(said), "[assistant]") - len("[assistant]"); n < len(text) {
			return engine.Token(text[n])
		}
		return -1
	}
}
