package protobuf

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

var defaults = wire.Defaults{Seed: 7, MaxTokens: 99, Sampling: ask.Sampling{Temperature: 0.8, TopK: 40}}

// everything is a request with every field that goes together.
func everything() *weirv1.GenerateRequest {
	return &weirv1.GenerateRequest{
		Model: "tiny",
		Messages: []*weirv1.Message{
			{Role: "developer", Content: "be brief"},
			{Role: "user", Content: "Rain?", Name: "ann"},
			{Role: "assistant", ReasoningContent: "hm", ToolCalls: []*weirv1.ToolCall{{Id: "c1", Name: "f", Arguments: `{"city":"Köln"}`}, {Id: "c2", Name: "g"}}},
			{Role: "tool", Content: "sun", ToolCallId: "c1"},
		},
		MaxTokens: proto.Uint32(5), MinTokens: 2, Stop: []string{"\n", "end"}, Seed: proto.Int64(3),
		Sampling: &weirv1.Sampling{
			Temperature: proto.Float32(0.5), TopP: proto.Float32(0.9), TopK: proto.Int32(-1), MinP: proto.Float32(0.05), TypicalP: proto.Float32(0.7),
			PresencePenalty: proto.Float32(1), FrequencyPenalty: proto.Float32(-1), RepeatPenalty: proto.Float32(1.1), RepeatLastN: proto.Int32(12),
			TopNSigma: proto.Float32(2), DynatempRange: proto.Float32(0.25), DynatempExponent: proto.Float32(2),
			XtcProbability: proto.Float32(0.5), XtcThreshold: proto.Float32(0.25), Mirostat: proto.Int32(2), MirostatTau: proto.Float32(4), MirostatEta: proto.Float32(0.5),
			MinKeep: proto.Int32(3), DryMultiplier: proto.Float32(1), DryBase: proto.Float32(2), DryAllowedLength: proto.Int32(4), DryPenaltyLastN: proto.Int32(9),
			DrySequenceBreakers: []string{"."}, LogitBias: []*weirv1.LogitBias{{TokenId: 4, Bias: 1.5}, {TokenId: 5, Bias: float32(math.Inf(-1))}},
		},
		Tools:      []*weirv1.Tool{{Name: "f", Description: "weather", Parameters: `{"type":"object"}`}, {Name: "g"}},
		ToolChoice: weirv1.ToolChoice_TOOL_CHOICE_NAMED, ToolName: "g", ParallelToolCalls: proto.Bool(false),
		ResponseFormat: &weirv1.ResponseFormat{Format: &weirv1.ResponseFormat_JsonSchema{JsonSchema: `{"type":"object"}`}},
		Logprobs:       true, TopLogprobs: 4, ReturnTokenIds: true, IgnoreEos: true, ChatTemplateKwargs: `{"enable_thinking":true}`, Stream: true,
		NKeep: proto.Int32(-1), NDiscard: proto.Uint32(9),
	}
}

// ask decodes a request and makes one of it, as its handler does.
func askFor(message []byte) (*ask.Request, error) {
	r, err := Decode(message, func(int64) error { return nil })
	if err != nil {
		return nil, err
	}
	return Ask(r, defaults)
}

