package server_test

import (
	"encoding/json/v2"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate/local"
)

// What llama-server's own tests observe of it, asked of the whole house over the
// fake engine.

// llamaAnswer is an answer to /completion, or a piece of one.
type llamaAnswer struct {
	Content  string         `json:"content"`
	Tokens   []int          `json:"tokens"`
	Stop     bool           `json:"stop"`
	StopType string         `json:"stop_type"`
	Settings map[string]any `json:"generation_settings"`
	Prompt   string         `json:"prompt"`
	NewLine  *bool          `json:"has_new_line"`
	Cut      bool           `json:"truncated"`
	Timings  struct {
		Prompt    int `json:"prompt_n"`
		Predicted int `json:"predicted_n"`
	} `json:"timings"`
	Places []struct {
		ID      int     `json:"id"`
		Token   *string `json:"token"`
		Bytes   []int   `json:"bytes"`
		Logprob float64 `json:"logprob"`
		Prob    float64 `json:"prob"`
		Top     []struct {
			ID      int     `json:"id"`
			Logprob float64 `json:"logprob"`
		} `json:"top_logprobs"`
		TopProbs []struct {
			ID   int     `json:"id"`
			Prob float64 `json:"prob"`
		} `json:"top_probs"`
	} `json:"completion_probabilities"`
}

// llama asks /completion and reads the answer.
func (s *service) llama(t *testing.T, body string) (a llamaAnswer) {
	t.Helper()
	status, _, text := s.post(t, "/completion", body)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", body, status, text)
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%s: %v: %s", body, err, text)
	}
	return a
}

// llamaStream asks for a stream and reads its pieces.
func (s *service) llamaStream(t *testing.T, body string) (pieces []llamaAnswer) {
	t.Helper()
	status, _, text := s.post(t, "/completion", body)
	if status != http.StatusOK || strings.Contains(text, "[DONE]") {
		t.Fatalf("%s: status %d: %s", body, status, text)
	}
	for frame := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
		var a llamaAnswer
		if err := json.Unmarshal([]byte(strings.TrimPrefix(frame, "data: ")), &a); err != nil {
			t.Fatalf("%q: %v", frame, err)
		}
		pieces = append(pieces, a)
	}
	return pieces
}

const life = "I believe the meaning of life is" // 32 tokens, and one to begin with

func serveLlama(t *testing.T, change func(*front.Config)) *service {
	t.Helper()
	return serve(t, enginetest.Options{Printable: true}, engine.ContextConfig{MaxSequences: 2, ContextTokens: 256}, local.Batching{}, change)
}

func TestLlamaCompletion(t *testing.T) {
	s := serveLlama(t, func(c *front.Config) { c.Defaults.MaxTokens, c.Defaults.Seed = 64, 42 })
	for _, test := range []struct {
		predict, predicted int
		tokens             bool
	}{{8, 8, false}, {90, 90, true}, {-1, 64, true}} {
		body := fmt.Sprintf(`{"prompt":%q,"n_predict":%d,"return_tokens":%v,"cache_prompt":false}`, life, test.predict, test.tokens)
		a := s.llama(t, body)
		if a.Timings.Prompt != 33 || a.Timings.Predicted != test.predicted || a.Cut || a.NewLine == nil || a.Prompt != "<|bos|>"+life || a.StopType != "limit" || !a.Stop {
			t.Errorf("%s: %+v", body, a)
		}
		if (len(a.Tokens) == test.predicted) != test.tokens || len(a.Content) != test.predicted {
			t.Errorf("%s: %d tokens, %q", body, len(a.Tokens), a.Content)
		}
		pieces := s.llamaStream(t, strings.Replace(body, "}", `,"stream":true}`, 1))
		content := ""
		for _, p := range pieces[:len(pieces)-1] {
			if content += p.Content; p.Stop || len(p.Tokens) == 0 {
				t.Errorf("%+v", p)
			}
		}
		last := pieces[len(pieces)-1]
		if content != a.Content || !last.Stop || last.StopType != "limit" || last.Timings.Predicted != test.predicted ||
			last.Settings["n_predict"] != float64(test.predicted) || last.Settings["seed"] != 42.0 {
			t.Errorf("%q, %+v", content, last)
		}
	}
}

