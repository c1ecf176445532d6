// Package wire holds what dialects share: the JSON and the event stream that
// they append to a client's buffer by hand. Each dialect is a package below it
// and turns bytes into an ask.Request, and ask.Event into bytes; it checks form,
// and knows neither HTTP handlers nor engines.
//
//	openai       chat/completions, completions, responses, embeddings, models
//	anthropic    messages, count_tokens, models
//	ollama       chat, generate, embed, and what is asked of models
//	llamaserver  completion, infill, tokenize, and what is asked of the server
//	protobuf     weir.v1: the gRPC service, and its messages over HTTP
//
// # Limits
//
// A frame's data has no line breaks: JSON escapes them inside its strings.
package wire
