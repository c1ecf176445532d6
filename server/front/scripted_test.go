package front_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/front"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/generate/generatetest"
)

// scripted answers with events that a test has written, and keeps what was asked
// last.
type scripted struct {
	generatetest.Generator
	events []ask.Event
	asked  ask.Request
}

// Submit implements generate.Generator.
func (g *scripted) Submit(_ context.Context, r *ask.Request) (generate.Stream, error) {
	g.asked = *r
	return &scriptedStream{events: g.events}, generate.CheckModel(g.Model(), r.Model)
}

// scriptedStream gives its events, one at a time.
type scriptedStream struct{ events []ask.Event }

// Announce implements generate.Stream.
func (s *scriptedStream) Announce(e *mailbox.Entry) {
	e.Post()
	e.Feed().Wake()
}

// Next implements generate.Stream.
func (s *scriptedStream) Next(ev *ask.Event) bool {
	if len(s.events) == 0 {
		return false
	}
	*ev, s.events = s.events[0], s.events[1:]
	return true
}

// Cancel implements generate.Stream.
func (s *scriptedStream) Cancel() {}

// serveScript is serve for events.
func serveScript(t *testing.T, events []ask.Event) (*service, *scripted) {
	t.Helper()
	g := &scripted{events: events}
	return serve(t, &g.Generator, func(c *front.Config) { c.Generator = g }), g
}

// weatherAsked thinks, speaks, and calls two tools, a piece of a call a byte.
func weatherAsked() []ask.Event {
	events := []ask.Event{{Reasoning: []byte("Hm, "), PromptTokens: 7}, {Reasoning: []byte("so.")}, {Text: []byte("I lo")}, {Text: []byte("ok.")}}
	for i, arguments := range []string{`{"city":"Berlin","n":[1,2]}`, `{}`} {
		events = append(events, ask.Event{Calls: []ask.CallPiece{{Index: i, ID: "call_" + string('a'+rune(i)), Name: "weather"}}})
		for at := range len(arguments) {
			events = append(events, ask.Event{Calls: []ask.CallPiece{{Index: i, Arguments: []byte(arguments[at : at+1])}}})
		}
	}
	return append(events, ask.Event{End: &ask.End{
		Reason: ask.FinishCalls, PromptTokens: 7, CompletionTokens: 11, ReasoningTokens: 2, QueueNs: 1, PrefillNs: 2, DecodeNs: 3,
	}})
}

// answerOf is what a handler says to a request without a body.
func answerOf(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}
