package openai

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// harmless fields leave a chat as it is.
const harmless = `"max_tokens":-1
"max_completion_tokens":null
"n":1
"n":1.0
"best_of":1
"logprobs":false
"logprobs":false,"top_logprobs":0
"top_logprobs":null
"n_probs":0
"seed":7.0
"stream_options":{"include_usage":true}
"stream":false
"logit_bias":{}
"logit_bias":[]
"logit_bias":null
"presence_penalty":0
"frequency_penalty":0.0
"min_tokens":0
"tools":[]
"tools":null
"tool_choice":"auto"
"parallel_tool_calls":true
"functions":[],"function_call":"auto"
"response_format":{"type":"text"}
"response_format":null
"guided_json":null
"guided_choice":[]
"guided_grammar":""
"structured_outputs":null
"structured_outputs":{}
"grammar":""
"json_schema":null
"reasoning_effort":null
"chat_template_kwargs":{}
"chat_template_kwargs":null
"documents":null
"reasoning":null
"reasoning_format":"auto"
"include_reasoning":true
"verbosity":null
"mirostat":0
"stop_token_ids":[]
"bad_words":[]
"echo":false
"add_generation_prompt":true
"continue_final_message":false
"chat_template":null
"skip_special_tokens":true
"spaces_between_special_tokens":true
"include_stop_str_in_output":false
"use_beam_search":false
"length_penalty":1.0
"prompt_logprobs":null
"truncate_prompt_tokens":null
"return_tokens_as_token_ids":false
"priority":0
"request_id":"x"
"cache_salt":null
"cache_prompt":null
"id_slot":-1
"n_keep":0
"n_discard":0
"samplers":[ "penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature" ]
"timings_per_token":false
"t_max_predict_ms":0
"lora":[]
"post_sampling_probs":false
"return_progress":false
"service_tier":"auto"
"prompt_cache_key":"x"
"safety_identifier":"x"
"user":"x"
"store":true
"metadata":{"a":"b"}
"modalities":["text"]
"prediction":{"type":"content","content":"x"}
"usage":{"include":true}
"provider":{"order":["x"]}
"extra_body":{}
"keep_alive":"5m"
`

