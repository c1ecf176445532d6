package front_test

import (
	"encoding/json/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/generate/generatetest"
)

// telling is what llama-server's clients look for in a piece of a stream.
type telling struct {
	Type    string `json:"type"`
	Choices []struct {
		Delta struct {
			Role string `json:"role"`
		} `json:"delta"`
	} `json:"choices"`
	Timings *struct {
		Prompt    int `json:"prompt_n"`
		Predicted int `json:"predicted_n"`
	} `json:"timings"`
}

// tellings reads the pieces of a stream.
func tellings(t *testing.T, stream string) (all []telling) {
	t.Helper()
	for line := range strings.Lines(stream) {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || strings.HasPrefix(data, "[DONE]") {
			continue
		}
		var one telling
		if err := json.Unmarshal([]byte(data), &one); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		all = append(all, one)
	}
	return all
}

// Each piece of a stream that has something of the answer has its timings, if the
// client asks for them, and so has its end; without, no piece but the end has.
func TestTimingsPerToken(t *testing.T) {
	for _, test := range []struct {
		path, body string
		predicted  []int // of each piece, -1 for none
	}{
		{"/v1/chat/completions", `"messages":[{"role":"user","content":"hi"}]`, []int{-1, 1, 2, 3, 3}},
		{"/v1/chat/completions", `"messages":[{"role":"user","content":"hi"}],"stream_options":{"include_usage":true}`, []int{-1, 1, 2, 3, 3, 3}},
		{"/v1/chat/completions", `"messages":[{"role":"user","content":"hi"}],"stop":"bx"`, []int{-1, 1, 3, 3}},
		{"/v1/completions", `"prompt":"hi"`, []int{1, 2, 3, 3}},
		{"/v1/responses", `"input":"hi"`, []int{-1, -1, -1, -1, 1, 2, 3, -1, -1, -1, 3}},
		{"/completion", `"prompt":"hi"`, []int{1, 2, 3, 3}},
	} {
		t.Run(test.path, func(t *testing.T) {
			s := serve(t, &generatetest.Generator{Reply: "abc"}, nil)
			read := func(more string) (predicted []int) {
				status, _, stream := s.post(t, test.path, `{`+test.body+`,"stream":true`+more+`}`)
				if status != http.StatusOK {
					t.Fatalf("status %d: %s", status, stream)
				}
				for _, piece := range tellings(t, stream) {
					if piece.Timings == nil {
						predicted = append(predicted, -1)
						continue
					}
					if predicted = append(predicted, piece.Timings.Predicted); piece.Timings.Prompt == 0 {
						t.Errorf("timings without a prompt: %s", stream)
					}
				}
				return predicted
			}
			if got := read(`,"timings_per_token":true`); !slices.Equal(got, test.predicted) {
				t.Errorf("asked for: %d, want %d", got, test.predicted)
			}
			for _, more := range []string{``, `,"timings_per_token":false`} {
				got := read(more)
				if slices.ContainsFunc(got[:len(got)-1], func(n int) bool { return n >= 0 }) {
					t.Errorf("not asked for: %d", got)
				}
			}
			status, _, whole := s.post(t, test.path, `{`+test.body+`,"timings_per_token":true}`)
			if status != http.StatusOK {
				t.Errorf("not streamed: status %d: %s", status, whole)
			}
		})
	}
}
