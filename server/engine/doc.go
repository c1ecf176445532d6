// Package engine is what the server asks of an inference engine: a model that
// turns text into tokens and back, and a context that decodes batches of
// several sequences into logits.
//
// # Model
//
// A [Model] holds weights and vocabulary; it is immutable once loaded and safe
// for concurrent use. A [Context] holds the KV cache of up to MaxSequences
// sequences and belongs to one goroutine, save for [Context.Abort]. A model
// refuses to close while contexts live.
//
// One step of generation is
//
//	batch.Reset()
//	for each live sequence { batch.Add(token, pos, seq, true) }
//	err := ctx.Decode(batch)
//	for each row { logits, err := ctx.Logits(row); ... } // package sampling draws
//
// A row is the index of a token in the last decoded batch whose Logits flag
// was set.
//
// # Limits
//
// The interface speaks of text generation by one model, and of vectors of texts
// where a model gives them ([EmbeddingModel]). Images are not part of it.
package engine
