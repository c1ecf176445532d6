package server_test

import (
	"bytes"
	"encoding/json/v2"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
)

// explained is our member of an answer.
type explained struct {
	Weir map[string]map[string]float64 `json:"weir"`
}

// TestExplained: who asks is told where the time went, in parts that are the whole, and
// who does not is not.
func TestExplained(t *testing.T) {
	s := serveReal(t)
	for _, c := range []struct {
		name, path, body string
		stream           bool
	}{
		{"chat", "/v1/chat/completions", `{"messages":[{"role":"user","content":"rivers"}]`, false},
		{"chat stream", "/v1/chat/completions", `{"messages":[{"role":"user","content":"rivers"}],"stream":true`, true},
		{"chat stream with usage", "/v1/chat/completions",
			`{"messages":[{"role":"user","content":"rivers"}],"stream":true,"stream_options":{"include_usage":true}`, true},
		{"completion", "/v1/completions", `{"prompt":"Once upon"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkExplained(t, s.explanation(t, c.path, c.body+`,"max_tokens":12,"ignore_eos":true,"weir":{"explain":true}}`, c.stream))
			if got := s.explanation(t, c.path, c.body+`,"max_tokens":3,"weir":{"explain":false}}`, c.stream); got != nil {
				t.Errorf("not asked for: %v", got)
			}
		})
	}
}

// explanation is our member of the answer to a body, nil if there is none.
func (s *real) explanation(t *testing.T, path, body string, stream bool) map[string]map[string]float64 {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+key)
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v: %s", err, all)
	}
	frames := [][]byte{all}
	if stream {
		frames = bytes.Split(all, []byte("\n\n"))
	}
	var found explained
	for _, frame := range frames {
		frame = bytes.TrimPrefix(frame, []byte("data: "))
		if !bytes.HasPrefix(frame, []byte("{")) {
			continue
		}
		var one explained
		if err := json.Unmarshal(frame, &one); err != nil {
			t.Fatalf("%v: %s", err, frame)
		}
		if one.Weir != nil && found.Weir != nil {
			t.Errorf("told twice: %s", all)
		}
		if one.Weir != nil {
			found = one
		}
	}
	return found.Weir
}

func checkExplained(t *testing.T, weir map[string]map[string]float64) {
	t.Helper()
	for _, phase := range []string{"first_token", "decode", "longest_gap"} {
		parts, sum := weir[phase], 0.0
		for name, ms := range parts {
			if name != "ms" && name != "token" {
				sum += ms
			}
		}
		if whole := parts["ms"]; whole <= 0 || math.Abs(sum-whole) > whole/50 || parts["decode_ms"]+parts["delayed_ms"] <= 0 {
			t.Errorf("%s: parts %v are %v ms", phase, parts, sum)
		}
	}
	if token := weir["longest_gap"]["token"]; token < 1 || token > 11 {
		t.Errorf("the gap before token %v, of 12", token)
	}
}
