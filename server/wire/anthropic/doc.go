// Package anthropic is Anthropic's wire format for messages: requests and their
// form, answers, the events of a stream, models and errors. It knows nothing of
// HTTP handlers and nothing of engines.
//
// # Model
//
// A body is read by wire.Decode; [Request.Ask] checks its form and makes an
// ask.Request of it, [Request.AskCount] one whose prompt is only counted. What a
// conversation says moves into the form that chat templates know: the system
// prompt becomes a first message, a tool's result a message of its own, thinking
// the reasoning of its message. Turns of one role that follow each other are one
// turn, and a last turn of the assistant is gone on with.
//
// What generates decides on blocks as it goes; a [Stream] spells them as events,
// an [Answer] as one body:
//
//	enc := anthropic.NewStream(anthropic.Head{ID: "msg_1", Model: "tiny"}, "req_1")
//	for events.Next(&event) {
//		frames = enc.Append(frames, &event)
//	}
//
// # Limits
//
// Text only: images, documents and the tools that run at Anthropic are refused.
// Thinking is switched on or off by the chat template, its signatures sign nothing
// and are not looked at when they come back. What is said of caching is ignored.
package anthropic
