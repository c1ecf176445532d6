package attack_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// filled returns a body of about n bytes: around the middle, as often as fits.
func filled(path, begin, middle, end string, n int) body {
	return body{path, begin + strings.TrimSuffix(strings.Repeat(middle, n/len(middle)), ",") + end}
}

// worst are the dearest bodies there are of a size: each is small work for a
// client and much for a server.
func worst(n int) []body {
	return []body{
		filled("/tokenize", `{"content":"`, "a", `"}`, n),
		filled("/tokenize", `{"content":"`, " ", `"}`, n),
		filled("/tokenize", `{"with_pieces":true,"content":"`, "é!", `"}`, n),
		filled("/tokenize", `{"content":"`, "<|im_start|>", `"}`, n),
		filled(completionPath, `{"prompt":"`, "<s>x", `"}`, n),
		filled(completionPath, `{"prompt":"`, "the ", `"}`, n),
		filled(completionPath, `{"prompt":[`, "7,", `]}`, n),
		filled(completionPath, `{"prompt":"`, `\u0000`, `"}`, n),
		filled(chatPath, `{"messages":[`, `{"role":"user"},`, `]}`, n),
		filled(chatPath, `{"messages":[`, `{"role":"user","content":"x"},`, `]}`, n),
		filled(chatPath, `{"messages":[{"role":"user","content":[`, `{"type":"text","text":""},`, `]}]}`, n),
		filled(chatPath, `{"messages":[{"role":"user","content":"x"}],"stop":[`, `"x",`, `]}`, n),
		filled(chatPath, `{"messages":[{"role":"user","content":"x"}],"metadata":`, "[", "", n),
		filled(chatPath, `{"messages":[{"role":"user","content":"x"}],"`, "k", `":1}`, n),
		filled(chatPath, ``, `{"a":`, ``, n),
		filled(messagesPath, `{"max_tokens":1,"messages":[`, `{"role":"user"},`, `]}`, n),
		filled(messagesPath, `{"max_tokens":1,"messages":[{"role":"user","content":[`, `{"type":"text"},`, `]}]}`, n),
		filled(messagesPath, `{"max_tokens":1,"messages":[{"role":"user","content":[`, `null,`, `]}]}`, n),
		filled(messagesPath, `{"max_tokens":1,"messages":[{"role":"assistant","content":[`, `{"type":"thinking","thinking":"x"},`, `]}]}`, n),
		filled(messagesPath, `{"max_tokens":1,"messages":[{"role":"assistant","content":[`, `{"type":"tool_use","id":"a","name":"f"},`, `]},{"role":"user"}]}`, n),
		filled(messagesPath, `{"max_tokens":1,"messages":[{"role":"user","content":[`, `{"type":"tool_result","tool_use_id":"a"},`, `]}]}`, n),
		filled(messagesPath, `{"max_tokens":1,"messages":[{"role":"user","content":`, `[{"type":"tool_result","tool_use_id":"a","content":`, ``, n),
		filled("/api/chat", `{"model":"tiny","stream":false,"options":{"num_predict":1},"messages":[`, `null,`, `]}`, n),
		filled("/api/chat", `{"model":"tiny","stream":false,"options":{"num_predict":1},"messages":[{"role":"assistant","tool_calls":[`, `{"function":{"name":"f"}},`, `]}]}`, n),
		filled("/detokenize", `{"tokens":[`, "300,", `]}`, n),
		filled("/detokenize", `{"tokens":[`, "[],", `]}`, n),
	}
}

// TestWorstBodies sends the dearest bodies, two at a time of each, while
// others are served. Where they do not find room together, one may be told to
// come again.
func TestWorstBodies(t *testing.T) {
	t.Parallel()
	bodies := worst(times(8<<20-1024, 64<<10))
	onBoth(t, func(t *testing.T, s *target) {
		for _, b := range bodies {
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					status, _, err := s.post(b.path, b.text)
					if err != nil && status != http.StatusServiceUnavailable && status != anthropicOverloaded {
						t.Errorf("POST %s of %s: %v", b.path, shorten(b.text), err)
					}
				})
			}
			for _, real := range realBodies {
				if status, _, err := s.post(real.path, real.text); err != nil || status != http.StatusOK {
					t.Errorf("beside POST %s of %s: %s %s: status %d, %v", b.path, shorten(b.text), real.path, real.text, status, err)
				}
			}
			all.Wait()
		}
	})
}
