// Train makes the demo model: a language model of two million parameters that
// answers questions about Weir, calls a tool and writes JSON, trained from the
// texts in scripts/models/corpus and from nothing else.
//
//	make train                              # build/train/weir-demo.gguf, in less than an hour on two cores
//	go run ./scripts/models/train -steps 200 -o /tmp/try
//	go run ./scripts/models/train -eval questions.txt -model build/train/weir-demo.gguf [-against other.gguf]
//
// # Model
//
// The corpus gives items, [corpus.Writer] many wordings of each, package lesson
// tokens, package network the gradients, and this command the rest: the rate of
// learning (a short rise, a plateau, then half a cosine), the clipping, the
// score, the checkpoints, the files. On the plateau questions and the beginnings
// of their answers are learnt, afterwards all else.
//
// What is trained is fixed by the [Recipe] alone, which the files' metadata
// hold: seed, sizes, number of steps and the hash of the corpus. The same recipe
// gives the same bytes on a machine, for any number of threads, with or without
// vector instructions, in one go or gone on with after a kill: batch number n
// depends on n and the seed.
//
// While it runs it shows the loss of the last steps, and the shares of exact
// answers: "frames" are the known questions in wordings that are never trained
// on, "free" the files heldout-*.txt, by somebody else. An answer counts if
// every token of it is the likeliest, which is what greedy generation says; on
// the plateau its beginning counts.
//
// # Limits
//
// Build it with GOEXPERIMENT=simd, or it takes days. A checkpoint of another
// recipe is not gone on with: training begins anew.
package main
