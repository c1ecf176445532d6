package api

import (
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/openai"
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
			s := serveOn(t, backend, saying(test.reply), engine.ContextConfig{}, batch.Config{}, nil)
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

// discard is a client that reads everything at once.
type discard struct{ bytes int }

func (d *discard) WriteFrames(frames []byte) error {
	d.bytes += len(frames)
	return nil
}

// From a token to its frame nothing is allocated.
func TestStreamingAllocatesNothingPerToken(t *testing.T) {
	s := serve(t, saying("x"), engine.ContextConfig{}, batch.Config{}, nil)
	client := new(discard)
	out := s.handler.newStreamSink(client, openai.NewChatStream(openai.Head{ID: "id", Model: "tiny"}, false))
	defer out.release()
	j := newJob()
	defer j.release()
	j.params.TopLogprobs = -1
	if err := j.text.Reset([]string{"stop"}); err != nil {
		t.Fatal(err)
	}
	var results []batch.Result
	for _, b := range "a s€" {
		results = append(results, batch.Result{Token: engine.Token(b & 0xff)})
	}
	token := func() {
		if _, err := s.handler.deliver(results, time.Now(), j, out); err != nil {
			t.Fatal(err)
		}
	}
	token() // buffers grow
	if n := testing.AllocsPerRun(200, token); n != 0 {
		t.Errorf("%v allocations for 4 tokens", n)
	}
	if client.bytes == 0 {
		t.Error("no frames")
	}
}
