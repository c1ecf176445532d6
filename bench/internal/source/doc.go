// Package source is the server's side of experiments on streaming: a source
// that gives each stream one token a step, the frames of tokens, and what the
// server's process has spent. Package streamed is the clients' side.
//
// # Model
//
// A server's process has one [Arm]. [Serve] starts it, waits until all streams
// of the [Cell] have joined, runs the steps of the [Plan], and prints what it
// found, a [Served].
//
//	err := source.Serve(&floor{}, os.Args[1:])
//
// # Limits
//
// One cell a process: what is measured is the process's own.
package source
