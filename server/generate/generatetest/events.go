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

// progress returns events of a prompt whose first token was there before, and
// whose others are computed in two pieces.
func progress(prompt int) []ask.Event {
	var events []ask.Event
	for _, processed := range []int{1, prompt / 2, prompt} {
		events = append(events, ask.Event{PromptTokens: prompt, Progress: &ask.Progress{Total: prompt, Cached: 1, Processed: processed, Ns: 1e6}})
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
