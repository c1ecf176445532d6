// Package flight is the server's flight recorder: the last seconds of its
// goroutines and requests, as a trace, and lines of the log about goroutines that
// had no processor for too long.
//
// # Model
//
// A [Recorder] follows the scheduler's records (package sched/record), and is told
// of requests: it is a record.Recorder. It is asked over HTTP:
//
//	recorder, err := flight.Open(flight.Config{Log: log})
//	...
//	http.Handle("/debug/flight", recorder) // a trace for ui.perfetto.dev
//	recorder.Close()
//
// To who asks where an answer's time went, [Recorder.Of] tells what the scheduler did
// with the engine's goroutine between the two tokens that were the longest apart.
//
// In the trace each request is a track of its own, with the phases that
// /debug/slow names, beside those of processors and groups. A goroutine that was
// ready for longer than the limit is a line of the log, with what ran meanwhile on
// the processors; once in ten seconds for a group.
//
// # Limits
//
// Without a scheduler that can be followed Open returns an error that says why. A
// request is in the trace when it is over, and if it began no longer ago than the
// window. What it costs is what the runtime writes and this reads for each switch of
// a goroutine, some hundred nanoseconds; the memory is bounded.
package flight
