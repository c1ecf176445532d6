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
// This package alone knows of template, tokens and batching; it checks what
// depends on the model, and nothing that a dialect has checked.
//
// # Limits
//
// One model, one engine context.
package local
