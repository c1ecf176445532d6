// Package c01 declares the article's serving layer: its load, 100 connections
// that stream 1 000 tokens each, against a Flask service over the same engine
// library and against our server.
//
// measure/ is its command, and measure/service the Flask service: gunicorn with
// threaded workers, which load the model once each, and an SSE generator a
// request, over llama.cpp through ctypes. It makes tokens in two ways:
//
//   - Locked, the arm "stock": one context behind a lock, which a request holds
//     from its first token to its last. It is what Python services over a local
//     model do, and what the ratio of the result is held against. The arm
//     "workers" has a worker for each core, on each of which an engine of its own
//     computes, while ours leaves one core to Go.
//   - Batched, the arm "batched": a thread that decodes all requests together, a
//     token of each a step. It is more than such services do, and the best that
//     we found which is still Flask, gunicorn and ctypes. What our server gains
//     beyond batching is its distance from this one.
//
// # Limits
//
// All arms have the same engine threads for a context. What a token costs the
// engine alone and in a batch is the model's: in the smallest, whose weights stay
// in a core's cache, hardly less, so that most of what there is to gain is
// Python's own share. A quantised one shows more of it, in several times the time:
//
//	make build/models/15m-q8_0.gguf
//	make bench RUN=c01 BENCH_FLAGS="-rounds=1 -args=-model=build/models/15m-q8_0.gguf"
package c01
