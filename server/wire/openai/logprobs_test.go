package openai

import (
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// TestFirstTokenHasNoValue: nothing came before the first token of an echoed
// prompt.
func TestFirstTokenHasNoValue(t *testing.T) {
	entries := []ask.Logprob{
		{Candidate: ask.Candidate{Bytes: []byte("a€")}, First: true},
		{Candidate: ask.Candidate{Bytes: []byte("b"), Logprob: -1}, Top: []ask.Candidate{{Bytes: []byte("c"), Logprob: -0.5}}},
	}
	want := `{"tokens":["a€","b"],"token_logprobs":[null,-1],"top_logprobs":[null,{"c":-0.5,"b":-1}],"text_offset":[0,2]}`
	l := newLogprobs(false)
	l.add(entries)
	if got := string(l.take(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	a := NewCompletionAnswer(Head{}, true)
	tail := a.Append(nil, &ask.Event{Text: []byte("a€b"), Logprobs: entries})
	if whole := string(a.Append(append(a.Head(), tail...), &ask.Event{End: &ask.End{}})); !strings.Contains(whole, want) {
		t.Errorf("%s lacks %s", whole, want)
	}
}