func TestLlamaSeedsAndPrompts(t *testing.T) {
	s := serveLlama(t, nil)
	ask := func(more string) string { return s.llama(t, `{"n_predict":12,`+more+`}`).Content }
	prompt := fmt.Sprintf(`"prompt":%q,`, life)
	if a := ask(prompt + `"seed":42,"temperature":0.0`); a != ask(prompt+`"seed":42,"temperature":0.0,"cache_prompt":false`) {
		t.Errorf("the same seed gives other texts")
	}
	seen := map[string]bool{}
	for seed := range 4 {
		seen[ask(fmt.Sprintf(`%s"temperature":1,"seed":%d`, prompt, seed))] = true
	}
	if len(seen) != 4 {
		t.Errorf("four seeds give %d texts", len(seen))
	}

	_, _, text := s.post(t, "/tokenize", fmt.Sprintf(`{"content":%q,"add_special":true}`, life))
	tokens := strings.TrimSuffix(strings.TrimPrefix(text, `{"tokens":`), "}")
	one := ask(`"temperature":0,"prompt":` + tokens)
	for _, several := range []string{`[` + tokens + `,` + tokens + `]`, fmt.Sprintf(`[%s,%q]`, tokens, life)} {
		_, _, text := s.post(t, "/completion", `{"temperature":0,"n_predict":12,"prompt":`+several+`}`)
		var all []llamaAnswer
		if err := json.Unmarshal([]byte(text), &all); err != nil || len(all) != 2 || all[0].Content != one || all[1].Content != one {
			t.Errorf("%v: %s; want %q twice", err, text, one)
		}
	}
	if mixed := ask(fmt.Sprintf(`"prompt":[1,2,3,4,5,6,%q,7,8,9,10,%q]`, "ab", "cd")); len(mixed) != 12 {
		t.Errorf("%q", mixed)
	}
}

// What goes on behind the end of an answer shows that no token ends it.
func TestLlamaIgnoresEnds(t *testing.T) {
	s := serveLlama(t, nil)
	for body, want := range map[string]string{
		`"ignore_eos":true`:              fmt.Sprintf(`[{"bias":null,"token":%d}]`, enginetest.EOS),
		`"ignore_eos":false`:             `[]`,
		`"logit_bias":[[5,false],[6,1]]`: `[{"bias":null,"token":5},{"bias":1,"token":6}]`,
	} {
		_, _, text := s.post(t, "/completion", `{"prompt":"x","n_predict":2,"response_fields":["generation_settings/logit_bias"],`+body+`}`)
		if text != `{"generation_settings/logit_bias":`+want+`}` {
			t.Errorf("%s: %s", body, text)
		}
	}
}

func TestLlamaProbabilities(t *testing.T) {
	s := serveLlama(t, nil)
	body := fmt.Sprintf(`{"prompt":%q,"n_probs":10,"temperature":0.0,"n_predict":5}`, life)
	places := s.llama(t, body).Places
	for _, p := range s.llamaStream(t, strings.Replace(body, "}", `,"stream":true}`, 1)) {
		if !p.Stop && len(p.Places) != 1 {
			t.Errorf("%+v", p)
		}
		places = append(places, p.Places...)
	}
	if len(places) != 10 {
		t.Fatalf("%d places", len(places))
	}
	for _, p := range places {
		if p.ID <= 0 || p.Token == nil || p.Logprob > 0 || len(p.Bytes) == 0 || len(p.Top) != 10 || p.Top[0].ID != p.ID || p.Top[0].Logprob < p.Top[9].Logprob {
			t.Errorf("%+v", p)
		}
	}
	for _, p := range s.llama(t, strings.Replace(body, "}", `,"post_sampling_probs":true}`, 1)).Places {
		if p.Prob != 1 || len(p.TopProbs) != 1 || p.TopProbs[0].Prob != 1 || p.TopProbs[0].ID != p.ID {
			t.Errorf("%+v", p)
		}
	}
}

// Probabilities after sampling are those of what could have been drawn, and of
// nothing else: where fewer are left than are asked for, they are all.
func TestLlamaProbabilitiesAfterSampling(t *testing.T) {
	s := serveLlama(t, nil)
	for body, left := range map[string]int{
		`{"prompt":"Hello","n_predict":6,"n_probs":10,"post_sampling_probs":true,"temperature":1,"top_k":40,"top_p":1,"min_p":0,"seed":7}`:  40,
		`{"prompt":"Hello","n_predict":6,"n_probs":10,"post_sampling_probs":true,"temperature":1,"top_k":4,"top_p":1,"min_p":0,"seed":7}`:   4,
		`{"prompt":"Hello","n_predict":6,"n_probs":10,"post_sampling_probs":true,"temperature":1.5,"top_k":0,"top_p":1,"min_p":0,"seed":7}`: 100,
	} {
		a := s.llama(t, body)
		if len(a.Places) != 6 || a.Settings["post_sampling_probs"] != true {
			t.Fatalf("%d places, settings %v", len(a.Places), a.Settings)
		}
		for _, p := range a.Places {
			sum, drawn := 0.0, 0.0
			for i, top := range p.TopProbs {
				sum += top.Prob
				if top.ID == p.ID {
					drawn = top.Prob
				}
				if top.Prob <= 0 || i > 0 && top.Prob > p.TopProbs[i-1].Prob {
					t.Errorf("%s: %+v", body, p.TopProbs)
				}
			}
			if len(p.TopProbs) != min(left, 10) || p.Prob <= 0 || p.Prob > 1 || sum > 1+1e-6 || drawn != 0 && drawn != p.Prob {
				t.Errorf("%s: %+v", body, p)
			}
			if left < 10 && (math.Abs(sum-1) > 1e-6 || drawn == 0) {
				t.Errorf("%s: all that is left has %v: %+v", body, sum, p)
			}
		}
	}
}

