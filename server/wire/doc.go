// Package wire holds what dialects share: the JSON and the event stream that
// they append to a client's buffer by hand. Each dialect is a package below it
// and turns bytes into an ask.Request, and ask.Event into bytes; it checks form,
// and knows neither HTTP handlers nor engines.
//
//	openai       chat/completions, completions, models
//	llamaserver  tokenize, detokenize
//
// # Limits
//
// A frame's data has no line breaks: JSON escapes them inside its strings.
package wire
