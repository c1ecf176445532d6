package front_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// model is a scripted generator that can be looked at.
type model struct {
	*generatetest.Generator
	sequences []generate.Sequence
	fill      generate.FillTokens
	template  string
}

func (m model) Properties() generate.Properties {
	return generate.Properties{Path: "dir/tiny.gguf", ChatTemplate: m.template, BOS: "<|bos|>", EOS: "<|eos|>", Sequences: len(m.sequences)}
}
func (m model) Sequences() []generate.Sequence { return m.sequences }
func (m model) Load() generate.Load {
	return generate.Load{Busy: 1, Waiting: 2, Decodes: 10, Generated: 25}
}
func (m model) FillTokens() generate.FillTokens { return m.fill }

func (m model) Render(_ context.Context, r *ask.Request, open bool) (string, error) {
	var text strings.Builder
	for _, message := range r.Messages {
		fmt.Fprintf(&text, "[%s]%s", message.Role, message.Content)
	}
	if open {
		text.WriteString("[assistant]")
	}
	return text.String() + string(r.TemplateArgs), nil
}

func (m model) SaveSlot(_ context.Context, slot int, name string) (generate.SlotFile, error) {
	if name == "a/b" {
		return generate.SlotFile{}, &ask.Fault{Kind: ask.InvalidValue, Param: "filename", What: "no plain name", Remedy: "give one"}
	}
	return generate.SlotFile{Tokens: 7 + slot, Bytes: 1 << 33}, nil
}

func (m model) RestoreSlot(_ context.Context, slot int, name string) (generate.SlotFile, error) {
	return generate.SlotFile{Tokens: len(name), Bytes: 5}, nil
}

// Rank likes long documents.
func (m model) Rank(_ context.Context, query string, documents []string) (scores []float32, tokens int, err error) {
	for _, d := range documents {
		scores = append(scores, float32(len(d))-0.5)
		tokens += len(query) + len(d)
	}
	return scores, tokens, nil
}

func (m model) EraseSlot(_ context.Context, slot int) (int, error) { return 3 + slot, nil }

func (m model) Count(context.Context, *ask.Request) (int, error) { return 11, nil }

func (m model) Embed(_ context.Context, inputs []ask.Prompt, _ generate.EmbedOptions) ([][]float32, int, error) {
	vectors := make([][]float32, len(inputs))
	for i, p := range inputs {
		vectors[i] = []float32{float32(len(p.Tokens)), 0.5}
	}
	return vectors, len(inputs), nil
}

func newModel(reply string) model {
	return model{
		&generatetest.Generator{Reply: reply},
		[]generate.Sequence{{Busy: true, PromptTokens: 5, Cached: 7, Generated: 3, Remaining: 9}, {}},
		generate.FillTokens{Begin: -1, Prefix: 1, Suffix: 2, Middle: 3, Repository: -1, File: -1},
		"{{ messages }}",
	}
}

func serveModel(t *testing.T, m model, change func(*front.Config)) *service {
	t.Helper()
	return serve(t, m.Generator, func(c *front.Config) {
		c.Generator = m
		if change != nil {
			change(c)
		}
	})
}

