// Package seeded makes models of the Llama architecture out of a seed: small
// GGUF files that llama.cpp loads, for tests, benchmarks and a first try of
// the server where no weights can be had. They have learnt nothing; what they
// write is English-looking nonsense.
//
// # Model
//
// [Write] makes the same bytes for the same [Size] and seed on every machine,
// whatever its number of cores. Weights are uniform random numbers scaled so
// that activations keep their size from layer to layer. Attention is made
// sharp enough that greedy output depends on the whole prompt and does not
// fall into a short loop, and the output layer favours whole words over
// letters and raw bytes. End-of-generation tokens are possible but rare, so
// generations mostly run to their limit.
//
// The tokenizer is of kind "llama" (pieces with scores), learnt at run time
// from a short word list. It has a token for each byte, so every UTF-8 string
// comes back unchanged from tokenize and detokenize: no space goes in front,
// and the character "▁", which this kind of tokenizer takes for a space, is
// spelt in bytes. Chat is ChatML: <|im_start|>role, a line break, the text,
// <|im_end|>.
//
// # Limits
//
// Sizes are fixed: see [Sizes]. Text that is not UTF-8 may come back changed,
// as with every tokenizer of this kind. 15m and 110m have rows of 256·n
// elements, which k-quants need; tiny has not, and quantises to the legacy
// types (q8_0, q4_0) or falls back to them.
package seeded
