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
//	sampler.Begin(sampling.Sequence{Prompt: prompt})
//	for {
//		... // decode; meanwhile, perhaps, sampler.Prepare()
//		if err := row.Read(logits); err != nil {
//			...
//		}
//		token, err := sampler.Sample(&row)
//		...
//		logprob := row.Normalizer().Logprob(logits[token])
//		sampler.Accept(token)
//	}
//
// The steps and their order are those that [ask.Sampling] states, in llama.cpp's
// definitions, and so are the probabilities that tokens have after them; the
// library's chain is the oracle of the tests (in engine/llama). The random
// numbers are not: a seed draws other tokens there. Tokens that are impossible,
// by a bias or a constraint, do not count as candidates of any step; the library
// counts them in the entropy that a dynamic temperature is scaled by.
//
// [Sampler.SampleOdds] also says what those probabilities were, of the token that was
// drawn and of the likeliest that could have been.
//
// # Constraints
//
// A [Constraint] masks the row before any step looks at it: steps choose among
// the tokens that are allowed, and never leave none. That is not the same as to
// draw first and to draw again if the token is not allowed: where a step cuts, a
// token would be likelier or less likely than that, and another random number
// would decide. What may be allowed is known before the logits are, so
// [Sampler.Prepare] asks for it beside the decode. With it at hand, a row whose
// likeliest token (greedy), or whose TopK likeliest tokens, are all allowed is
// drawn from as it is: the masked row would give the same token.
//
// # Cost
//
// Nothing sorts a vocabulary. A few likeliest are kept in a heap, which most of
// a row never reaches. More than that is a [Key] below which tokens are out: a
// sample of the row says about where it is, sums over the row enclose it, and the
// few percent between are searched. Tokens are then drawn by sums over the row
// itself. The passes (the maximum, the values above a bound, the sum of the
// exponentials) are AVX2 assembly, or Go that gives the same bits. At 152 000
// tokens a pass takes 10 to 80 µs, and top-k, top-p, min-p and temperature never
// a millisecond.
//
// A step that is off costs nothing. Steps that change logits work on a copy of
// the row, and there on few tokens: penalties on those of the window, whose
// counts are kept as it moves; DRY on those that follow an earlier place of the
// last token, whose lengths of repetition are kept as well, so a token costs as
// many steps as it has been there before. Typical-p, XTC (when it strikes) and a
// dynamic temperature take a few passes more where no top-k has left few tokens,
// one of them over the values one by one: a millisecond, typical-p several. Nothing
// allocates once memory has grown.
//
// # Limits
//
// Equal logits are ordered by token, the lower first. A value that is not a
// number counts as minus infinity. A Row belongs to one goroutine; the logits
// it was given must stay until it has been sampled.
package sampling
