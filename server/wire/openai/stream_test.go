package openai

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
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

var scored = []ask.Logprob{{
	Candidate: ask.Candidate{Bytes: []byte("\xe2\x82"), Logprob: -0.5},
	Top:       []ask.Candidate{{Bytes: []byte("\xe2\x82"), Logprob: -0.5}, {Bytes: []byte("a\""), Logprob: float32(math.Inf(-1))}},
}}

// events are one of each kind, in the order of a generation.
var events = []ask.Event{
	{},
	{Text: []byte("a\n\"\\\x01é€😀")},
	{Text: []byte("x"), Logprobs: scored},
	{End: &ask.End{Reason: ask.FinishLength, PromptTokens: 3, CompletionTokens: 4}},
}

func TestStreamFramesAreJSON(t *testing.T) {
	for _, make := range []func(Head, bool) *Stream{NewChatStream, NewCompletionStream} {
		for _, usage := range []bool{false, true} {
			s := make(testHead, usage)
			var b []byte
			for i := range events {
				b = s.Append(b, &events[i])
			}
			b, ok := bytes.CutSuffix(b, []byte(wire.DoneFrame))
			if !ok {
				t.Errorf("no end: %q", b)
			}
			b = s.AppendFault(b, &ask.Fault{What: "m"})
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

// An answer is one JSON value, whatever its text and wherever that was cut.
func TestAnswerIsJSON(t *testing.T) {
	for _, make := range []func(Head, bool) *Answer{NewChatAnswer, NewCompletionAnswer} {
		for _, withLogprobs := range []bool{false, true} {
			a := make(testHead, withLogprobs)
			var b []byte
			for i := range events {
				b = a.Append(b, &events[i])
			}
			b = append(a.Head(), b...)
			var v struct {
				Choices []struct {
					Text    string `json:"text"`
					Message struct {
						Content string `json:"content"`
					} `json:"message"`
					Logprobs jsontext.Value `json:"logprobs"`
				} `json:"choices"`
				Usage struct {
					Total int `json:"total_tokens"`
				} `json:"usage"`
			}
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatalf("%s: %v", b, err)
			}
			c := v.Choices[0]
			if c.Text+c.Message.Content != "a\n\"\\\x01é€😀x" || v.Usage.Total != 7 || (string(c.Logprobs) != "null") != withLogprobs {
				t.Errorf("%s", b)
			}
		}
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	s, a := NewChatStream(testHead, false), NewChatAnswer(testHead, false)
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = s.Append(buf[:0], &events[1]) }); n != 0 {
		t.Errorf("stream: %v allocations an event", n)
	}
	if n := testing.AllocsPerRun(100, func() { buf = a.Append(buf[:0], &events[1]) }); n != 0 {
		t.Errorf("answer: %v allocations an event", n)
	}
	timed := ask.Event{Text: events[1].Text, SoFar: &ask.End{PromptTokens: 3, CompletionTokens: 2, DecodeNs: 7}}
	if n := testing.AllocsPerRun(100, func() { buf = s.Append(buf[:0], &timed) }); n != 0 {
		t.Errorf("stream with timings: %v allocations an event", n)
	}
}

func TestCompletionLogprobs(t *testing.T) {
	ln := func(p float64) float32 { return float32(math.Log(p)) }
	candidate := func(text string, p float64) ask.Candidate { return ask.Candidate{Bytes: []byte(text), Logprob: ln(p)} }
	var l completionLogprobs
	l.offset = 10
	l.add([]ask.Logprob{
		{Candidate: candidate("é", 0.5), Top: []ask.Candidate{candidate("é", 0.5), candidate("b", 0.25), candidate("é", 0.25)}},
		{Candidate: candidate("xy", 1)},
	})
	l.add([]ask.Logprob{{Candidate: candidate("\x80", 1)}})
	var got struct {
		Tokens      []string             `json:"tokens"`
		Logprobs    []float64            `json:"token_logprobs"`
		Top         []map[string]float64 `json:"top_logprobs"`
		TextOffsets []int                `json:"text_offset"`
	}
	raw := l.take(nil)
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if got.Tokens[0] != "é" || got.Tokens[2] != `bytes:\x80` || len(got.Logprobs) != 3 {
		t.Errorf("tokens %q", got.Tokens)
	}
	if want := []int{10, 11, 13}; !slices.Equal(got.TextOffsets, want) || l.offset != 13 {
		t.Errorf("offsets %v, next %d, want %v, 13", got.TextOffsets, l.offset, want)
	}
	if p := math.Exp(got.Top[0]["é"]); math.Abs(p-0.75) > 1e-6 || len(got.Top[0]) != 2 {
		t.Errorf("tokens of equal text: got %v, want their probabilities' sum 0.75", got.Top[0])
	}
	if p, there := got.Top[1]["xy"]; !there || p != 0 || len(got.Top[1]) != 1 {
		t.Errorf("a chosen token that is not among the likeliest: %v", got.Top[1])
	}
	if raw := l.take(nil); string(raw) != `{"tokens":[],"token_logprobs":[],"top_logprobs":[],"text_offset":[]}` {
		t.Errorf("taken twice: %s", raw)
	}
}

// Each kind of fault has a spelling.
func TestFaultsAreSpelled(t *testing.T) {
	for kind := range ask.Kind(ask.Kinds) {
		if spellings[kind].typ == "" {
			t.Errorf("kind %d has no type", kind)
		}
	}
}

func FuzzFaultIsJSON(f *testing.F) {
	f.Add("m", "p", "r")
	f.Fuzz(func(t *testing.T, what, param, remedy string) {
		raw := jsontext.Value(AppendFault(nil, &ask.Fault{What: what, Param: param, Remedy: remedy}))
		if !raw.IsValid() {
			t.Fatalf("%s", raw)
		}
	})
}
