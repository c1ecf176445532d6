// Package sampling draws tokens from rows of logits, and reads
// log-probabilities from them.
//
// # Model
//
// A [Row] is the logits of one place: a value for each token of the vocabulary.
// A [Sampler] is one sequence's choice of steps and its random state; what it
// draws depends on its seed, its rows and nothing else, the same on every CPU.
//
//	sampler := sampling.New(ask.Sampling{Temperature: 0.8, TopK: 40, Seed: 7})
//	for {
//		... // decode
//		if err := row.Read(logits); err != nil {
//			...
//		}
//		token := sampler.Sample(&row)
//		logprob := float64(logits[token]) - row.LogSum()
//	}
//
// The steps and their order are those of llama.cpp's chain top-k, top-p, min-p,
// temperature, dist, and so are the probabilities that tokens have after them;
// the library's chain is the oracle of the tests. The random numbers are not: a
// seed draws other tokens there.
//
// # Cost
//
// Nothing sorts a vocabulary. A few likeliest are kept in a heap, which most of
// a row never reaches. More than that is a [Key] below which tokens are out: a
// sample of the row says about where it is, sums over the row enclose it, and the
// few percent between are searched. Tokens are then drawn by sums over the row
// itself. The passes (the maximum, the values above a bound, the sum of the
// exponentials) are AVX2 assembly, or Go that gives the same bits. At 152 000
// tokens a pass takes 10 to 80 µs, and no choice of steps a millisecond.
//
// # Limits
//
// Equal logits are ordered by token, the lower first. A value that is not a
// number counts as minus infinity. A Row belongs to one goroutine; the logits
// it was given must stay until it has been sampled.
package sampling
