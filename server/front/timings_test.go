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
	Progress *struct {
		Total     int  `json:"total"`
		Cached    int  `json:"cache"`
		Processed int  `json:"processed"`
		Ms        *int `json:"time_ms"`
	} `json:"prompt_progress"`
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

// Pieces of a stream say how much of the prompt is computed, before all text, if
// the client asks for them. A chat has its role once.
func TestReturnProgress(t *testing.T) {
	for _, test := range []struct{ path, body string }{
		{"/v1/chat/completions", `"messages":[{"role":"user","content":"hello"}]`},
		{"/v1/chat/completions", `"messages":[{"role":"user","content":"hello"}],"stream_options":{"include_usage":true}`},
		{"/v1/completions", `"prompt":"hello, world"`},
		{"/v1/responses", `"input":"hello"`},
		{"/completion", `"prompt":"hello, world"`},
		{"/completion", `"prompt":"hello, world","n_predict":0`},
	} {
		t.Run(test.path, func(t *testing.T) {
			s := serve(t, &generatetest.Generator{Reply: "abc"}, nil)
			read := func(more string) []telling {
				status, _, stream := s.post(t, test.path, `{`+test.body+more+`}`)
				if status != http.StatusOK {
					t.Fatalf("status %d: %s", status, stream)
				}
				return tellings(t, stream)
			}
			total, roles := 0, 0
			var processed []int
			for _, piece := range read(`,"stream":true,"return_progress":true`) {
				if len(piece.Choices) > 0 && piece.Choices[0].Delta.Role != "" {
					roles++
				}
				p := piece.Progress
				if p == nil {
					continue
				}
				total, processed = p.Total, append(processed, p.Processed)
				if p.Cached != 1 || p.Ms == nil || piece.Type != "" && piece.Type != "response.in_progress" {
					t.Errorf("%+v: %+v", piece, *p)
				}
			}
			if want := []int{1, total / 2, total}; total == 0 || !slices.Equal(processed, want) {
				t.Errorf("processed %d, want %d", processed, want)
			}
			if chat := strings.Contains(test.path, "chat"); chat && roles != 1 {
				t.Errorf("%d roles", roles)
			}
			for _, piece := range read(`,"stream":true`) {
				if piece.Progress != nil {
					t.Errorf("not asked for: %+v", *piece.Progress)
				}
			}
			read(`,"return_progress":true`) // of a whole answer nothing comes before it
		})
	}
}
