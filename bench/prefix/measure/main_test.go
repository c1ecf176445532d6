package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/bench/prefix"
)

// fake says of each prompt that all but a quarter of it was there, and an answer that
// is sent back to it.
func fake(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Messages  []message
			MaxTokens int `json:"max_tokens"`
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/v1/completions" {
			w.Header().Set("Content-Type", "text/event-stream")
			for range asked.MaxTokens {
				fmt.Fprint(w, "data: {\"choices\":[{\"text\":\"a\"}]}\n\n")
			}
			fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}],\"usage\":{\"completion_tokens\":%d}}\n\n", asked.MaxTokens)
			fmt.Fprint(w, "data: [DONE]\n\n")
			return
		}
		for i, m := range asked.Messages {
			if m.Role == "assistant" && m.Content != fmt.Sprint("after ", i) {
				t.Errorf("message %d is %q", i, m.Content)
			}
		}
		fmt.Fprintf(w, `{"choices":[{"message":{"role":"assistant","content":"after %d"}}],"usage":{"prompt_tokens":40,"prompt_tokens_details":{"cached_tokens":30}}}`, len(asked.Messages))
	}))
	t.Cleanup(server.Close)
	return server
}

// What a server says is what is recorded, of as many requests as there are to be.
func TestMeasure(t *testing.T) {
	sampletest.SetFlags(t, map[string]string{"url": fake(t).URL, "prompts": "2", "words": "5", "conversations": "3", "turns": "4"})
	r := sample.NewRecorder(prefix.Experiment)
	if err := measure(r); err != nil {
		t.Fatal(err)
	}
	got := r.Measurements()
	if got["errors"] != 0 || got["conversations/prompt_tokens"] != 3*4*40 || got["conversations/cached_share"] != 0.75 ||
		got["repeated/cached_share"] != 0.75 || got["first/first_token_us"] <= 0 || got["repeated/share_of_first"] <= 0 {
		t.Errorf("measured %v", got)
	}
}

// Turns that have no answer count, and those after them.
func TestFailuresAreCounted(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	sampletest.SetFlags(t, map[string]string{"conversations": "2", "turns": "3"})
	r := sample.NewRecorder(prefix.Experiment)
	if failed := converse(t.Context(), r, server.URL); failed != 6 {
		t.Errorf("%d failed", failed)
	}
}

func TestFlagsAreChecked(t *testing.T) {
	for name, value := range map[string]string{"prompts": "0", "conversations": "257", "turns": "0"} {
		sampletest.SetFlags(t, map[string]string{name: value, "url": "http://127.0.0.1:1"})
		if err := measure(sample.NewRecorder(prefix.Experiment)); err == nil {
			t.Errorf("-%s=%s was taken", name, value)
		}
		sampletest.SetFlags(t, map[string]string{name: "2"})
	}
}
