// Package answers asks a model's file questions, through the engine library, and
// compares what it says with what it should.
//
// # Model
//
// Questions are conversations whose last turn is known. The turns before it go
// through the chat template in the file, as the server does it, and the answer
// is generated greedily. It is exact if it is the template's rendering of the
// known turn, to the last character.
//
//	asker, err := answers.Open(ctx, path)
//	text, err := asker.Ask(ctx, conversation)
//
// # Limits
//
// An Asker belongs to one goroutine. Answers end with the model's context.
package answers