func TestLlamaTranscripts(t *testing.T) {
	for _, test := range []struct{ name, reply, path, body string }{
		{"llama-completion", "Hi.\n", "/completion", `{"prompt":"ab","n_predict":8,"seed":42}`},
		{"llama-completion-tokens", "aé", "/completions", `{"prompt":[256,97,"<|sep|>b"],"return_tokens":true,"seed":1,"stop":["z"]}`},
		{"llama-completion-limit", "abcdef", "/completion/", `{"prompt":"x","n_predict":3,"seed":1,"response_fields":["content","generation_settings/n_predict","timings/predicted_n","stop_type","nothing","prompt"]}`},
		{"llama-completion-word", "one two", "/completion", `{"prompt":"x","seed":1,"stop":["q"," t"],"response_fields":["content","stop_type","stopping_word"]}`},
		{"llama-completion-nothing", "abc", "/completion", `{"prompt":"x","n_predict":0,"response_fields":["content","tokens_predicted","stop_type","tokens_evaluated"]}`},
		{"llama-completion-probs", "aé", "/completion", `{"prompt":"x","n_probs":2,"seed":1,"response_fields":["content","completion_probabilities"]}`},
		{"llama-completion-post-probs", "ab", "/completion", `{"prompt":"x","n_probs":2,"temperature":0,"post_sampling_probs":true,"response_fields":["completion_probabilities"]}`},
		{"llama-completion-several", "ab", "/completion", `{"prompt":["x","yy"],"n":2,"seed":5,"n_probs":1,"response_fields":["index","content","prompt","generation_settings/seed","completion_probabilities"]}`},
		{"llama-completion-stream", "aé!", "/completion", `{"prompt":"x","stream":true,"seed":1}`},
		{"llama-completion-stream-probs", "ab", "/completion", `{"prompt":"x","stream":true,"n_probs":1,"stop":["bx"],"response_fields":["content","stop"]}`},
		{"llama-completion-stream-several", "ab", "/completion", `{"prompt":["x","yy"],"stream":true,"response_fields":["index","stop"]}`},
		{"llama-completion-indent", "  a\n  b\nc", "/completion", `{"prompt":"x","n_indent":2,"response_fields":["content","stop_type","has_new_line"]}`},
		{"llama-infill", "abc", "/infill", `{"input_prefix":"p","input_suffix":"s","prompt":"m","response_fields":["content","prompt"]}`},
		{"llama-apply-template", "", "/apply-template", `{"messages":[{"role":"user","content":"hi"}],"chat_template_kwargs":{"a":1}}`},
		{"llama-apply-template-closed", "", "/apply-template", `{"messages":[{"role":"user","content":"hi"}],"add_generation_prompt":false}`},
		{"llama-input-tokens", "", "/v1/chat/completions/input_tokens", `{"messages":[{"role":"user","content":"hi"}]}`},
		{"responses-input-tokens", "", "/v1/responses/input_tokens", `{"model":"x","input":"hi","instructions":"be kind"}`},
		{"llama-embeddings", "", "/embeddings", `{"input":["ab",[1,2,3]]}`},
		{"llama-embedding", "", "/embedding", `{"content":"ab"}`},
		{"llama-tokenize-mixed", "", "/tokenize", `{"content":["a",5,6,"<|sep|>"],"add_special":true}`},
		{"llama-tokenize-none", "", "/tokenize/", `{}`},
		{"llama-adapters", "", "/lora-adapters", `[]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serveModel(t, newModel(test.reply), nil)
			status, header, body := s.post(t, test.path, test.body)
			if status != http.StatusOK || !utf8.ValidString(body) {
				t.Fatalf("status %d: %q", status, body)
			}
			if !strings.HasPrefix(body, "data: ") {
				var v any
				if err := json.Unmarshal([]byte(body), &v); err != nil {
					t.Errorf("%v: %s", err, body)
				}
			}
			golden(t, test.name, fmt.Sprintf("%s\n\n%s", header.Get("Content-Type"), body))
		})
	}
	for name, path := range map[string]string{"llama-props": "/props", "llama-slots": "/slots", "llama-models": "/models/", "llama-no-adapters": "/lora-adapters", "llama-health": "/v1/health"} {
		s := serveModel(t, newModel(""), nil)
		status, _, body := s.do(t, http.MethodGet, path, "", nil)
		if status != http.StatusOK {
			t.Errorf("%s: status %d: %s", name, status, body)
		}
		golden(t, name, body)
	}
}

// A slot's answers have llama-server's members.
func TestSlotActions(t *testing.T) {
	s := serveModel(t, newModel(""), nil)
	for _, test := range []struct{ query, body, begin, end string }{
		{"1?action=save", `{"filename":"x.bin"}`, `{"id_slot":1,"filename":"x.bin","n_saved":8,"n_written":8589934592,"timings":{"save_ms":`, "}}"},
		{"0?action=restore", `{"filename":"x.bin"}`, `{"id_slot":0,"filename":"x.bin","n_restored":5,"n_read":5,"timings":{"restore_ms":`, "}}"},
		{"1?action=erase", `{}`, `{"id_slot":1,"n_erased":4}`, ""},
		{"1?action=erase", ``, `{"id_slot":1,"n_erased":4}`, ""},
	} {
		status, _, body := s.post(t, "/slots/"+test.query, test.body)
		if status != http.StatusOK || !strings.HasPrefix(body, test.begin) || !strings.HasSuffix(body, test.end) {
			t.Errorf("%s: status %d: %s", test.query, status, body)
		}
	}
}

// The best documents come first, in Jina's form or TEI's.
func TestRerank(t *testing.T) {
	s := serveModel(t, newModel(""), nil)
	for _, test := range []struct{ body, want string }{
		{`{"query":"qq","documents":["a","ccc","bb"]}`, `{"model":"tiny","object":"list","usage":{"prompt_tokens":12,"total_tokens":12},"results":[{"index":1,"relevance_score":2.5},{"index":2,"relevance_score":1.5},{"index":0,"relevance_score":0.5}]}`},
		{`{"model":"mine","query":"","documents":["a","ccc"],"top_n":1,"return_documents":true}`, `{"model":"mine","object":"list","usage":{"prompt_tokens":4,"total_tokens":4},"results":[{"index":1,"relevance_score":2.5,"document":{"text":"ccc"}}]}`},
		{`{"query":"q","texts":["a","b"]}`, `[{"index":0,"score":0.5},{"index":1,"score":0.5}]`},
		{`{"query":"q","texts":["","bb"],"return_text":true,"top_n":9}`, `[{"index":1,"score":1.5,"text":"bb"},{"index":0,"score":-0.5,"text":""}]`},
		{`{"query":"q","documents":["a"],"top_n":0}`, `{"model":"tiny","object":"list","usage":{"prompt_tokens":2,"total_tokens":2},"results":[]}`},
	} {
		for _, path := range []string{"/rerank", "/reranking", "/v1/rerank", "/v1/reranking"} {
			if status, _, body := s.post(t, path, test.body); status != http.StatusOK || body != test.want {
				t.Errorf("%s %s: status %d: %s", path, test.body, status, body)
			}
		}
	}
}

// What is streamed is what is answered at once.
func TestLlamaStreamEqualsWhole(t *testing.T) {
	type answer struct {
		Content string      `json:"content"`
		Tokens  []ask.Token `json:"tokens"`
		Stop    bool        `json:"stop"`
		Type    string      `json:"stop_type"`
		Word    string      `json:"stopping_word"`
		Count   int         `json:"tokens_predicted"`
	}
	for _, body := range []string{`"prompt":"x"`, `"prompt":"x","n_predict":4`, `"prompt":"x","stop":["t","o w"]`} {
		s := serveModel(t, newModel("hällo wörld, two"), nil)
		var whole, streamed answer
		_, _, text := s.post(t, "/completion", `{"return_tokens":true,`+body+`}`)
		if err := json.Unmarshal([]byte(text), &whole); err != nil {
			t.Fatal(err)
		}
		_, _, text = s.post(t, "/completion", `{"stream":true,`+body+`}`)
		for line := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
			var piece answer
			if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &piece); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if piece.Stop {
				piece.Content, piece.Tokens = streamed.Content+piece.Content, append(streamed.Tokens, piece.Tokens...)
				streamed = piece
				break
			}
			streamed.Content += piece.Content
			streamed.Tokens = append(streamed.Tokens, piece.Tokens...)
		}
		if fmt.Sprint(whole) != fmt.Sprint(streamed) || !whole.Stop {
			t.Errorf("%s:\n%+v\n%+v", body, whole, streamed)
		}
	}
}

func TestLlamaFaults(t *testing.T) {
	m := newModel("x")
	m.Context = 32
	all := m
	all.sequences = all.sequences[:1]
	long := strings.Repeat("y", 40)
	for _, test := range []struct {
		name, method, path, body string
		change                   func(*front.Config)
		status                   int
		text                     string
	}{
		{"no prompt", "POST", "/completion", `{}`, nil, 400, `"type":"invalid_request_error"`},
		{"malformed", "POST", "/completion", `{`, nil, 400, "malformed JSON"},
		{"empty prompt", "POST", "/completion", `{"prompt":[]}`, nil, 400, "at least one prompt"},
		{"too long", "POST", "/completion", `{"prompt":"` + long + `"}`, nil, 400, `request (41 tokens) exceeds the available context size (32 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":41,"n_ctx":32`},
		{"too many answers", "POST", "/completion", `{"prompt":["a","b"],"n":200}`, nil, 400, "more than 256"},
		{"token", "POST", "/completion", `{"prompt":[9999]}`, nil, 400, "outside the vocabulary"},
		{"no key", "POST", "/completion", `{"prompt":"x"}`, func(c *front.Config) { c.Keys = []string{"secret"} }, 401, `"code":401,"message":"no API key given: send the header Authorization: Bearer KEY","type":"authentication_error"`},
		{"props", "POST", "/props", `{}`, nil, 501, `start it with --props","type":"not_supported_error"`},
		{"props", "DELETE", "/props", ``, nil, 405, "GET, POST"},
		{"slots", "GET", "/slots", ``, func(c *front.Config) { c.Llama.NoSlots = true }, 501, "slots endpoint: start it with --slots"},
		{"no slot", "GET", "/slots?fail_on_no_slot=1", ``, func(c *front.Config) { c.Generator = all }, 503, `"message":"no slot available: try again later","type":"unavailable_error"`},
		{"no keeper", "POST", "/slots/0?action=save", `{"filename":"x"}`, func(c *front.Config) { c.Generator = m.Generator }, 501, "This server does not support slots action"},
		{"no name", "POST", "/slots/0?action=save", `{}`, nil, 400, "filename is required"},
		{"name", "POST", "/slots/0?action=save", `{"filename":"a/b"}`, nil, 400, "no plain name: give one"},
		{"no text", "POST", "/slots/0?action=restore", `{"filename":5}`, nil, 400, "filename"},
		{"slot", "POST", "/slots/0?action=jump", `{}`, nil, 400, "save, restore, erase"},
		{"slot", "POST", "/slots/9?action=save", `{}`, nil, 400, "no such slot"},
		{"rerank", "POST", "/v1/rerank", `{"query":"q","documents":["d"]}`, func(c *front.Config) { c.Generator = m.Generator }, 501, "This server does not support reranking"},
		{"no query", "POST", "/reranking", `{"documents":["d"]}`, nil, 400, "query is required"},
		{"no documents", "POST", "/rerank", `{"query":"q","documents":[]}`, nil, 400, "documents is required"},
		{"no text", "POST", "/rerank", `{"query":"q","documents":[5]}`, nil, 400, "documents"},
		{"too few", "POST", "/rerank", `{"query":"q","documents":["d"],"top_n":-1}`, nil, 400, "top_n"},
		{"adapters", "POST", "/lora-adapters", `[{"id":0,"scale":1}]`, nil, 400, "no adapters"},
		{"adapters", "POST", "/lora-adapters", `{}`, nil, 400, "invalid_request_error"},
		{"infill", "POST", "/infill", `{"input_prefix":"a"}`, nil, 400, "input_suffix is required"},
		{"no infill", "POST", "/infill", `{"input_prefix":"a","input_suffix":"b"}`, func(c *front.Config) { c.Generator = m.Generator }, 501, "Infill is not supported by this model: prefix token is missing. suffix token is missing. middle token is missing"},
		{"no embeddings", "POST", "/embedding", `{"content":"a"}`, func(c *front.Config) { c.Generator = m.Generator }, 501, "This server does not support embeddings"},
		{"no content", "POST", "/embedding", `{}`, nil, 400, "content is required"},
		{"lengths", "POST", "/embedding", `{"content":"a","embd_normalize":-1}`, nil, 400, "embd_normalize"},
	} {
		s := serveModel(t, m, test.change)
		status, _, body := s.do(t, test.method, test.path, test.body, nil)
		if status != test.status || !strings.Contains(body, test.text) || !strings.HasPrefix(body, fmt.Sprintf(`{"error":{"code":%d,`, status)) {
			t.Errorf("%s: status %d, %s\nwant %d, %s", test.name, status, body, test.status, test.text)
		}
	}
}

// The operator's defaults are those of all dialects. What a client says goes before.
func TestLlamaDefaults(t *testing.T) {
	var seen []*ask.Request
	m := newModel("abc def")
	m.Refuse = func(r *ask.Request) error {
		copied := *r
		seen = append(seen, &copied)
		return nil
	}
	s := serveModel(t, m, func(c *front.Config) {
		c.Defaults.MaxTokens = 3
		c.Llama = front.LlamaServer{
			Stop: []string{"d"}, IgnoreEOS: true, RawReasoning: true, Format: ask.Format{Kind: ask.FormatJSON}, TemplateArgs: []byte(`{"a":1,"b":2}`), Timings: true,
		}
	})
	for path, body := range map[string]string{
		"/v1/chat/completions": `{` + hello + `,"max_tokens":-1,"chat_template_kwargs":{"b":3}}`,
		"/v1/completions":      `{"prompt":"x"}`,
		"/completion":          `{"prompt":"x","n_predict":-1}`,
	} {
		seen = nil
		status, _, answer := s.post(t, path, body)
		if status != http.StatusOK || len(seen) != 1 || !strings.Contains(answer, `"timings":{"cache_n":0,"prompt_n":`) {
			t.Fatalf("%s: status %d, %s", path, status, answer)
		}
		r := seen[0]
		if r.MaxTokens != 3 || len(r.Stop) != 1 || !r.IgnoreEOS || !r.RawReasoning || r.Format.Kind != ask.FormatJSON {
			t.Errorf("%s: %+v", path, r)
		}
		if args := string(r.TemplateArgs); r.Messages != nil && args != `{"a":1,"b":3}` {
			t.Errorf("%s: %s", path, args)
		}
	}
	_, _, answer := s.post(t, "/completion", `{"prompt":"x","n_predict":100,"response_fields":["generation_settings/n_predict"]}`)
	if answer != `{"generation_settings/n_predict":100}` {
		t.Error(answer)
	}
	for _, usage := range []string{"true", "false"} {
		_, _, stream := s.post(t, "/v1/chat/completions", `{`+hello+`,"stream":true,"stream_options":{"include_usage":`+usage+`}}`)
		if strings.Count(stream, `"timings":{`) != 1 {
			t.Error(stream)
		}
	}
}

// With verbose, of the client or the operator, an answer shows its prompt.
func TestVerbose(t *testing.T) {
	const shown = `"__verbose":{"prompt":"`
	for operator, bodies := range map[bool][2]string{false: {`,"verbose":true`, ``}, true: {``, `,"verbose":false`}} {
		s := serveModel(t, newModel("x"), func(c *front.Config) { c.Llama.Verbose = operator })
		for i, more := range bodies {
			for _, stream := range []string{"", `,"stream":true`} {
				status, _, answer := s.post(t, "/v1/chat/completions", `{`+hello+more+stream+`}`)
				if want := operator || i == 0; status != http.StatusOK || strings.Contains(answer, shown) != want || strings.Contains(answer, "[user]hi[assistant]") != want {
					t.Errorf("%v, %s: status %d, %s", operator, more+stream, status, answer)
				}
			}
		}
	}
}

// Tokens of prompts are counted whatever the model is called, with what the operator
// tells templates.
func TestAnthropicCount(t *testing.T) {
	s := serveModel(t, newModel("x"), nil)
	status, _, body := s.post(t, "/v1/messages/count_tokens", `{"model":"claude","messages":[{"role":"user","content":"hi"}]}`)
	if status != http.StatusOK || body != `{"input_tokens":11}` {
		t.Errorf("status %d: %s", status, body)
	}
}

// A model has all its names, also where names must be right.
func TestAliases(t *testing.T) {
	s := serveModel(t, newModel("x"), func(c *front.Config) {
		c.StrictModel = true
		c.Llama.Aliases, c.Llama.Tags = []string{"other", "tiny"}, []string{"small"}
	})
	for name, want := range map[string]int{"tiny": 200, "other": 200, "third": 404} {
		for path, fields := range map[string]string{
			"/v1/chat/completions": hello, "/v1/embeddings": `"input":"a"`, "/rerank": `"query":"a","documents":["b"]`,
		} {
			if status, _, body := s.post(t, path, `{`+fields+`,"model":"`+name+`"}`); status != want {
				t.Errorf("%s %s: status %d, %s", path, name, status, body)
			}
		}
		if status, _, body := s.do(t, http.MethodGet, "/v1/models/"+name, "", nil); status != want {
			t.Errorf("%s is listed with status %d, %s", name, status, body)
		}
	}
	if _, _, body := s.do(t, http.MethodGet, "/models", "", nil); !strings.Contains(body, `"aliases":["other","tiny"],"tags":["small"]`) {
		t.Error(body)
	}
}

func TestPrefix(t *testing.T) {
	origins, err := front.ParseOrigins([]string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	s := serveModel(t, newModel("x"), func(c *front.Config) { c.Llama.Prefix, c.Origins = "/llm", origins })
	for path, want := range map[string]int{"/llm/health": 200, "/llm/v1/models/": 200, "/llm/v1/models/tiny/": 200, "/health": 404, "/llmhealth": 404, "/llm": 200} {
		if status, _, body := s.do(t, http.MethodGet, path, "", map[string]string{"Accept": "*/*"}); status != want {
			t.Errorf("%s: status %d: %s", path, status, body)
		}
	}
	for origin, allowed := range map[string]bool{"http://localhost:3000": true, "http://127.0.0.1": true, "http://[::1]:80": true, "https://b.example": false, "null": false} {
		status, header, _ := s.do(t, http.MethodOptions, "/llm/completion", "", map[string]string{
			"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Authorization",
		})
		if got := header.Get("Access-Control-Allow-Origin"); (got == origin) != allowed || status != http.StatusOK {
			t.Errorf("%s: status %d, %q", origin, status, got)
		}
	}
}
