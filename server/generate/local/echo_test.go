package local

import (
	"math"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// TestEcho begins the answer with the prompt, in text and in scores, which spell
// the same; the token that the tokenizer adds is in the scores alone. Stop
// strings are looked for in the answer only.
func TestEcho(t *testing.T) {
	for _, test := range []struct {
		prompt ask.Prompt
		text   string // of the prompt
		tokens int    // of the prompt
		most   int
	}{
		{ask.Prompt{Text: "say: "}, "say: ", 6, 3},
		{ask.Prompt{Text: "say: "}, "say: ", 6, -1},
		{ask.Prompt{Text: "<|bos|>s€y: "}, "<|bos|>s€y: ", 9, 0},
		{ask.Prompt{Tokens: []ask.Token{'y', ':', ' '}}, "y: ", 3, 3},
		{ask.Prompt{Tokens: []ask.Token{':', ' ', 0xE2}}, ": \ufffd", 3, -1},
		{ask.Prompt{Text: "x"}, "x", 2, -1},
		{ask.Prompt{Text: strings.Repeat("long ", 8)}, strings.Repeat("long ", 8), 41, 2},
	} {
		for _, top := range []int{-1, 0, 2} {
			g := open(t, enginetest.Options{Next: enginetest.ReplyAfter(": ", "one y")})
			r := &ask.Request{Prompt: test.prompt, MaxTokens: test.most, TopLogprobs: top, Echo: true, Stop: []string{"y"}}
			r.Sampling.Bias = []ask.Bias{{Text: "\x00", Add: -1}}
			pieces, scores, end := answer(t, g, r)
			text, said := strings.Join(pieces, ""), min(end.CompletionTokens, 4)
			if !strings.HasPrefix(text, test.text) || end.Fault != nil || end.PromptTokens != test.tokens {
				t.Errorf("%+v, top %d: %q, %+v", test, top, text, end)
			}
			if want := max(test.most, 0); test.most != 0 && end.CompletionTokens != want || test.most == 0 && end.Reason != ask.FinishStop {
				t.Errorf("%+v, top %d: %+v", test, top, end)
			}
			if top < 0 {
				continue
			}
			if len(scores) != test.tokens+said {
				t.Fatalf("%+v, top %d: %d scores", test, top, len(scores))
			}
			var spelt strings.Builder
			for i, s := range scores {
				spelt.Write(s.Bytes)
				switch {
				case s.First != (i == 0):
					t.Errorf("%+v: score %d: %+v", test, i, s)
				case i == 0 && (s.Top != nil || s.Logprob != 0):
					t.Errorf("%+v: the first has %+v", test, s)
				case i > 0 && (len(s.Top) != top || !(s.Logprob <= 0) || math.IsInf(float64(s.Logprob), 0)):
					t.Errorf("%+v: score %d: %+v", test, i, s)
				}
			}
			if got := strings.ToValidUTF8(spelt.String(), "\ufffd"); got != text {
				t.Errorf("%+v, top %d: scores of %q, text %q", test, top, got, text)
			}
		}
	}
}

// TestEchoOfWhatFails ends with the fault, whatever was handed out before.
func TestEchoOfWhatFails(t *testing.T) {
	for _, top := range []int{-1, 1} {
		g := open(t, enginetest.Options{LogitsFault: func(read int) error {
			if read > 3 {
				return errBroken
			}
			return nil
		}})
		r := &ask.Request{Prompt: ask.Prompt{Text: "say something"}, TopLogprobs: top, Echo: true}
		if _, _, end := answer(t, g, r); end.Reason != ask.FinishError || end.Fault == nil || end.Fault.Kind != ask.Internal {
			t.Errorf("top %d: %+v", top, end)
		}
	}
}
