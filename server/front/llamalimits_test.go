package front

import (
	"testing"
	"time"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/generatetest"
	"github.com/weirgo/weir/server/wire/llamaserver"
)

// A limit of time is one behind a line break, counted from the first piece; the end
// knows what it took, and nothing is left running.
func TestLimits(t *testing.T) {
	for _, test := range []struct {
		name, reply string
		limits      llamaserver.Limits
		text        string
		reason      ask.FinishReason
	}{
		{"none", "a\nbc", llamaserver.Limits{}, "a\nbc", ask.FinishStop},
		{"time", "a\nbcdef", llamaserver.Limits{AfterNs: int64(2500 * time.Millisecond)}, "a\nbc", ask.FinishLength},
		{"time without a break", "abcdef", llamaserver.Limits{AfterNs: 1}, "abcdef", ask.FinishStop},
		{"time before a break", "abcd\nef", llamaserver.Limits{AfterNs: 1}, "abcd\n", ask.FinishLength},
		{"indent", " a\n  b\n c", llamaserver.Limits{Indent: 2}, " a\n  b\n ", ask.FinishLength},
		{"indent kept", "a\n\t\tb\n  c", llamaserver.Limits{Indent: 2}, "a\n\t\tb\n  c", ask.FinishStop},
		{"nothing", "abc", llamaserver.Limits{Nothing: true}, "", ask.FinishLength},
	} {
		t.Run(test.name, func(t *testing.T) {
			scripted := &generatetest.Generator{Reply: test.reply}
			limited := limitedBy(scripted, test.limits)
			if l, ok := limited.(*limitedGenerator); ok {
				now := time.Unix(0, 0)
				l.now = func() time.Time { // a second a piece
					now = now.Add(time.Second)
					return now
				}
			}
			s, err := limited.Submit(t.Context(), &ask.Request{Prompt: ask.Prompt{Text: "x"}, TopLogprobs: -1})
			if err != nil {
				t.Fatal(err)
			}
			text, end := readAll(s)
			if text != test.text || end.Reason != test.reason || end.Fault != nil || end.PromptTokens != 2 || scripted.Running() != 0 {
				t.Errorf("%q, %+v", text, end)
			}
		})
	}
}

// readAll reads a stream to its end.
func readAll(s generate.Stream) (text string, end ask.End) {
	feed := mailbox.NewFeed()
	var entry mailbox.Entry
	entry.Init(feed, nil)
	s.Announce(&entry)
	for {
		feed.Wait()
		feed.Take(nil)
		var ev ask.Event
		for s.Next(&ev) {
			if ev.End != nil {
				return text, *ev.End
			}
			text += string(ev.Text)
		}
	}
}