// What changes nothing is accepted, one at a time, of OpenAI's, vLLM's,
// llama-server's and other clients.
func TestFieldsThatChangeNothing(t *testing.T) {
	want, _, err := decodeChat(`{` + hello + `}`)
	if err != nil {
		t.Fatal(err)
	}
	for field := range strings.Lines(harmless) {
		field = strings.TrimSpace(field)
		got, _, err := decodeChat(`{` + hello + `,` + field + `}`)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", field, got, err)
		}
	}
	for field := range strings.Lines(`"best_of":1,"n":1
"logprobs":null
"logprobs":false
"suffix":""
"suffix":null
"add_special_tokens":true
"echo":null
`) {
		if _, err := decodeCompletion(`{"prompt":"x",` + strings.TrimSpace(field) + `}`); err != nil {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestSamplingFields(t *testing.T) {
	base := testDefaults.Sampling
	base.Seed = 7
	for fields, change := range map[string]func(*ask.Sampling){
		`"presence_penalty":0.5,"frequency_penalty":-1`: func(s *ask.Sampling) {
			s.Penalties = ask.Penalties{LastTokens: 64, Presence: 0.5, Frequency: -1}
		},
		`"repetition_penalty":1.5,"repeat_last_n":-1`: func(s *ask.Sampling) { s.Penalties = ask.Penalties{LastTokens: -1, Repeat: 1.5} },
		`"repeat_penalty":1.5,"repeat_last_n":0`:      func(s *ask.Sampling) { s.Penalties = ask.Penalties{Repeat: 1.5} },
		`"typical_p":0.5,"top_n_sigma":-1`:            func(s *ask.Sampling) { s.TypicalP = 0.5 },
		`"top_n_sigma":2,"min_keep":3`:                func(s *ask.Sampling) { s.TopNSigma, s.MinKeep = 2, 3 },
		`"xtc_probability":0.5`:                       func(s *ask.Sampling) { s.XTCProbability, s.XTCThreshold = 0.5, 0.1 },
		`"xtc_probability":0.5,"xtc_threshold":0`:     func(s *ask.Sampling) { s.XTCProbability = 0.5 },
		`"mirostat":2,"mirostat_eta":0.5`:             func(s *ask.Sampling) { s.Mirostat, s.MirostatTau, s.MirostatEta = 2, 5, 0.5 },
		`"dynatemp_range":0.5`:                        func(s *ask.Sampling) { s.DynatempRange, s.DynatempExponent = 0.5, 1 },
		`"dry_multiplier":0.5`: func(s *ask.Sampling) {
			s.DRY = ask.DRY{Multiplier: 0.5, Base: 1.75, AllowedLength: 2, LastTokens: -1, Breakers: []string{"\n", ":", `"`, "*"}}
		},
		`"dry_multiplier":0.5,"dry_base":2,"dry_allowed_length":4,"dry_penalty_last_n":0,"dry_sequence_breakers":[]`: func(s *ask.Sampling) {
			s.DRY = ask.DRY{Multiplier: 0.5, Base: 2, AllowedLength: 4, Breakers: []string{}}
		},
		`"logit_bias":{"5":-100,"x":1.5}`: func(s *ask.Sampling) { s.Bias = []ask.Bias{{Token: 5, Add: -100}, {Text: "x", Add: 1.5}} },
		`"logit_bias":[[5,false],["x",2]]`: func(s *ask.Sampling) {
			s.Bias = []ask.Bias{{Token: 5, Add: float32(math.Inf(-1))}, {Text: "x", Add: 2}}
		},
		`"seed":42.0`:                func(s *ask.Sampling) { s.Seed = 42 },
		`"seed":9223372036854776000`: func(s *ask.Sampling) { s.Seed = 192 },
	} {
		want := base
		change(&want)
		got, _, err := decodeChat(`{` + hello + `,` + fields + `}`)
		if err != nil || !reflect.DeepEqual(got.Sampling, want) {
			t.Errorf("%s: %+v, %v\nwant %+v", fields, got, err, want)
		}
	}
	if got, _, err := decodeChat(`{` + hello + `,"seed":1e300}`); err != nil || got.Sampling.Seed == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFormats(t *testing.T) {
	schema := ask.Format{Kind: ask.FormatSchema, Source: `{"type":"integer"}`}
	for fields, want := range map[string]ask.Format{
		`"response_format":{"type":"json_object"}`:                                                              {Kind: ask.FormatJSON},
		`"response_format":{"type":"json_object","schema":{"type":"integer"}}`:                                  schema,
		`"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"integer"}}}`:       schema,
		`"response_format":{"type":"json_schema","schema":{"type":"integer"}}`:                                  schema,
		`"response_format":{"type":"grammar","grammar":"root ::= \"a\""}`:                                       {Kind: ask.FormatGrammar, Source: `root ::= "a"`},
		`"json_schema":{"type":"integer"}`:                                                                      schema,
		`"guided_json":{"type":"integer"}`:                                                                      schema,
		`"guided_json":"{\"type\":\"integer\"}"`:                                                                schema,
		`"guided_grammar":"root ::= \"a\"","response_format":{"type":"text"}`:                                   {Kind: ask.FormatGrammar, Source: `root ::= "a"`},
		`"grammar":"root ::= \"a\""`:                                                                            {Kind: ask.FormatGrammar, Source: `root ::= "a"`},
		`"guided_choice":["a\"b","\\n\n€"]`:                                                                     {Kind: ask.FormatGrammar, Source: `root ::= "a\"b" | "\\n\x0A€"`},
		`"structured_outputs":{"json":{"type":"integer"},"disable_any_whitespace":true}`:                        schema,
		`"structured_outputs":{"json_object":true}`:                                                             {Kind: ask.FormatJSON},
		`"structured_outputs":{"choice":["a"]}`:                                                                 {Kind: ask.FormatGrammar, Source: `root ::= "a"`},
		`"structured_outputs":{"grammar":"root ::= \"a\""}`:                                                     {Kind: ask.FormatGrammar, Source: `root ::= "a"`},
		`"response_format":{"type":"json_schema","json_schema":{"strict":true,"schema":{ "type" : "integer"}}}`: {Kind: ask.FormatSchema, Source: `{ "type" : "integer"}`},
	} {
		got, _, err := decodeChat(`{` + hello + `,` + fields + `}`)
		if err != nil || got.Format != want {
			t.Errorf("%s: %+v, %v\nwant %+v", fields, got, err, want)
		}
	}
}

const two = `"tools":[{"type":"function","function":{"name":"a","description":"A","parameters":{"type":"object"},"strict":true}},{"type":"function","name":"b"}]`

func TestTools(t *testing.T) {
	a := ask.Tool{Name: "a", Description: "A", Parameters: []byte(`{"type":"object"}`)}
	b := ask.Tool{Name: "b"}
	both := []ask.Tool{a, b}
	for _, test := range []struct {
		fields string
		want   ask.Request
	}{
		{two, ask.Request{Tools: both}},
		{two + `,"tool_choice":"auto","parallel_tool_calls":false`, ask.Request{Tools: both, OneCall: true}},
		{two + `,"tool_choice":"none"`, ask.Request{Tools: both, ToolChoice: ask.ToolNone}},
		{two + `,"tool_choice":"required"`, ask.Request{Tools: both, ToolChoice: ask.ToolRequired}},
		{two + `,"tool_choice":{"type":"function","function":{"name":"b"}}`, ask.Request{Tools: both, ToolChoice: ask.ToolNamed, ToolName: "b"}},
		{two + `,"tool_choice":{"type":"function","name":"a"}`, ask.Request{Tools: both, ToolChoice: ask.ToolNamed, ToolName: "a"}},
		{
			two + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"b"}}]}}`,
			ask.Request{Tools: []ask.Tool{b}, ToolChoice: ask.ToolRequired},
		},
		{two + `,"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"a"}]}`, ask.Request{Tools: []ask.Tool{a}}},
		{`"functions":[{"name":"b"}]`, ask.Request{Tools: []ask.Tool{b}, OneCall: true}},
		{`"functions":[{"name":"b"}],"function_call":"none"`, ask.Request{Tools: []ask.Tool{b}, OneCall: true, ToolChoice: ask.ToolNone}},
		{`"functions":[{"name":"b"}],"function_call":{"name":"b"}`, ask.Request{Tools: []ask.Tool{b}, OneCall: true, ToolChoice: ask.ToolNamed, ToolName: "b"}},
	} {
		got, _, err := decodeChat(`{` + hello + `,` + test.fields + `}`)
		if err != nil || !reflect.DeepEqual(got.Tools, test.want.Tools) || got.ToolChoice != test.want.ToolChoice ||
			got.ToolName != test.want.ToolName || got.OneCall != test.want.OneCall {
			t.Errorf("%s: %+v, %v", test.fields, got, err)
		}
	}
}

