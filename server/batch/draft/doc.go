// Package draft guesses the next tokens of a sequence from those that are there
// already, and says how many guesses are worth a step's time.
//
// # Model
//
// An answer often repeats what was said before: code that is changed in one place, a
// document that is quoted, a name. An [Index] finds where the last tokens of a sequence
// were before (prompt lookup, n-gram lookup), and what followed there is the draft. A
// step that computes it behind the sequence's own token has the logits of all of it:
// as far as the tokens that are sampled are those of the draft, the step has given
// several tokens instead of one.
//
//	at, matched := index.Find(tokens)
//	...
//	draft := draft.Append(nil, tokens, at, n)
//
// A row of a draft costs time, and is of use only if all before it were right. [Rates]
// remembers how often drafts were: what has long matched is right more often than what
// has matched by a token or two, so each length of matches is counted by itself, and so
// is what a model has guessed. [Share]
// gives each sequence of a step as many rows as raise the tokens that the step gives
// for its time, which are fewer the more sequences share it, and none where rows cost
// more than they are likely to give.
//
//	budget := draft.Budget{Tokens: 1, StepSeconds: 0.02, RowSeconds: 0.001, Rows: 64}
//	wants := []draft.Want{{Chance: rates.Chance(matched, prior), Most: 16}}
//	draft.Share(budget, wants) // wants[0].Rows
//
// # Limits
//
// An index belongs to one goroutine, as do rates; the rest are functions of their
// arguments. An index takes eight bytes a token, and a lookup looks at [candidates]
// places at most. That a token of a draft is right is taken to be as likely as that
// the one before was.
package draft
