// Package local generates in this process: it turns a request into tokens, has
// them batched with others and decoded, and turns the tokens that come out into
// text.
//
// # Model
//
//	ask.Request → template → tokens → batch.Loop ─┐  the engine's goroutine
//	ask.Event   ← text ← pieces ← Generation ─────┘
//
// Submit renders and tokenises on the caller's goroutine. A stream's Next spells
// on its reader's: a token's bytes are appended to the text that is handed out,
// which costs tens of nanoseconds. With log-probabilities it is a pass over the
// vocabulary for each token: who reads such a stream reads nothing else.
//
// Biases of texts become those of their tokens there, and DRY's breakers sequences
// of tokens, which takes a pass over the vocabulary the first time. An echoed
// prompt is spelt by the stream before anything else, a few hundred tokens an
// event.
//
// What a model thinks and the tools it calls are taken out of its text
// (chat/calls), if the request has tools or the model may think: marks that are
// control tokens are spelled for that alone, stop strings are looked for in the
// text alone. Other streams know nothing of it.
//
// A model that has thought as many tokens as the request bounds is made to end its
// thought: the tokens that do are the only ones allowed then. One that may call
// tools is held to them once it begins a call, and free before and behind it.
//
// With Config.SleepAfter the engine's contexts and the model's weights are freed once
// nobody has asked for anything for so long, and are there again for who asks next.
//
// This package alone knows of template, tokens and batching; it checks what
// depends on the model, and nothing that a dialect has checked.
//
// # Limits
//
// One model, one engine context, and one more for embeddings once there are any.
package local
