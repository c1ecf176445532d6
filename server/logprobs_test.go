package server_test

import (
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate/local"
)

// The entries of a stream are those of its text: none is lost while text is
// held back, and the tokens of a stop string are not among them.
func TestStreamedLogprobsCoverTheText(t *testing.T) {
	onBoth(t, func(t *testing.T, backend iouring.Backend) {
		for _, test := range []struct{ reply, stop, want string }{
			{"one two three", " th", "one two"},
			{"one two three", "x", "one two three"},
			{"a€b", "€", "a"},
			{"tttt th", "th", "tttt "},
		} {
			s := serveOn(t, backend, saying(test.reply), engine.ContextConfig{}, local.Batching{}, nil)
			_, _, body := s.post(t, "/v1/chat/completions", fmt.Sprintf(`{%s,"stream":true,"logprobs":true,"top_logprobs":3,"stop":%q}`, hello, test.stop))
			var text, tokens string
			for line := range strings.Lines(body) {
				data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
				if !ok || data == "[DONE]" {
					continue
				}
				var chunk struct {
					Choices []struct {
						Delta struct {
							Content string `json:"content"`
						} `json:"delta"`
						Logprobs *struct {
							Content []struct {
								Bytes []int `json:"bytes"`
								Top   []any `json:"top_logprobs"`
							} `json:"content"`
						} `json:"logprobs"`
					} `json:"choices"`
				}
				if err := json.Unmarshal([]byte(data), &chunk); err != nil {
					t.Fatalf("%q: %v", data, err)
				}
				choice := chunk.Choices[0]
				text += choice.Delta.Content
				if choice.Logprobs == nil {
					continue
				}
				for _, entry := range choice.Logprobs.Content {
					for _, b := range entry.Bytes {
						tokens += string([]byte{byte(b)})
					}
					if len(entry.Top) != 3 {
						t.Errorf("%q: %d top entries", test.reply, len(entry.Top))
					}
				}
			}
			if text != test.want || tokens != test.want {
				t.Errorf("%q up to %q: text %q, tokens %q, want %q", test.reply, test.stop, text, tokens, test.want)
			}
		}
	})
}