func encode(t testing.TB, r *weirv1.GenerateRequest) []byte {
	t.Helper()
	message, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func TestEveryField(t *testing.T) {
	got, err := askFor(encode(t, everything()))
	if err != nil {
		t.Fatal(err)
	}
	want := &ask.Request{
		Model: "tiny",
		Messages: []ask.Message{
			{Role: "system", Content: "be brief"},
			{Role: "user", Content: "Rain?", Name: "ann"},
			{Role: "assistant", Reasoning: "hm", ToolCalls: []byte(`[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"city\":\"Köln\"}"}},` +
				`{"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]`)},
			{Role: "tool", Content: "sun", ToolCallID: "c1"},
		},
		MaxTokens: 5, MinTokens: 2, Stop: []string{"\n", "end"},
		Sampling: ask.Sampling{
			Temperature: 0.5, TopP: 0.9, MinP: 0.05, TypicalP: 0.7, Seed: 3, TopNSigma: 2, DynatempRange: 0.25, DynatempExponent: 2,
			XTCProbability: 0.5, XTCThreshold: 0.25, Mirostat: 2, MirostatTau: 4, MirostatEta: 0.5, MinKeep: 3,
			Penalties: ask.Penalties{LastTokens: 12, Repeat: 1.1, Presence: 1, Frequency: -1},
			DRY:       ask.DRY{Multiplier: 1, Base: 2, AllowedLength: 4, LastTokens: 9, Breakers: []string{"."}},
			Bias:      []ask.Bias{{Token: 4, Add: 1.5}, {Token: 5, Add: float32(math.Inf(-1))}},
		},
		Tools:      []ask.Tool{{Name: "f", Description: "weather", Parameters: []byte(`{"type":"object"}`)}, {Name: "g"}},
		ToolChoice: ask.ToolNamed, ToolName: "g", OneCall: true,
		Format:      ask.Format{Kind: ask.FormatSchema, Source: `{"type":"object"}`},
		TopLogprobs: 4, ReturnTokens: true, IgnoreEOS: true, TemplateArgs: []byte(`{"enable_thinking":true}`),
		Shift: ask.Shift{Keep: -1, Discard: 9},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%+v\nwant:\n%+v", got, want)
	}
}

// What is dropped from a full context is the server's to say where the client does not,
// each for itself.
func TestShift(t *testing.T) {
	d := wire.Defaults{Shift: ask.Shift{Keep: 5, Discard: 6}}
	for want, r := range map[ask.Shift]*weirv1.GenerateRequest{
		{Keep: 5, Discard: 6}:             {},
		{Keep: 0, Discard: 6}:             {NKeep: proto.Int32(0)},
		{Keep: 5, Discard: math.MaxInt32}: {NDiscard: proto.Uint32(math.MaxUint32)},
	} {
		r.Prompt = "x"
		if a, err := Ask(r, d); err != nil || a.Shift != want {
			t.Errorf("%+v, %v; want %+v", a, err, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	got, err := askFor(encode(t, &weirv1.GenerateRequest{Prompt: "x"}))
	want := &ask.Request{Prompt: ask.Prompt{Text: "x"}, MaxTokens: 99, TopLogprobs: -1, Sampling: defaults.Sampling}
	want.Sampling.Seed = 7
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%+v, %v\nwant:\n%+v", got, err, want)
	}
}

func TestOtherFields(t *testing.T) {
	for name, test := range map[string]struct {
		r  *weirv1.GenerateRequest
		ok func(*ask.Request) bool
	}{
		"tokens":     {&weirv1.GenerateRequest{PromptTokenIds: []uint32{1, 300}}, func(a *ask.Request) bool { return reflect.DeepEqual(a.Prompt.Tokens, []ask.Token{1, 300}) }},
		"all tokens": {&weirv1.GenerateRequest{Prompt: "x", MaxTokens: proto.Uint32(0)}, func(a *ask.Request) bool { return a.MaxTokens == 0 }},
		"continue": {&weirv1.GenerateRequest{Messages: []*weirv1.Message{{Role: "assistant", Content: "He"}}}, func(a *ask.Request) bool {
			return a.Continue
		}},
		"object": {&weirv1.GenerateRequest{Prompt: "x", ResponseFormat: &weirv1.ResponseFormat{Format: &weirv1.ResponseFormat_JsonObject{JsonObject: true}}},
			func(a *ask.Request) bool { return a.Format.Kind == ask.FormatJSON }},
		"no object": {&weirv1.GenerateRequest{Prompt: "x", ResponseFormat: &weirv1.ResponseFormat{Format: &weirv1.ResponseFormat_JsonObject{}}},
			func(a *ask.Request) bool { return a.Format.Kind == ask.FormatText }},
		"grammar": {&weirv1.GenerateRequest{Prompt: "x", ResponseFormat: &weirv1.ResponseFormat{Format: &weirv1.ResponseFormat_Grammar{Grammar: "root ::= \"a\""}}},
			func(a *ask.Request) bool { return a.Format.Kind == ask.FormatGrammar }},
		"logprobs": {&weirv1.GenerateRequest{Prompt: "x", Logprobs: true}, func(a *ask.Request) bool { return a.TopLogprobs == 0 }},
		"required": {&weirv1.GenerateRequest{Prompt: "x", Tools: []*weirv1.Tool{{Name: "f"}}, ToolChoice: weirv1.ToolChoice_TOOL_CHOICE_REQUIRED},
			func(a *ask.Request) bool { return a.ToolChoice == ask.ToolRequired && !a.OneCall }},
		"none": {&weirv1.GenerateRequest{Prompt: "x", ToolChoice: weirv1.ToolChoice_TOOL_CHOICE_NONE}, func(a *ask.Request) bool { return a.ToolChoice == ask.ToolNone }},
	} {
		if a, err := askFor(encode(t, test.r)); err != nil || !test.ok(a) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestRefused(t *testing.T) {
	hello := []*weirv1.Message{{Role: "user", Content: "hi"}}
	nan := float32(math.NaN())
	for name, test := range map[string]struct {
		r     *weirv1.GenerateRequest
		kind  ask.Kind
		param string
	}{
		"nothing":         {&weirv1.GenerateRequest{}, ask.MissingParameter, "messages"},
		"two inputs":      {&weirv1.GenerateRequest{Messages: hello, Prompt: "x"}, ask.InvalidValue, "prompt"},
		"no token":        {&weirv1.GenerateRequest{PromptTokenIds: []uint32{1, 1 << 31}}, ask.InvalidValue, "prompt_token_ids[1]"},
		"no role":         {&weirv1.GenerateRequest{Messages: append(hello, &weirv1.Message{})}, ask.MissingParameter, "messages[1].role"},
		"another role":    {&weirv1.GenerateRequest{Messages: []*weirv1.Message{{Role: "me"}}}, ask.InvalidValue, "messages[0].role"},
		"call's name":     {&weirv1.GenerateRequest{Messages: []*weirv1.Message{{Role: "assistant", ToolCalls: []*weirv1.ToolCall{{}}}}}, ask.MissingParameter, "messages[0].tool_calls[0].name"},
		"call's JSON":     {&weirv1.GenerateRequest{Messages: []*weirv1.Message{{Role: "assistant", ToolCalls: []*weirv1.ToolCall{{Name: "f", Arguments: "[]"}}}}}, ask.InvalidValue, "messages[0].tool_calls[0].arguments"},
		"tool's name":     {&weirv1.GenerateRequest{Messages: hello, Tools: []*weirv1.Tool{{}}}, ask.MissingParameter, "tools[0].name"},
		"tool's schema":   {&weirv1.GenerateRequest{Messages: hello, Tools: []*weirv1.Tool{{Name: "f", Parameters: "{"}}}, ask.InvalidValue, "tools[0].parameters"},
		"no such tool":    {&weirv1.GenerateRequest{Messages: hello, ToolChoice: weirv1.ToolChoice_TOOL_CHOICE_NAMED, ToolName: "f"}, ask.InvalidValue, "tool_choice"},
		"kept tokens":     {&weirv1.GenerateRequest{Messages: hello, NKeep: proto.Int32(-2)}, ask.InvalidValue, "n_keep"},
		"no such choice":  {&weirv1.GenerateRequest{Messages: hello, ToolChoice: 9}, ask.InvalidValue, "tool_choice"},
		"name and auto":   {&weirv1.GenerateRequest{Messages: hello, ToolName: "f"}, ask.InvalidValue, "tool_name"},
		"schema":          {&weirv1.GenerateRequest{Messages: hello, ResponseFormat: &weirv1.ResponseFormat{Format: &weirv1.ResponseFormat_JsonSchema{JsonSchema: "{,}"}}}, ask.InvalidValue, "response_format.json_schema"},
		"grammar":         {&weirv1.GenerateRequest{Messages: hello, ResponseFormat: &weirv1.ResponseFormat{Format: &weirv1.ResponseFormat_Grammar{}}}, ask.MissingParameter, "response_format.grammar"},
		"min tokens":      {&weirv1.GenerateRequest{Messages: hello, MaxTokens: proto.Uint32(1), MinTokens: 2}, ask.InvalidValue, "min_tokens"},
		"top logprobs":    {&weirv1.GenerateRequest{Messages: hello, TopLogprobs: 1}, ask.InvalidValue, "top_logprobs"},
		"template":        {&weirv1.GenerateRequest{Messages: hello, ChatTemplateKwargs: "[]"}, ask.InvalidValue, "chat_template_kwargs"},
		"stop":            {&weirv1.GenerateRequest{Messages: hello, Stop: []string{""}}, ask.InvalidValue, "stop"},
		"temperature":     {&weirv1.GenerateRequest{Messages: hello, Sampling: &weirv1.Sampling{Temperature: proto.Float32(3)}}, ask.InvalidValue, "sampling.temperature"},
		"not a number":    {&weirv1.GenerateRequest{Messages: hello, Sampling: &weirv1.Sampling{TopP: &nan}}, ask.InvalidValue, "sampling.top_p"},
		"top k":           {&weirv1.GenerateRequest{Messages: hello, Sampling: &weirv1.Sampling{TopK: proto.Int32(-2)}}, ask.InvalidValue, "sampling.top_k"},
		"biased token":    {&weirv1.GenerateRequest{Messages: hello, Sampling: &weirv1.Sampling{LogitBias: []*weirv1.LogitBias{{TokenId: 1 << 31}}}}, ask.InvalidValue, "sampling.logit_bias[0].token_id"},
		"bias":            {&weirv1.GenerateRequest{Messages: hello, Sampling: &weirv1.Sampling{LogitBias: []*weirv1.LogitBias{{}, {Bias: nan}}}}, ask.InvalidValue, "sampling.logit_bias[1].bias"},
		"many biases":     {&weirv1.GenerateRequest{Messages: hello, Sampling: &weirv1.Sampling{LogitBias: make([]*weirv1.LogitBias, 4097)}}, ask.InvalidValue, "sampling.logit_bias"},
		"too many stops":  {&weirv1.GenerateRequest{Messages: hello, Stop: strings.Split("abcdefghijklmnopq", "")}, ask.InvalidValue, "stop"},
		"text in a text":  {&weirv1.GenerateRequest{Messages: append(hello, &weirv1.Message{Role: "user", Content: "\xff"})}, ask.InvalidValue, "messages[1].content"},
		"text in a list":  {&weirv1.GenerateRequest{Messages: hello, Stop: []string{"a", "\xc3"}}, ask.InvalidValue, "stop[1]"},
		"text in a oneof": {&weirv1.GenerateRequest{Messages: hello, ResponseFormat: &weirv1.ResponseFormat{Format: &weirv1.ResponseFormat_Grammar{Grammar: "\xff"}}}, ask.InvalidValue, "response_format.grammar"},
	} {
		for i := range test.r.GetSampling().GetLogitBias() {
			if test.r.Sampling.LogitBias[i] == nil {
				test.r.Sampling.LogitBias[i] = &weirv1.LogitBias{}
			}
		}
		_, err := askFor(encode(t, test.r))
		f, ok := errors.AsType[*ask.Fault](err)
		if !ok || f.Kind != test.kind || f.Param != test.param || !strings.HasPrefix(f.What, f.Param) {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

// Fields that nobody knows are refused wherever they are, and bytes that are no
// message.
func TestStrangeMessages(t *testing.T) {
	strange := protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)
	inMessage := protowire.AppendBytes(protowire.AppendTag(encode(t, &weirv1.GenerateRequest{Messages: []*weirv1.Message{{Role: "user"}}}), 2, protowire.BytesType), strange)
	for name, test := range map[string]struct {
		message []byte
		kind    ask.Kind
		param   string
	}{
		"unknown field":          {strange, ask.UnknownParameter, "field 99"},
		"unknown field in one":   {inMessage, ask.UnknownParameter, "messages[1].field 99"},
		"JSON":                   {[]byte(`{"prompt":"x"}`), ask.BodyBroken, ""},
		"cut off":                {encode(t, everything())[:50], ask.BodyBroken, ""},
		"another type":           {protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1), ask.BodyBroken, ""},
		"a message that is none": {protowire.AppendBytes(protowire.AppendTag(nil, 6, protowire.BytesType), []byte{0xff}), ask.BodyBroken, ""},
	} {
		_, err := askFor(test.message)
		if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != test.kind || f.Param != test.param || f.Remedy == "" {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

// What is asked for before decoding grows with what decoding takes.
func TestDecodingIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		r    *weirv1.GenerateRequest
		each int64
		n    int
	}{
		"turns":  {&weirv1.GenerateRequest{Messages: manyOf[weirv1.Message](1000)}, messageBytes, 1000},
		"stops":  {&weirv1.GenerateRequest{Stop: make([]string, 1000)}, memberBytes, 1000},
		"tokens": {&weirv1.GenerateRequest{PromptTokenIds: make([]uint32, 1000)}, numberBytes, 1000},
		"text":   {&weirv1.GenerateRequest{Prompt: strings.Repeat("a", 1000)}, textCopies, 1000},
	} {
		held := int64(0)
		full := &ask.Fault{Kind: ask.MemoryFull}
		_, err := Decode(encode(t, test.r), func(n int64) error { held = n; return full })
		if err != error(full) || held < test.each*int64(test.n) {
			t.Errorf("%s: %d bytes, %v", name, held, err)
		}
	}
}

func manyOf[T any](n int) []*T {
	all := make([]*T, n)
	for i := range all {
		all[i] = new(T)
	}
	return all
}
