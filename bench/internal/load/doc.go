// Package load drives an OpenAI-compatible server with many streams at once
// and measures what its clients see: time to the first token, time between
// tokens, tokens per second, errors.
//
// # Model
//
// One goroutine serves all connections from one epoll set: a ready socket costs
// one read, and a hand-written parser takes the HTTP/1.1 chunks and SSE frames
// apart in place. A client that shares a small machine with the server it
// measures must not take the CPU that it measures.
//
// A closed loop ([Config].Rate zero) keeps Streams requests in flight: each
// connection sends its next request when the last one ended. An open loop sends
// requests at random times of a given mean rate whether earlier ones ended or
// not, and counts a request's time from when it was due, so that a stalled
// server cannot hide its stall.
//
//	report, err := load.Run(ctx, load.Config{
//		URL: "http://127.0.0.1:8080/v1/completions", Streams: 64, Requests: 64,
//		Request: load.Request{Prompt: "Hello", MaxTokens: 256},
//	})
//	fmt.Println(report.TokensPerSecond(), report.InterToken.ValueAtQuantile(99))
//
// Tokens are counted by the server's usage block, not by frames: a server may
// put several tokens into a frame, or hold one back whose character is not
// complete.
//
// # Limits
//
// Plain HTTP/1.1 on Linux. Connections are made before the clock starts. Times
// are as the client's process sees them: frames that one read returns arrive
// together. A histogram holds times from 1 µs to an hour with three digits.
package load
