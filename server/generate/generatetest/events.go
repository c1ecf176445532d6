package generatetest

import "github.com/weirgo/weir/server/ask"

// Thought returns events in which a model thinks, a character each.
func Thought(text string) []ask.Event {
	var events []ask.Event
	for _, c := range text {
		events = append(events, ask.Event{Reasoning: []byte(string(c))})
	}
	return events
}

// Called returns events in which a model calls a tool: its name, and then the
// arguments, a character each.
func Called(index int, id, name, arguments string) []ask.Event {
	events := []ask.Event{{Calls: []ask.CallPiece{{Index: index, ID: id, Name: name}}}}
	for _, c := range arguments {
		events = append(events, ask.Event{Calls: []ask.CallPiece{{Index: index, Arguments: []byte(string(c))}}})
	}
	return events
}