// The context ends what nothing else does, and what does not fit is refused.
func TestLlamaContext(t *testing.T) {
	s := serveLlama(t, nil) // 128 tokens a sequence
	if a := s.llama(t, `{"prompt":"Hi how are you","n_predict":64}`); a.Timings.Predicted != 64 || a.Cut {
		t.Errorf("%+v", a)
	}
	if a := s.llama(t, `{"prompt":"Hi how are you","n_predict":-1}`); a.Timings.Predicted != 128-15 || !a.Cut || a.StopType != "limit" {
		t.Errorf("%+v", a)
	}
	status, _, text := s.post(t, "/completion", `{"n_predict":64,"prompt":"`+strings.Repeat(life, 8)+`"}`)
	if status != http.StatusBadRequest || !strings.Contains(text, "exceeds the available context size") || !strings.Contains(text, `"n_prompt_tokens":257,"n_ctx":128`) {
		t.Errorf("status %d: %s", status, text)
	}
	if a := s.llama(t, `{"prompt":"x","n_predict":0}`); a.Timings.Predicted != 0 || a.Content != "" || a.StopType != "limit" {
		t.Errorf("%+v", a)
	}
}

func TestLlamaServerIsDescribed(t *testing.T) {
	s := serveLlama(t, func(c *front.Config) { c.Defaults.Seed = 42 })
	_, _, text := s.do(t, http.MethodGet, "/props", "", nil)
	var props struct {
		Path     string `json:"model_path"`
		Slots    int    `json:"total_slots"`
		Template string `json:"chat_template"`
		BOS      string `json:"bos_token"`
		Defaults struct {
			Context int            `json:"n_ctx"`
			Params  map[string]any `json:"params"`
		} `json:"default_generation_settings"`
	}
	if err := json.Unmarshal([]byte(text), &props); err != nil || !strings.HasSuffix(props.Path, ".gguf") || props.Slots != 2 || props.Template != chatTemplate ||
		props.BOS != "<|bos|>" || props.Defaults.Context != 128 || props.Defaults.Params["seed"] != 42.0 {
		t.Errorf("%v: %s", err, text)
	}
	_, _, text = s.post(t, "/apply-template", `{"messages":[{"role":"system","content":"be"},{"role":"user","content":[{"type":"text","text":"hi"}]}],"tools":[]}`)
	if text != `{"prompt":"<|bos|>[system]be[user]hi[assistant]"}` {
		t.Error(text)
	}
	_, _, text = s.post(t, "/apply-template", `{"messages":[{"role":"user","content":"hi"}],"add_generation_prompt":false}`)
	if text != `{"prompt":"<|bos|>[user]hi"}` {
		t.Error(text)
	}
	_, _, text = s.post(t, "/chat/completions/input_tokens", `{"messages":[{"role":"user","content":"hi"}]}`)
	if text != `{"object":"response.input_tokens","input_tokens":20}` {
		t.Error(text)
	}
	if status, _, text := s.post(t, "/infill", `{"input_prefix":"a","input_suffix":"b"}`); status != http.StatusNotImplemented || !strings.Contains(text, "Infill is not supported by this model") {
		t.Errorf("status %d: %s", status, text)
	}
}

// A slot is busy as long as its request is answered, and free again when its client
// has gone.
func TestLlamaSlots(t *testing.T) {
	gate := make(chan struct{})
	s := serve(t, enginetest.Options{Printable: true, Gate: gate}, engine.ContextConfig{MaxSequences: 2, ContextTokens: 256}, local.Batching{}, nil)
	slots := func() (busy []int) {
		_, _, text := s.do(t, http.MethodGet, "/slots", "", nil)
		var all []struct {
			ID   int            `json:"id"`
			Busy bool           `json:"is_processing"`
			Ctx  int            `json:"n_ctx"`
			Rest map[string]any `json:",embed"`
		}
		if err := json.Unmarshal([]byte(text), &all); err != nil || len(all) != 2 || all[0].Ctx != 128 {
			t.Fatalf("%v: %s", err, text)
		}
		for _, slot := range all {
			if _, params := slot.Rest["params"]; params {
				t.Errorf("%+v", slot)
			}
			if slot.Busy {
				busy = append(busy, slot.ID)
			}
		}
		return busy
	}
	if busy := slots(); len(busy) != 0 {
		t.Errorf("%v are busy", busy)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/completion", strings.NewReader(`{"prompt":"x","stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	opened := make(chan *http.Response)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
		}
		opened <- response
	}()
	s.wait(t, "a sequence at work", func(stats local.Stats) bool { return stats.Active == 1 && stats.Decoding > 0 })
	if busy := slots(); !slices.Equal(busy, []int{0}) {
		t.Errorf("%v are busy", busy)
	}
	close(gate)
	response := <-opened
	_ = response.Body.Close() // the client goes
	s.wait(t, "no sequence at work", func(stats local.Stats) bool { return stats.Active == 0 })
	s.wait(t, "free slots", func(local.Stats) bool { return len(slots()) == 0 })
}
