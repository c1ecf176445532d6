// Package generate is the seam between those who want text and those who make
// it.
//
// # Model
//
// A [Generator] takes an ask.Request and gives a [Stream] of ask.Event, in
// text. Where the text comes from is its affair: package local renders the
// template, tokenises, batches, decodes and spells; another asks a server
// elsewhere. Nobody above knows of tokens, templates or engines, unless it asks
// for a [Tokenizer].
//
// A request is one answer. [Choices] submits those that belong together and merges
// their streams into one. What not every generator can do is an interface beside:
// [Checker], [Tokenizer], [Embedder]; and so what not every stream can: [Sized].
//
// Nothing is polled and no goroutine waits for one stream: a stream tells its
// reader, through an entry of a mailbox.Feed, that it has something, and the
// reader takes it without waiting.
//
//	events, err := generator.Submit(ctx, &request)
//	...
//	events.Announce(entry)
//	...                          // the feed names the entry
//	for events.Next(&event) {
//		...
//	}
//
// # Limits
//
// One reader a stream.
package generate
