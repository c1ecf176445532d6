package generate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
)

// scripted gives events of a list, and nothing where the list has an empty one.
type scripted struct {
	events    []ask.Event
	entry     *mailbox.Entry
	cancelled bool
}

func (s *scripted) Announce(e *mailbox.Entry) { s.entry = e }
func (s *scripted) Cancel()                   { s.cancelled = true }

func (s *scripted) Next(ev *ask.Event) bool {
	if len(s.events) == 0 {
		return false
	}
	*ev, s.events = s.events[0], s.events[1:]
	return ev.End != nil || len(ev.Text) > 0
}

type scripts []*scripted

func (s *scripts) Model() ask.Model { return ask.Model{} }

func (s *scripts) Submit(_ context.Context, r *ask.Request) (generate.Stream, error) {
	one := (*s)[0]
	*s = (*s)[1:]
	if one == nil {
		return nil, &ask.Fault{Kind: ask.QueueFull, What: "full"}
	}
	return one, nil
}

func says(text string) ask.Event { return ask.Event{Text: []byte(text)} }

func ends(end ask.End) ask.Event { return ask.Event{End: &end} }

func requests(n int) []*ask.Request {
	all := make([]*ask.Request, n)
	for i := range all {
		all[i] = new(ask.Request)
	}
	return all
}

// told is what a reader that looks until the end is told.
func told(s generate.Stream) (words []string) {
	var ev ask.Event
	for range 100 {
		if !s.Next(&ev) {
			continue
		}
		switch {
		case ev.End != nil:
			return append(words, fmt.Sprintf("end %+v", *ev.End))
		case ev.ChoiceEnd != nil:
			words = append(words, fmt.Sprintf("%d ends %v", ev.Choice, ev.ChoiceEnd.Reason))
		default:
			words = append(words, fmt.Sprintf("%d %s", ev.Choice, ev.Text))
		}
	}
	return append(words, "no end")
}

func TestChoicesAreMerged(t *testing.T) {
	a := &scripted{events: []ask.Event{says("a"), says("b"), ends(ask.End{Reason: ask.FinishLength, PromptTokens: 5, CompletionTokens: 2, QueueNs: 3})}}
	b := &scripted{events: []ask.Event{{}, says("c"), ends(ask.End{PromptTokens: 5, CompletionTokens: 1, ReasoningTokens: 1, QueueNs: 2, DecodeNs: 9})}}
	c := &scripted{events: []ask.Event{ends(ask.End{PromptTokens: 7, CachedTokens: 4})}}
	s, err := generate.Choices(t.Context(), &scripts{a, b, c}, requests(3), 2)
	if err != nil {
		t.Fatal(err)
	}
	var entry mailbox.Entry
	s.Announce(&entry)
	if a.entry != &entry || b.entry != &entry || c.entry != &entry {
		t.Error("an answer has no reader")
	}
	want := fmt.Sprint([]string{
		"0 a", "2 ends stop", "0 b", "1 c", "0 ends length", "1 ends stop",
		fmt.Sprintf("end %+v", ask.End{PromptTokens: 12, CompletionTokens: 3, ReasoningTokens: 1, CachedTokens: 4, QueueNs: 3, DecodeNs: 9}),
	})
	if got := fmt.Sprint(told(s)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var ev ask.Event
	if s.Next(&ev) {
		t.Errorf("%+v after the end", ev)
	}
}

func TestAFaultEndsAllChoices(t *testing.T) {
	broken := &ask.Fault{What: "broken"}
	a := &scripted{events: []ask.Event{says("a"), says("b")}}
	b := &scripted{events: []ask.Event{ends(ask.End{Reason: ask.FinishError, Fault: broken})}}
	s, err := generate.Choices(t.Context(), &scripts{a, b}, requests(2), 2)
	if err != nil {
		t.Fatal(err)
	}
	var ev ask.Event
	if !s.Next(&ev) || !s.Next(&ev) || ev.End == nil || ev.End.Fault != broken || !a.cancelled || s.Next(&ev) {
		t.Errorf("%+v, cancelled %v", ev, a.cancelled)
	}
}

func TestARefusedChoiceLeavesNothing(t *testing.T) {
	a := &scripted{}
	if _, err := generate.Choices(t.Context(), &scripts{a, nil}, requests(2), 2); err == nil || !a.cancelled {
		t.Errorf("%v, cancelled %v", err, a.cancelled)
	}
}

func TestOneChoiceIsItself(t *testing.T) {
	a := &scripted{}
	if s, err := generate.Choices(t.Context(), &scripts{a}, requests(1), 1); err != nil || s != generate.Stream(a) {
		t.Errorf("%v, %v", s, err)
	}
}
