// Package ask is what a client wants of a model and what it gets: the one
// vocabulary that all rooms of the server speak.
//
// # Model
//
// A [Request] says what to go on from and how; it is checked in form by who
// made it (a dialect in package wire), and against the model by who carries it
// out (a generate.Generator). Its [Tenant] is on whose behalf, which who checks keys
// knows. The answer is a series of [Event]: text as it
// forms, then exactly one [End]. What goes wrong, wherever, is a [Fault]: its
// [Kind] says what happened, and each front and dialect spells that in its own
// words: as a status, a code, a type.
//
//	bytes → wire → Request → generate → Event → reply → bytes
//
// # Limits
//
// It imports nothing, so everything may import it. Text in, text out, one
// answer a request; package generate merges several into one stream, where an
// event says which it is of.
package ask
