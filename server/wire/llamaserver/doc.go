// Package llamaserver is llama-server's own API, beside OpenAI's: its completions
// and infilling, what it says of itself, of its model and of its slots, and how it
// says that something failed.
//
// # Model
//
// A [CompletionRequest] becomes a [Completion]: an ask.Request that lacks its
// prompt, the [Prompts], and how the answer is to look. The front puts tokens in
// and makes a [Reply] of what comes back, streamed or whole:
//
//	c, err := body.Ask(defaults)
//	...
//	reply := llamaserver.NewReply(c, prompts)
//
// Fields have llama-server's names, defaults and ranges. It ignores fields that it
// does not know, and so does this package.
//
// # Limits
//
// What would change an answer and cannot be honoured is refused by name: adapters,
// media, samplers in another order than llama-server's default, probabilities
// after sampling. A request has at most [MaxAnswers] answers.
package llamaserver