func TestTemplateArgs(t *testing.T) {
	for fields, want := range map[string]string{
		`"reasoning_effort":"low"`:  `{"reasoning_effort":"low"}`,
		`"reasoning_effort":"none"`: `{"enable_thinking":false,"reasoning_effort":"none"}`,
		`"reasoning_effort":"low","chat_template_kwargs":{"reasoning_effort":"high","x":[1]}`: `{"reasoning_effort":"high","x":[1]}`,
		`"chat_template_kwargs":{"enable_thinking":false}`:                                    `{"enable_thinking":false}`,
		`"enable_thinking":false`:                                                             `{"enable_thinking":false}`,
		`"thinking":{"type":"disabled"}`:                                                      `{"enable_thinking":false}`,
		`"thinking":{"type":"auto"}`:                                                          ``,
		`"reasoning":{"effort":"high","summary":"auto"}`:                                      `{"reasoning_effort":"high"}`,
		`"reasoning":{"enabled":true}`:                                                        `{"enable_thinking":true}`,
		`"verbosity":"low"`:                                                                   `{"verbosity":"low"}`,
		`"documents":[{"title":"x"}]`:                                                         `{"documents":[{"title":"x"}]}`,
	} {
		got, _, err := decodeChat(`{` + hello + `,` + fields + `}`)
		if err != nil || string(got.TemplateArgs) != want {
			t.Errorf("%s: %+v, %v", fields, got, err)
		}
	}
	if got, _, err := decodeChat(`{` + hello + `,"reasoning_format":"none"}`); err != nil || !got.RawReasoning {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheLastMessageIsGoneOnWith(t *testing.T) {
	for fields, want := range map[string]bool{
		`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]`:                                    true,
		`"messages":[{"role":"assistant","content":"b","prefix":true}]`:                                                    true,
		`"messages":[{"role":"assistant","content":"b","prefix":false}]`:                                                   false,
		`"messages":[{"role":"assistant","content":"b"}],"add_generation_prompt":true`:                                     false,
		`"messages":[{"role":"assistant","content":"b"}],"continue_final_message":false`:                                   false,
		`"messages":[{"role":"assistant","content":"b"}],"add_generation_prompt":false,"continue_final_message":true`:      true,
		`"messages":[{"role":"user","content":"b"}]`:                                                                       false,
		`"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function","function":{}}]}]`:       false,
		`"messages":[{"role":"assistant","content":"b"},{"role":"tool","content":"b"}]`:                                    false,
		`"messages":[{"role":"assistant","content":"b","tool_calls":[]}]`:                                                  true,
		`"messages":[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}]`:                   false,
		`"messages":[{"role":"user","content":"b"},{"role":"assistant","content":"b"},{"role":"user","content":"b"}]`:      false,
		`"messages":[{"role":"user","content":"b"},{"role":"assistant","content":[{"type":"output_text","text":"open"}]}]`: true,
	} {
		got, _, err := decodeChat(`{` + fields + `}`)
		if err != nil || got.Continue != want {
			t.Errorf("%s: %+v, %v", fields, got, err)
		}
	}
}

func TestMessagesOfOtherClients(t *testing.T) {
	got, _, err := decodeChat(`{"messages":[{"role":"user","content":[{"type":"input_text","text":"a","cache_control":{"type":"ephemeral"}}],"createdAt":5,"id":"x"},` +
		`{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"t1"},{"type":"text","text":"t2"}]},{"type":"text","text":"b"}]},` +
		`{"role":"assistant","content":"c","reasoning":"r","refusal":null,"annotations":[]},` +
		`{"role":"assistant","content":"c","reasoning_content":"r","reasoning":"other"},` +
		`{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"x\":1}"}},` +
		`{"role":"function","name":"f","content":"d"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []ask.Message{
		{Role: "user", Parts: []string{"a"}},
		{Role: "assistant", Parts: []string{"b"}, Reasoning: "t1t2"},
		{Role: "assistant", Content: "c", Reasoning: "r"},
		{Role: "assistant", Content: "c", Reasoning: "r"},
		{Role: "assistant", ToolCalls: []byte(`[{"id":"call_4","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]`)},
		{Role: "tool", Name: "f", Content: "d", ToolCallID: "call_4"},
	}
	if !reflect.DeepEqual(got.Messages, want) {
		t.Errorf("got %+v\nwant %+v", got.Messages, want)
	}
}

func TestRefusals(t *testing.T) {
	for fields, want := range map[string]struct {
		kind  ask.Kind
		param string
		text  string
	}{
		`"best_of":3`:                              {ask.Unsupported, "best_of", "with n"},
		`"n":0`:                                    {ask.InvalidValue, "n", "1 to 128"},
		`"n":129`:                                  {ask.InvalidValue, "n", "1 to 128"},
		`"max_tokens":-2`:                          {ask.InvalidValue, "max_tokens", "-1 for no bound"},
		`"min_tokens":5,"max_tokens":4`:            {ask.InvalidValue, "min_tokens", "at most"},
		`"presence_penalty":3`:                     {ask.InvalidValue, "presence_penalty", "-2 to 2"},
		`"repeat_last_n":-2`:                       {ask.InvalidValue, "repeat_last_n", "-1 to"},
		`"mirostat":3`:                             {ask.InvalidValue, "mirostat", "0 to 2"},
		`"dry_sequence_breakers":[""]`:             {ask.InvalidValue, "dry_sequence_breakers", "0 bytes"},
		`"logit_bias":{"5":"x"}`:                   {ask.InvalidValue, "logit_bias", "false to forbid"},
		`"logit_bias":{"-5":1}`:                    {ask.InvalidValue, "logit_bias", "0 or more"},
		`"logit_bias":{"":1}`:                      {ask.InvalidValue, "logit_bias", "neither a token nor a text"},
		`"logit_bias":[[5]]`:                       {ask.InvalidValue, "logit_bias", "pair"},
		`"logit_bias":[[5.5,1]]`:                   {ask.InvalidValue, "logit_bias", "neither a token nor a text"},
		`"logit_bias":7`:                           {ask.InvalidValue, "logit_bias", "object"},
		`"stop_token_ids":[5]`:                     {ask.Unsupported, "stop_token_ids", "as stop"},
		`"chat_template":"x"`:                      {ask.Unsupported, "chat_template", "--chat-template-file"},
		`"samplers":["top_k"]`:                     {ask.Unsupported, "samplers", "fixed"},
		`"modalities":["text","audio"]`:            {ask.Unsupported, "modalities", "text only"},
		`"guided_regex":"a+"`:                      {ask.Unsupported, "guided_regex", "guided_grammar"},
		`"structured_outputs":{"regex":"a+"}`:      {ask.Unsupported, "structured_outputs.regex", "grammar"},
		`"structured_outputs":{"rex":"a+"}`:        {ask.UnknownParameter, "structured_outputs.rex", "spelling"},
		`"response_format":{"type":"json_schema"}`: {ask.MissingParameter, "response_format.schema", "JSON schema"},
		`"response_format":{}`:                     {ask.MissingParameter, "response_format.type", "required"},
		`"response_format":{"type":"xml"}`:         {ask.InvalidValue, "response_format.type", "xml"},
		`"response_format":"json"`:                 {ask.InvalidValue, "response_format", "string"},
		`"guided_json":"{"`:                        {ask.InvalidValue, "guided_json", "no JSON"},
		`"guided_json":[]`:                         {ask.InvalidValue, "guided_json", "an object"},
		`"guided_choice":[""]`:                     {ask.InvalidValue, "guided_choice", "empty"},
		`"grammar":"x","json_schema":{}`:           {ask.InvalidValue, "json_schema", "one of the two"},
		`"tools":[{"type":"web_search"}]`:          {ask.Unsupported, "tools[0].type", "function"},
		`"tools":[{"type":"function"}]`:            {ask.MissingParameter, "tools[0].name", "name"},
		`"tools":[{"type":"function","function":{"name":"a b"}}]`:                                 {ask.InvalidValue, "tools[0].function.name", "letters"},
		`"tools":[{"type":"function","name":"a"},{"type":"function","name":"a"}]`:                 {ask.InvalidValue, "tools[1].name", "another tool"},
		`"tools":[{"type":"function","function":{"name":"a","parameters":[]}}]`:                   {ask.InvalidValue, "tools[0].function.parameters", "array"},
		`"tool_choice":"required"`:                                                                {ask.InvalidValue, "tool_choice", "needs tools"},
		`"tool_choice":"never"`:                                                                   {ask.InvalidValue, "tool_choice", "never"},
		`"tool_choice":5`:                                                                         {ask.InvalidValue, "tool_choice", "number"},
		`"tool_choice":{"type":"function","function":{"name":"x"}}`:                               {ask.InvalidValue, "tool_choice", "none of the tools"},
		`"function_call":{"name":"x"}`:                                                            {ask.InvalidValue, "function_call", "none of the tools"},
		`"reasoning_effort":"huge"`:                                                               {ask.InvalidValue, "reasoning_effort", "minimal"},
		`"reasoning":{"max_tokens":-5}`:                                                           {ask.InvalidValue, "reasoning.max_tokens", "-5"},
		`"thinking":{"type":"enabled","budget_tokens":5.5}`:                                       {ask.InvalidValue, "thinking.budget_tokens", "5.5"},
		`"thinking_budget":4,"reasoning_budget":5`:                                                {ask.InvalidValue, "thinking_budget", "one of the two"},
		`"chat_template_kwargs":[]`:                                                               {ask.InvalidValue, "chat_template_kwargs", "array"},
		`"documents":{}`:                                                                          {ask.InvalidValue, "documents", "array"},
		`"add_generation_prompt":false`:                                                           {ask.Unsupported, "add_generation_prompt", "go on with"},
		`"continue_final_message":true`:                                                           {ask.InvalidValue, "continue_final_message", "not the assistant"},
		`"stream":true,"stream_options":{"continuous_usage_stats":true}`:                          {ask.Unsupported, "stream_options.continuous_usage_stats", "include_usage"},
		`"add_generation_prompt":true,"continue_final_message":true`:                              {ask.InvalidValue, "continue_final_message", "one of the two"},
		`"` + strings.Repeat("k", 1<<20) + `":1`:                                                  {ask.UnknownParameter, strings.Repeat("k", 256) + "…", "unknown field"},
		`"tools":[` + strings.TrimSuffix(strings.Repeat(`{"type":"function"},`, 1025), ",") + `]`: {ask.InvalidValue, "tools", "at most 1024"},
	} {
		_, _, err := decodeChat(`{` + hello + `,` + fields + `}`)
		f, ok := errors.AsType[*ask.Fault](err)
		if !ok || f.Kind != want.kind || f.Param != want.param || !strings.Contains(f.Error(), want.text) {
			t.Errorf("%.80s: %.300v\nwant %+v", fields, err, want)
		}
		if out := AppendFault(nil, f); len(out) > 4096 {
			t.Errorf("%.80s: an error of %d bytes", fields, len(out))
		}
	}
}

func TestIgnoredFieldsAreNamed(t *testing.T) {
	var r ChatRequest
	if err := wire.Decode([]byte(`{`+hello+`,"user":"x","store":true,"n":1,"slot_id":0,"mirostat":0,"stop_token_ids":[]}`), &r); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(r.Ignored()); !slices.Equal(got, []string{"slot_id", "store", "user"}) {
		t.Errorf("%q", got)
	}
}

// Several answers differ in their seeds, and are the same the next time.
func TestChoices(t *testing.T) {
	ask4 := func() (seeds []uint32) {
		var r CompletionRequest
		if err := wire.Decode([]byte(`{"prompt":["a","b"],"n":2,"seed":5}`), &r); err != nil {
			t.Fatal(err)
		}
		all, err := r.Ask(testDefaults)
		if err != nil || len(all) != 4 || all[1].Prompt.Text != "a" || all[2].Prompt.Text != "b" || r.PerPrompt() != 2 || r.Shape().Choices != 4 {
			t.Fatalf("%+v, %v", all, err)
		}
		for _, one := range all {
			seeds = append(seeds, one.Sampling.Seed)
		}
		return seeds
	}
	first := ask4()
	if !slices.Equal(first, ask4()) || first[0] != 5 || first[0] == first[1] || first[2] != 5 {
		t.Errorf("seeds %v", first)
	}
	_, err := decodeCompletion(`{"prompt":["a","b","c"],"n":64}`)
	if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Param != "n" || !strings.Contains(f.What, "192 answers") {
		t.Errorf("%v", err)
	}
}
