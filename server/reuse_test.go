package server_test

import (
	"net/http"
	"regexp"
	"strconv"
	"testing"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate/local"
)

// lastCount is the last number that pattern finds in an answer, -1 if there is none.
func lastCount(t *testing.T, pattern, answer string) int {
	t.Helper()
	all := regexp.MustCompile(pattern).FindAllStringSubmatch(answer, -1)
	if len(all) == 0 {
		return -1
	}
	n, err := strconv.Atoi(all[len(all)-1][1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Every dialect says exactly how many tokens of a prompt were not computed again: none
// at first, and then all but the last, whose logits are wanted.
func TestCachedTokensAreTold(t *testing.T) {
	const (
		messages = `"messages":[{"role":"user","content":"What does a weir hold back?"}],"max_tokens":3`
		cached   = `"cached_tokens":(\d+)`
	)
	for name, test := range map[string]struct {
		path, body      string
		prompt, pattern string
		uncounted       bool // prompt is what was not there
	}{
		"chat":            {"/v1/chat/completions", `{` + messages + `}`, `"prompt_tokens":(\d+)`, cached, false},
		"chat, stream":    {"/v1/chat/completions", `{` + messages + `,"stream":true,"stream_options":{"include_usage":true}}`, `"prompt_tokens":(\d+)`, cached, false},
		"completion":      {"/v1/completions", `{"prompt":"What does a weir hold back?","max_tokens":3}`, `"prompt_tokens":(\d+)`, cached, false},
		"response":        {"/v1/responses", `{"input":"What does a weir hold back?","max_output_tokens":16}`, `"input_tokens":(\d+)`, cached, false},
		"message":         {"/v1/messages", `{` + messages + `}`, `"input_tokens":(\d+)`, `"cache_read_input_tokens":(\d+)`, true},
		"message, stream": {"/v1/messages", `{` + messages + `,"stream":true}`, `"input_tokens":(\d+)`, `"cache_read_input_tokens":(\d+)`, true},
		"llama-server":    {"/completion", `{"prompt":"What does a weir hold back?","n_predict":3}`, `"tokens_evaluated":(\d+)`, `"tokens_cached":(\d+)`, false},
		"timings":         {"/completion", `{"prompt":"What does a weir hold back?","n_predict":3}`, `"prompt_n":(\d+)`, `"cache_n":(\d+)`, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, saying("Yes, indeed."), engine.ContextConfig{MaxSequences: 2, ContextTokens: 1024}, local.Batching{}, nil)
			ask := func() (prompt, cached int) {
				status, _, answer := s.post(t, test.path, test.body)
				if status != http.StatusOK {
					t.Fatalf("status %d: %s", status, answer)
				}
				prompt, cached = lastCount(t, test.prompt, answer), lastCount(t, test.pattern, answer)
				if test.uncounted {
					prompt += cached
				}
				return prompt, cached
			}
			prompt, before := ask()
			again, after := ask()
			if before != 0 || prompt < 20 || again != prompt || after != prompt-1 {
				t.Errorf("%d of %d tokens at first, then %d of %d", before, prompt, after, again)
			}
		})
	}
}

// The metrics count what was reused.
func TestReuseIsCounted(t *testing.T) {
	s := serve(t, saying("Yes, indeed."), engine.ContextConfig{MaxSequences: 2, ContextTokens: 1024}, local.Batching{}, nil)
	for range 3 {
		s.post(t, "/v1/completions", `{"prompt":"What does a weir hold back?","max_tokens":3}`)
	}
	_, _, metrics := s.do(t, http.MethodGet, "/metrics", "", nil)
	asked := lastCount(t, `(?m)^weir_prefix_cache_queries_total\{.*\} (\d+)$`, metrics)
	reused := lastCount(t, `(?m)^weir_prefix_cache_hits_total\{.*\} (\d+)$`, metrics)
	requests := lastCount(t, `(?m)^weir_prefix_reusing_requests_total\{.*\} (\d+)$`, metrics)
	if requests != 2 || asked < 60 || reused != asked/3*2-2 {
		t.Errorf("%d tokens asked, %d reused by %d requests", asked, reused, requests)
	}
}
