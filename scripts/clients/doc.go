// Clients gets clients of other people's, whose users are to find our server as
// good as the one they were made for: npm's openai, @anthropic-ai/sdk, ai with
// @ai-sdk/openai-compatible, @langchain/openai and ollama.
//
//	go run ./scripts/clients
//
// package-lock.json pins them with all that they depend on; they are in the
// user's cache folder then, which build/clients links to. To move to newer ones,
// change package.json, and run `npm install --package-lock-only` in this folder.
//
// # Model
//
// The package's tests serve two models, and have each client drive every
// endpoint of ours that it knows:
//
//   - the binary with a model of random weights, which speaks nonsense. What is
//     asked of it is true of any text: what comes in pieces is what comes whole,
//     calls fit the schema that a grammar held them to, and tokens add up;
//   - the same server in the test's process over an engine that follows a script
//     (tools, thoughts), a byte a token. What is asked of it is what it says.
//
// Folder drive has a file for each client, run by node's own runner.
// `make test-clients` does all of that.
//
// # Limits
//
// The tests need Node.js 20. Some of the clients ask for 22, and work with 20.
package main
