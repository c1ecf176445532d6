package openai

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"math"
	"strings"
	"testing"
)

var testHead = Head{ID: "chatcmpl-1", Created: 1700000000, Model: `ti"ny`}

func frames(t *testing.T, b []byte) []map[string]any {
	t.Helper()
	var out []map[string]any
	for frame := range strings.SplitSeq(strings.TrimSuffix(string(b), "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(frame, "data: ")
		if !ok || strings.Contains(data, "\n") {
			t.Fatalf("not an SSE frame: %q", frame)
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			t.Fatalf("frame %q: %v", frame, err)
		}
		out = append(out, v)
	}
	return out
}

func TestStreamFramesAreJSON(t *testing.T) {
	entry := []LogprobEntry{{
		TokenLogprob: TokenLogprob{Bytes: []byte("\xe2\x82"), Logprob: -0.5},
		Top:          []TokenLogprob{{[]byte("\xe2\x82"), -0.5}, {[]byte("a\""), float32(math.Inf(-1))}},
	}}
	for _, make := range []func(Head, bool) *StreamEncoder{NewChatStream, NewCompletionStream} {
		for _, usage := range []bool{false, true} {
			e := make(testHead, usage)
			b := e.AppendStart(nil)
			b = e.AppendText(b, []byte("a\n\"\\\x01é€😀"))
			b = e.AppendTextLogprobs(b, []byte("x"), entry)
			b = e.AppendFinish(b, FinishLength)
			b = e.AppendUsage(b, NewUsage(3, 4))
			b = e.AppendError(b, &Error{Message: "m", Type: TypeServer})
			for _, f := range frames(t, b) {
				if _, isError := f["error"]; isError {
					continue
				}
				if f["model"] != testHead.Model || f["created"] != float64(testHead.Created) {
					t.Errorf("frame %v lacks the head", f)
				}
				if _, has := f["usage"]; has != usage {
					t.Errorf("frame %v: usage present is %v, want %v", f, has, usage)
				}
			}
		}
	}
}

func TestStreamAllocatesNothing(t *testing.T) {
	e := NewChatStream(testHead, false)
	text := []byte("hello")
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendText(buf[:0], text) }); n != 0 {
		t.Errorf("%v allocations a chunk", n)
	}
}

func TestCompletionLogprobs(t *testing.T) {
	ln := func(p float64) float32 { return float32(math.Log(p)) }
	entries := []LogprobEntry{
		{TokenLogprob{[]byte("é"), ln(0.5)}, []TokenLogprob{{[]byte("é"), ln(0.5)}, {[]byte("b"), ln(0.25)}, {[]byte("é"), ln(0.25)}}},
		{TokenLogprob{[]byte("xy"), ln(1)}, nil},
		{TokenLogprob{[]byte("\x80"), ln(1)}, nil},
	}
	raw, next := AppendCompletionLogprobs(nil, entries, 10)
	var got struct {
		Tokens      []string             `json:"tokens"`
		Logprobs    []float64            `json:"token_logprobs"`
		Top         []map[string]float64 `json:"top_logprobs"`
		TextOffsets []int                `json:"text_offset"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if got.Tokens[0] != "é" || got.Tokens[2] != `bytes:\x80` {
		t.Errorf("tokens %q", got.Tokens)
	}
	if want := []int{10, 11, 13}; got.TextOffsets[1] != want[1] || got.TextOffsets[2] != want[2] || next != 13 {
		t.Errorf("offsets %v, next %d, want %v, 13", got.TextOffsets, next, want)
	}
	if p := math.Exp(got.Top[0]["é"]); math.Abs(p-0.75) > 1e-6 || len(got.Top[0]) != 2 {
		t.Errorf("tokens of equal text: got %v, want their probabilities' sum 0.75", got.Top[0])
	}
}

func FuzzErrorIsJSON(f *testing.F) {
	f.Add("m", "p", "")
	f.Fuzz(func(t *testing.T, message, param, code string) {
		e := Error{Message: message, Type: TypeServer, Param: param, Code: code}
		if raw := jsontext.Value(e.Append(nil)); !raw.IsValid() {
			t.Fatalf("%s", raw)
		}
	})
}
