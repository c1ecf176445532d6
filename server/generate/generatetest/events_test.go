package generatetest

import (
	"slices"
	"testing"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
)

func TestThoughtsAndCalls(t *testing.T) {
	g := &Generator{Reply: "ok", Before: slices.Concat(Thought("é?"), Called(0, "call_1", "f", `{"a":"é"}`), Called(1, "call_2", "g", ""))}
	events, err := g.Submit(t.Context(), &ask.Request{Prompt: ask.Prompt{Text: "x"}, TopLogprobs: -1})
	if err != nil {
		t.Fatal(err)
	}
	feed := mailbox.NewFeed()
	var entry mailbox.Entry
	entry.Init(feed, nil)
	events.Announce(&entry)
	var text, reasoning string
	var calls []string
	var ev ask.Event
	for events.Next(&ev) && ev.End == nil {
		text += string(ev.Text)
		reasoning += string(ev.Reasoning)
		for _, c := range ev.Calls {
			if c.Name != "" {
				calls = append(calls, c.ID+" "+c.Name+" ")
			}
			calls[c.Index] += string(c.Arguments)
		}
	}
	if text != "ok" || reasoning != "é?" || !slices.Equal(calls, []string{`call_1 f {"a":"é"}`, "call_2 g "}) {
		t.Errorf("%q, %q, %q", text, reasoning, calls)
	}
	if e := ev.End; e == nil || e.Reason != ask.FinishCalls || e.ReasoningTokens != 2 || e.CompletionTokens != 2+1+9+1+2 {
		t.Errorf("%+v", ev.End)
	}
}
