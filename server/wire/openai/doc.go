// Package openai is OpenAI's wire format for chat completions and completions:
// requests and their form, answers, stream chunks and errors. It knows nothing
// of HTTP handlers and nothing of engines.
//
// # Model
//
// A body is read by wire.Decode; the request's Ask method checks its form and
// makes an ask.Request of it. Every failure is an ask.Fault that names the
// offending field; [AppendFault] spells any as OpenAI's error object.
//
// A field that the server does not implement is refused if it would change the
// result ("tools", "logit_bias", "n" above 1) and ignored if it would not
// ("user", "metadata", "store"). A field that nobody knows is refused: a typing
// error in "temperature" must not pass silently.
//
// Events become bytes in a [Stream], as frames, or in an [Answer], as one body.
// Both append by hand to the caller's buffer, each text once:
//
//	enc := openai.NewChatStream(head, true)
//	for events.Next(&event) {
//		frames = enc.Append(frames, &event)
//	}
//
// # Limits
//
// One choice a request, text only, no tools beyond those in the history.
// Message content may be a string or text parts. Stop strings are bounded as in
// package ask.
package openai
