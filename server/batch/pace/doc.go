// Package pace decides what a step of continuous batching may hold, so that the
// streams that run get their tokens in time and prompts get all that is left.
//
// # Model
//
// Who decodes with others gets a token a step: the step is the gap between two
// tokens of a stream. It takes what the engine needs for each step, for each
// sequence that decodes, for each token of a prompt and for each token that was guessed
// ahead; of these the prompt's tokens can wait, and guesses need not be. A [Policy] is
// shown each step that was computed and is asked before the next one:
//
//	step ─► Observation ─► Policy ◄── Demand: rows, objectives, limits
//	  ▲                       │
//	  └────── Decision ◄──────┘  prompt tokens beside who decodes, sequences at once
//
// A policy has no clock, no goroutine and reads nothing: the time comes with the
// observations, and what it decides is a function of them.
//
// [Learned], the default, knows by the steps before what one more token of a prompt
// takes, and gives as many as end within the objective. [Article] follows the rule of
// claim C14.
//
//	policy := new(pace.Learned)
//	...
//	may := policy.Decide(pace.Demand{DecodeRows: 8, Objectives: o, Limits: l})
//	took := compute(8, may.PromptTokens)
//	policy.Observe(pace.Observation{At: now, Took: took, DecodeRows: 8, PromptRows: may.PromptTokens})
//
// # The objective
//
// TPOT is the time per output token, here of each single token and not on average: 99
// of 100 gaps are to be no longer. The objective that counts is the shortest of those
// who decode in the step. Without one nothing is steered.
//
// A client's objective, shorter than the server's, leaves prompts a share of the step
// (PromptShare): it slows others' prompts down by one over that share at most, however
// short it is.
//
// An objective that a step without prompts does not keep cannot be kept. Prompts then
// get their least, so that they always get on.
//
// # Limits
//
// The gaps are the steps': what is between the engine and a client is not known here,
// nor the work that is done between two steps. What a row costs is taken to be the
// same for all rows of its kind, but for the tokens that it attends to: a guess of a draft
// model for one sequence of many counts as if it were for that one alone, and where the model
// has guessed for few it is asked no more, though for all it would be cheap. Of the prompts
// only the one that is furthest on is known, and all are taken to be. One prompt token is
// the least: where it alone takes too long, the objective is missed while there are
// prompts.
package pace
