package llamaserver

import (
	"encoding/json/v2"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

func defaults() wire.Defaults {
	return wire.Defaults{Seed: 7, Sampling: ask.Sampling{
		Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, TypicalP: 1, XTCThreshold: 0.1, DynatempExponent: 1, MirostatTau: 5, MirostatEta: 0.1,
		Penalties: ask.Penalties{LastTokens: 64, Repeat: 1}, DRY: ask.DRY{Base: 1.75, AllowedLength: 2, LastTokens: 64, Breakers: []string{"\n"}},
	}}
}

func read(t *testing.T, body string) (*CompletionRequest, *Completion, error) {
	t.Helper()
	var r CompletionRequest
	if err := wire.Decode([]byte(body), &r); err != nil {
		return nil, nil, err
	}
	c, err := r.Ask(defaults())
	return &r, c, err
}

// What a client leaves out is the server's, what it sends is what is asked for, and
// what nobody knows is passed over.
func TestOptions(t *testing.T) {
	for _, test := range []struct {
		body  string
		check func(*Completion) bool
	}{
		{`{}`, func(c *Completion) bool {
			want := ask.Request{Sampling: defaults().Sampling, TopLogprobs: -1}
			want.Sampling.Seed = 7
			return reflect.DeepEqual(c.Request, want) && c.PerPrompt == 1 && !c.Limits.Any() && !c.NewSeeds
		}},
		{`{"tfs_z":1,"rep_pen":7,"n_keep":5,"id_slot":3,"cache_prompt":false,"n_predict":null,"stop":null}`, func(c *Completion) bool { return c.Request.MaxTokens == 0 }},
		{`{"n_predict":5,"max_tokens":9}`, func(c *Completion) bool { return c.Request.MaxTokens == 5 && c.predict == 5 }},
		{`{"max_tokens":9}`, func(c *Completion) bool { return c.Request.MaxTokens == 9 }},
		{`{"n_predict":5.0}`, func(c *Completion) bool { return c.Request.MaxTokens == 5 }},
		{`{"n_predict":-1}`, func(c *Completion) bool { return c.Request.MaxTokens == 0 && c.predict == -1 }},
		{`{"n_predict":0}`, func(c *Completion) bool { return c.Request.MaxTokens == 1 && c.Limits.Nothing }},
		{`{"n":3}`, func(c *Completion) bool { return c.PerPrompt == 3 }},
		{`{"stop":["a","","b"]}`, func(c *Completion) bool { return slices.Equal(c.Request.Stop, []string{"a", "b"}) }},
		{`{"stop":"a"}`, func(c *Completion) bool { return slices.Equal(c.Request.Stop, []string{"a"}) }},
		{`{"temperature":-1,"top_p":7,"min_p":-2,"top_k":-1,"mirostat":9}`, func(c *Completion) bool {
			s := c.Request.Sampling
			return s.Temperature == 0 && s.TopP == 1 && s.MinP == 0 && s.TopK == 0 && s.Mirostat == 2
		}},
		{`{"top_p":0,"typical_p":0}`, func(c *Completion) bool { return c.Request.Sampling.TopP > 0 && c.Request.Sampling.TypicalP > 0 }},
		{`{"top_n_sigma":-1,"xtc_probability":0.5,"dynatemp_range":0.5,"min_keep":3,"repeat_last_n":-1,"presence_penalty":-0.5}`, func(c *Completion) bool {
			s := c.Request.Sampling
			return s.TopNSigma == 0 && s.XTCProbability == 0.5 && s.DynatempRange == 0.5 && s.MinKeep == 3 && s.Penalties.LastTokens == -1 && s.Penalties.Presence == -0.5
		}},
		{`{"dry_base":0.5,"dry_multiplier":1,"dry_sequence_breakers":["x"]}`, func(c *Completion) bool {
			return reflect.DeepEqual(c.Request.Sampling.DRY, ask.DRY{Multiplier: 1, Base: 1.75, AllowedLength: 2, LastTokens: 64, Breakers: []string{"x"}})
		}},
		{`{"seed":-1}`, func(c *Completion) bool { return c.NewSeeds }},
		{`{"seed":4294967295}`, func(c *Completion) bool { return c.NewSeeds }},
		{`{"seed":42.0}`, func(c *Completion) bool { return c.Request.Sampling.Seed == 42 && !c.NewSeeds }},
		{`{"seed":9223372036854776000}`, func(c *Completion) bool { return !c.NewSeeds }},
		{`{"n_probs":3}`, func(c *Completion) bool { return c.Request.TopLogprobs == 3 }},
		{`{"n_probs":0}`, func(c *Completion) bool { return c.Request.TopLogprobs == -1 }},
		{`{"logprobs":2}`, func(c *Completion) bool { return c.Request.TopLogprobs == 2 }},
		{`{"n_probs":3,"post_sampling_probs":true,"temperature":0}`, func(c *Completion) bool { return c.Request.PostSampling }},
		{`{"post_sampling_probs":true}`, func(c *Completion) bool { return !c.Request.PostSampling }},
		{`{"t_max_predict_ms":100,"n_indent":2}`, func(c *Completion) bool { return c.Limits == Limits{AfterNs: 1e8, Indent: 2} }},
		{`{"return_tokens":true}`, func(c *Completion) bool { return c.Request.ReturnTokens }},
		{`{"stream":true}`, func(c *Completion) bool { return c.Request.ReturnTokens }},
		{`{"grammar":"root ::= .","json_schema":{}}`, func(c *Completion) bool {
			return c.Request.Format == ask.Format{Kind: ask.FormatGrammar, Source: "root ::= ."}
		}},
		{`{"json_schema":{"type":"string"}}`, func(c *Completion) bool {
			return c.Request.Format == ask.Format{Kind: ask.FormatSchema, Source: `{"type":"string"}`}
		}},
		{`{"json_schema":null,"grammar":"","lora":[]}`, func(c *Completion) bool { return c.Request.Format == ask.Format{} }},
		{`{"logit_bias":[[5,1.5],[6,false],["a b",-1],[7,true],["",1],[8],9,[-1,1]]}`, func(c *Completion) bool {
			return reflect.DeepEqual(c.Request.Sampling.Bias, []ask.Bias{{Token: 5, Add: 1.5}, {Token: 6, Add: float32(math.Inf(-1))}, {Text: "a b", Add: -1}})
		}},
		{`{"logit_bias":{"12":-100,"hello":false,"x":"y","":3}}`, func(c *Completion) bool {
			return reflect.DeepEqual(c.Request.Sampling.Bias, []ask.Bias{{Token: 12, Add: -100}, {Text: "hello", Add: float32(math.Inf(-1))}})
		}},
		{`{"samplers":["top_k","temperature"],"min_p":0.5}`, func(c *Completion) bool {
			s := c.Request.Sampling
			return s.TopK == 40 && s.Temperature == 0.8 && s.TopP == 1 && s.MinP == 0 && s.Penalties == ask.Penalties{}
		}},
		{`{"samplers":"kt"}`, func(c *Completion) bool { return c.Request.Sampling.TopK == 40 && c.Request.Sampling.MinP == 0 }},
		{`{"samplers":["top_k"]}`, func(c *Completion) bool { return c.Request.Sampling.Temperature == 1 }},
	} {
		_, c, err := read(t, test.body)
		if err != nil || !test.check(c) {
			t.Errorf("%s: %v, %+v", test.body, err, c)
		}
	}
}

// How many tokens are guessed at a time is the client's to say, and whether any are.
func TestDrafts(t *testing.T) {
	for body, want := range map[string]ask.Request{
		`{}`: {},
		`{"speculative.n_max":5,"speculative.n_min":2.0,"speculative.p_min":0.5}`: {MostDraft: 5, LeastDraft: 2},
		`{"n":2,"speculative.n_max":0}`:                                           {MostDraft: -1},
		`{"speculative.n_max":-1,"speculative.n_min":-1}`:                         {MostDraft: -1},
		`{"speculative.n_max":null,"speculative.n_min":3}`:                        {LeastDraft: 3},
	} {
		_, c, err := read(t, body)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range c.Requests(ask.Prompt{}) {
			if r.MostDraft != want.MostDraft || r.LeastDraft != want.LeastDraft {
				t.Errorf("%s: %d at most, %d at least", body, r.MostDraft, r.LeastDraft)
			}
		}
	}
}

// Settings tell of drafts what is in force: the client's, within bounds, or the server's.
func TestDraftsInForce(t *testing.T) {
	d := defaults()
	d.Drafts = wire.DraftsInForce{Most: 16, Least: 2, LeastChance: 0.75}
	for body, want := range map[string]string{
		`{}`: `"speculative.n_max":16,"speculative.n_min":2,"speculative.p_min":0.75`,
		`{"speculative.n_max":5,"speculative.n_min":3,"speculative.p_min":0.5}`: `"speculative.n_max":5,"speculative.n_min":3,"speculative.p_min":0.75`,
		`{"speculative.n_max":0}`:                           `"speculative.n_max":0,"speculative.n_min":0,"speculative.p_min":0.75`,
		`{"speculative.n_max":4,"speculative.n_min":9}`:     `"speculative.n_max":4,"speculative.n_min":4,"speculative.p_min":0.75`,
		`{"speculative.n_max":4096,"speculative.n_min":-1}`: `"speculative.n_max":128,"speculative.n_min":2,"speculative.p_min":0.75`,
	} {
		var r CompletionRequest
		if err := wire.Decode([]byte(body), &r); err != nil {
			t.Fatal(err)
		}
		c, err := r.Ask(d)
		if err != nil {
			t.Fatal(err)
		}
		if settings := string(c.AppendSettings(nil, &c.Request)); !strings.Contains(settings, want+`,"timings_per_token"`) {
			t.Errorf("%s: %s, want %s", body, settings, want)
		}
	}
	props, err := DefaultSettings(d)
	if err != nil || !strings.Contains(string(props), `"speculative.n_max":16,`) {
		t.Errorf("/props: %s, %v", props, err)
	}
}

// Who names a slot wants what is there, and one of several answers has it.
func TestPlace(t *testing.T) {
	for body, want := range map[string][2]ask.Request{
		`{"n":2}`:             {},
		`{"n":2,"id_slot":3}`: {{Slot: 4, Keep: true}},
		`{"n":2,"id_slot":0,"cache_prompt":false}`:   {{Slot: 1, Reuse: ask.ReuseNever}, {Reuse: ask.ReuseNever}},
		`{"n":2,"id_slot":-1,"cache_prompt":true}`:   {{Reuse: ask.ReuseAlways}, {Reuse: ask.ReuseAlways}},
		`{"n":2,"id_slot":null,"cache_prompt":null}`: {},
		`{"n":2,"cache_salt":"x"}`:                   {{CacheSalt: "x"}, {CacheSalt: "x"}},
	} {
		_, c, err := read(t, body)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range c.Requests(ask.Prompt{}) {
			if w := want[i]; r.Slot != w.Slot || r.Keep != w.Keep || r.Reuse != w.Reuse || r.CacheSalt != w.CacheSalt {
				t.Errorf("%s: answer %d: slot %d, keep %v, reuse %v, salt %q", body, i, r.Slot, r.Keep, r.Reuse, r.CacheSalt)
			}
		}
	}
	d := defaults()
	d.Keep = true
	if c, err := new(Options).Ask(d); err != nil || !c.Request.Keep {
		t.Errorf("the server keeps: %v", err)
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		`{"n_predict":1.5}`:                              "n_predict: 1.5 is not a whole number",
		`{"n_predict":-7}`:                               "n_predict: -7 is out of range",
		`{"speculative.n_max":1.5}`:                      "speculative.n_max: 1.5 is not a whole number",
		`{"id_slot":-2}`:                                 "id_slot: -2 is out of range",
		`{"n_cmpl":0}`:                                   "n_cmpl",
		`{"temperature":"hot"}`:                          "temperature",
		`{"repeat_last_n":-2}`:                           "repeat_last_n",
		`{"dry_allowed_length":-1}`:                      "dry_allowed_length",
		`{"dry_sequence_breakers":[]}`:                   "dry_sequence_breakers: 0 strings",
		`{"lora":[{"id":0,"scale":1}]}`:                  "lora: this server has no adapters",
		`{"grammar_lazy":true}`:                          "grammar_lazy",
		`{"json_schema":7}`:                              "json_schema: expected an object",
		`{"samplers":["temperature","top_k"]}`:           "top_k is applied before temperature",
		`{"samplers":["top_z"]}`:                         `"top_z" is no sampler`,
		`{"samplers":7}`:                                 "samplers",
		`{"adaptive_target":0.5}`:                        "adaptive_target",
		`{"stop":7}`:                                     "stop",
		`{"stop":["` + strings.Repeat("x", 2000) + `"]}`: "stop",
		`{"t_max_predict_ms":-2}`:                        "t_max_predict_ms",
		`{"response_fields":"content"}`:                  "response_fields",
		// Each would be looked for in the answer.
		`{"response_fields":[` + strings.Repeat(`"prompt/x",`, 1000) + `"x"]}`: "response_fields: 1001 names",
	} {
		_, _, err := read(t, body)
		f, ok := errors.AsType[*ask.Fault](err)
		if !ok || !strings.Contains(f.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}

// What answers repeat of their request counts before they are made of it: 256 of them
// repeat a grammar 256 times.
func TestHeldBytesAreThoseOfTheEnd(t *testing.T) {
	_, c, err := read(t, `{"n_cmpl":8,"grammar":"`+strings.Repeat("x", 1<<16)+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	r := NewReply(c, ask.Model{}, c.Requests(ask.Prompt{Text: "x"}), []Prompt{{Text: strings.Repeat("y", 1<<16)}})
	held := r.HeldBytes()
	var body []byte
	for i := range c.PerPrompt {
		body = r.Append(body, &ask.Event{Choice: i, ChoiceEnd: &ask.End{}})
	}
	body = r.Append(body, &ask.Event{End: &ask.End{}})
	if len(body) < 1<<20 || len(body) > held+8<<10 {
		t.Errorf("%d bytes, of which %d were known", len(body), held)
	}
}

func TestPrompts(t *testing.T) {
	text := func(s string) ask.Prompt { return ask.Prompt{Text: s} }
	tokens := func(t ...ask.Token) ask.Prompt { return ask.Prompt{Tokens: t} }
	for body, want := range map[string]Prompts{
		`"a"`:                         {{text("a")}},
		`""`:                          {{text("")}},
		`[1,2]`:                       {{tokens(1, 2)}},
		`["a"]`:                       {{text("a")}},
		`["a","b"]`:                   {{text("a")}, {text("b")}},
		`["a",[1,2]]`:                 {{text("a")}, {tokens(1, 2)}},
		`[[1,2],[3,"x",4]]`:           {{tokens(1, 2)}, {tokens(3), text("x"), tokens(4)}},
		`[1,2,"a",3,"b"]`:             {{tokens(1, 2), text("a"), tokens(3), text("b")}},
		`{"prompt_string":"a"}`:       {{text("a")}},
		`["a",{"prompt_string":"b"}]`: {{text("a")}, {text("b")}},
		`[[]]`:                        {nil},
		`{"prompt_string":"a","multimodal_data":[]}`: {{text("a")}},
		`null`: nil,
	} {
		var got Prompts
		if err := json.Unmarshal([]byte(body), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v; want %v", body, got, err, want)
		}
	}
	for _, body := range []string{`7`, `true`, `[]`, `{}`, `[{}]`, `[true]`, `[1,true]`, `[[[1]]]`, `[1.5]`, `[9999999999]`, `{"prompt_string":7}`, `{"prompt_string":"a","multimodal_data":["x"]}`,
		`[` + strings.Repeat(`"a",`, MaxAnswers) + `"a"]`} {
		var got Prompts
		if err := json.Unmarshal([]byte(body), &got); err == nil {
			t.Errorf("%.40s: %v", body, got)
		}
	}
}

// Several answers to one prompt have seeds that follow each other, or new ones.
func TestSeeds(t *testing.T) {
	_, c, err := read(t, `{"seed":5,"n":3}`)
	if err != nil {
		t.Fatal(err)
	}
	all := c.Requests(ask.Prompt{Text: "x"})
	if len(all) != 3 || all[0].Sampling.Seed != 5 || all[2].Sampling.Seed != 7 || all[1].Prompt.Text != "x" {
		t.Errorf("%+v", all)
	}
}

func TestInfill(t *testing.T) {
	bytesOf := func(text string) (tokens []ask.Token, err error) {
		for _, c := range []byte(text) {
			tokens = append(tokens, ask.Token(c))
		}
		return tokens, nil
	}
	spell := func(tokens []ask.Token) string {
		names := map[ask.Token]string{256: "<B>", 300: "<PRE>", 301: "<SUF>", 302: "<MID>", 303: "<REP>", 304: "<SEP>"}
		var s strings.Builder
		for _, t := range tokens {
			if name, ok := names[t]; ok {
				s.WriteString(name)
			} else {
				s.WriteByte(byte(t))
			}
		}
		return s.String()
	}
	gap := Gap{Prefix: 300, Suffix: 301, Middle: 302, Repository: -1, File: -1, Begin: 256, ContextTokens: 4096, Tokenize: bytesOf}
	files := gap
	files.Repository, files.File = 303, 304
	first := gap
	first.SuffixFirst = true
	for _, test := range []struct {
		gap        Gap
		body, want string
	}{
		{gap, `{"input_prefix":"ab","input_suffix":"yz","prompt":"p"}`, "<B><PRE>abp<SUF>yz<MID>"},
		{first, `{"input_prefix":"ab","input_suffix":"yz","prompt":"p"}`, "<B><SUF>yz<PRE>abp<MID>"},
		{gap, `{"input_prefix":"ab","input_suffix":"yz","input_extra":[{"text":"t"}]}`, "<B>\n\n--- snippet ---\n\nt<PRE>ab<SUF>yz<MID>"},
		{files, `{"input_prefix":"ab","input_suffix":"yz","input_extra":[{"filename":"f","text":"t"},{"text":"u"}]}`, "<B><REP>myproject\n<SEP>f\nt<SEP>tmp\nu<SEP>filename\n<PRE>ab<SUF>yz<MID>"},
	} {
		var r InfillRequest
		if err := wire.Decode([]byte(test.body), &r); err != nil {
			t.Fatal(err)
		}
		if err := r.Check(test.gap); err != nil {
			t.Fatal(err)
		}
		tokens, err := r.Build(test.gap)
		if got := spell(tokens); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.body, got, err, test.want)
		}
	}
	// Of long texts what is nearest stays, and what is there fits the context.
	small := gap
	small.ContextTokens, small.AnswerTokens = 64, 8
	long := strings.Repeat("a", 500) + "b"
	r := InfillRequest{Prefix: &long, Suffix: &long, Extra: []Extra{{Text: &long}}}
	tokens, err := r.Build(small)
	if text := spell(tokens); err != nil || len(tokens) >= small.ContextTokens-small.AnswerTokens || !strings.Contains(text, "ab<SUF>a") {
		t.Errorf("%d tokens, %q, %v", len(tokens), text, err)
	}
}

func TestInfillThatIsRefused(t *testing.T) {
	gap := Gap{Prefix: 300, Suffix: 301, Middle: 302}
	for body, want := range map[string]string{
		`{"input_suffix":""}`: "input_prefix is required", `{"input_prefix":""}`: "input_suffix is required",
		`{"input_prefix":"","input_suffix":"","input_extra":[{"filename":"ok"}]}`:             "has no text",
		`{"input_prefix":"","input_suffix":"","input_extra":[{"filename":123,"text":"abc"}]}`: "filename",
		`{"input_prefix":"","input_suffix":"","prompt":7}`:                                    "prompt",
	} {
		var r InfillRequest
		err := wire.Decode([]byte(body), &r)
		if err == nil {
			err = r.Check(gap)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	none := Gap{Prefix: 1, Suffix: -1, Middle: -1}
	if err := new(InfillRequest).Check(none); err == nil || !strings.Contains(err.Error(), "Infill is not supported by this model: suffix token is missing. middle token is missing") {
		t.Error(err)
	}
}

func FuzzCompletionRequest(f *testing.F) {
	for _, seed := range []string{
		`{"prompt":[1,"a",[2]],"logit_bias":[[1,false],["a",2]],"samplers":["top_k"],"stop":"x"}`,
		`{"prompt":{"prompt_string":"x"},"logit_bias":{"5":1},"samplers":"kt","n_predict":0,"n_probs":2}`,
		`{"input_prefix":"a","input_suffix":"b","input_extra":[{"text":"c"}]}`, `{"prompt":`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r CompletionRequest
		if err := wire.Decode(body, &r); err != nil {
			if _, ok := errors.AsType[*ask.Fault](err); !ok {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		c, err := r.Ask(defaults())
		if err != nil {
			return
		}
		s := c.AppendSettings([]byte(`{"seed":1,`), &c.Request)
		var settings map[string]any
		if err := json.Unmarshal(s, &settings); err != nil {
			t.Errorf("settings are no JSON: %v: %s", err, s)
		}
		var infill InfillRequest
		_ = wire.Decode(body, &infill)
	})
}

func TestStreamedPiecesAllocateNothing(t *testing.T) {
	_, c, err := read(t, `{"prompt":"x","stream":true}`)
	if err != nil {
		t.Fatal(err)
	}
	requests := c.Requests(ask.Prompt{Text: "x"})
	r := NewReply(c, ask.Model{ID: "m"}, requests, []Prompt{{Text: "x", Tokens: 1}})
	ev := &ask.Event{Text: []byte("wörld\n"), Tokens: []ask.Token{5, 6}}
	dst := make([]byte, 0, 4<<10)
	if n := testing.AllocsPerRun(100, func() { dst = r.Append(dst[:0], ev) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
