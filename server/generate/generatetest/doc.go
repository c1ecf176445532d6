// Package generatetest is a generator without an engine, for tests of what
// stands above the seam.
//
// # Model
//
// A [Generator] answers each request with one scripted reply, a token a byte, at
// once or as the test lets it ([Generator.Gate]). It counts a prompt's tokens as
// its bytes and one to begin with, and honours MaxTokens, Stop, TopLogprobs and
// Echo as a model would. What comes before the reply may be scripted as events:
// reasoning, and calls of tools.
//
//	g := &generatetest.Generator{Reply: "Hello."}
//	handler, err := front.New(front.Config{Generator: g})
//
// # Limits
//
// Sampling has no effect. Log-probabilities are made up, and the same each time.
package generatetest
