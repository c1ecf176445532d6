package openai

import (
	"encoding/json/jsontext"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// Events of two answers, with all that an event can have.
func severalEvents() []ask.Event {
	call := func(index int, id, name, arguments string) []ask.CallPiece {
		return []ask.CallPiece{{Index: index, ID: id, Name: name, Arguments: []byte(arguments)}}
	}
	end := &ask.End{Reason: ask.FinishCalls, PromptTokens: 3, CompletionTokens: 4, ReasoningTokens: 2, CachedTokens: 1}
	return []ask.Event{
		{Choice: 1, Reasoning: []byte("\"hm\n")},
		{Choice: 0, Text: []byte("a\n\"\\\x01é€😀"), Logprobs: scored},
		{Choice: 1, Reasoning: []byte("x"), Text: []byte("y"), Calls: call(0, "i\"d", "f\"", `{"`)},
		{Choice: 1, Calls: call(0, "", "", `a":1}`), Logprobs: scored},
		{Choice: 1, Calls: call(1, "id2", "g", ``)},
		{Choice: 1, ChoiceEnd: end},
		{Choice: 0, ChoiceEnd: &ask.End{Reason: ask.FinishLength}},
		{End: end},
	}
}

// Whatever a request asked for, what it gets is JSON.
func TestSeveralAnswersAreJSON(t *testing.T) {
	for i := range 1 << 5 {
		shape := Shape{
			Chat: i&1 > 0, Choices: 2, Logprobs: i&2 > 0, Usage: i&4 > 0, HideReasoning: i&8 > 0, FunctionCall: i&16 > 0,
		}
		stream, answer := NewStream(testHead, shape), NewAnswer(testHead, shape)
		var b, whole []byte
		for _, ev := range severalEvents() {
			if !shape.Chat {
				ev.Reasoning, ev.Calls = nil, nil
			}
			b = stream.Append(b, &ev)
			whole = answer.Append(whole, &ev)
		}
		frames(t, b[:len(b)-len("data: [DONE]\n\n")])
		if whole = append(answer.Head(), whole...); !jsontext.Value(whole).IsValid() {
			t.Errorf("%+v: %s", shape, whole)
		}
		if answer.HeldBytes() == 0 {
			t.Errorf("%+v: nothing is held", shape)
		}
	}
}

// A token of a plain stream costs no allocation, whichever answer it is of, nor do
// reasoning and calls.
func TestStreamsAllocateNothing(t *testing.T) {
	s := NewStream(testHead, Shape{Chat: true, Choices: 2, Usage: true})
	buf := make([]byte, 0, 8192)
	all := severalEvents()
	for i := range all[:5] {
		all[i].Logprobs = nil
		buf = s.Append(buf[:0], &all[i])
		if n := testing.AllocsPerRun(100, func() { buf = s.Append(buf[:0], &all[i]) }); n != 0 {
			t.Errorf("event %d: %v allocations", i, n)
		}
	}
	r := NewResponseStream(&ResponseHead{id: "X", begin: `{"status":"`, end: "}"})
	text := ask.Event{Text: []byte("word ")}
	buf = r.Append(buf[:0], &text)
	r.output.items[0].text = make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = r.Append(buf[:0], &text) }); n != 0 {
		t.Errorf("response: %v allocations", n)
	}
}
