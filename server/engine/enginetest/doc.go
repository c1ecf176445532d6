// Package enginetest is a deterministic engine for tests, in pure Go and
// without weights.
//
// # Model
//
// The vocabulary is the 256 bytes and a few special tokens. The logits after a
// sequence are a hash of all its tokens, so that what a sequence generates
// depends on nothing but its own prompt: batched output must equal output
// alone, and a single misplaced or lost token changes everything after it.
// [Reference] computes that output without any context.
//
// The context holds callers hard to the contract of package engine and panics
// where a real engine would corrupt its cache: positions must follow each
// other without a gap, a batch must fit, a row must carry logits, one goroutine
// must own the context. [Options] slows it
// down, steps it by hand, makes it fail and fills its cache.
//
//	model := enginetest.New(enginetest.Options{EndEvery: 50})
//	ctx, err := model.NewContext(engine.ContextConfig{MaxSequences: 4})
//	...
//	if err := model.Close(); err != nil { // fails while contexts are open
//		t.Error(err)
//	}
//
// # Limits
//
// The logits have the statistics of noise, not of language. GPU layers,
// threads and micro batches are accepted and do nothing.
package enginetest
