// Package ollama is ollama's wire format: chats and completions, embeddings, and
// what its clients ask about models. It knows nothing of HTTP handlers and nothing
// of engines.
//
// # Model
//
// A body is read by wire.Decode; [ChatRequest.Ask] and [GenerateRequest.Ask] check
// its form and make an ask.Request of it. Options are mapped to sampling where
// they have an equal, ignored where they are about how a model is loaded, and
// refused by name where they would change the text and cannot be honoured.
//
// An answer is a line of JSON, or a stream of such lines, of which the last says
// how long what took:
//
//	enc := ollama.NewStream(ollama.Head{Model: "tiny", Created: time.Now()}, true)
//	for events.Next(&event) {
//		lines = enc.Append(lines, &event)
//	}
//
// A call of a tool is one object: it is told when it is whole, and not at all if
// it was cut off. Times are nanoseconds; load_duration is the time until a request
// was admitted, created_at that of the request.
//
// # Limits
//
// Text only, no suffix, no template in the request, no context of tokens from an
// answer before: conversations are /api/chat's. What is left out takes the
// server's defaults, not ollama's. Models are not pulled, made or deleted.
package ollama
