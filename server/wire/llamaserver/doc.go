// Package llamaserver is what the server speaks of llama-server's own API:
// the bodies of /tokenize and /detokenize.
//
// # Limits
//
// Errors are OpenAI's, as llama-server's are.
package llamaserver
