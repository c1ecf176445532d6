// Package accesslog writes a line of JSON for each request that is over.
//
// # Model
//
// A [Log] is a record.Recorder. It spells a request at once, in less than a
// microsecond, and gives the line to a logsink: nobody waits for a disk, and lines
// that find no room are lost and counted, with a line in their place that says so:
//
//	{"time":"2026-11-28T09:00:00.123Z","lost":12}
//
// A line has the names below, in this order; what does not apply is left out, but for
// the first six.
//
//	time               when the request had come, UTC
//	id                 X-Request-Id
//	client             address and port
//	method, path       as asked; no query, which may have a key
//	status             HTTP's; 499: the client went away first
//	key                the name of the key, from the key file
//	tier               priority, standard or background
//	model              that answered
//	stream             true of a stream
//	prompt_tokens, cached_tokens, completion_tokens
//	queue_ms           until the engine took it
//	ttft_ms            until its first token was on its way
//	finish_reason      stop, tool_calls, length, abort, error
//	total_ms, bytes    of all; of the answer's body
//
// There is never a text, a query or a key in it. What clients chose (path, id) is
// escaped so that a line is one line, of printable characters, to whatever reads it.
//
//	log, err := accesslog.Open("/var/log/weir/access.log", accesslog.Config{})
//	...
//	log.Record(&record.Request{...})
//	err = log.Reopen() // the file was moved: go on in a new one
//	err = log.Close(ctx)
//
// # Limits
//
// Those of package logsink: 4096 lines or 1 MiB that wait. A file is appended to; its
// size is the business of who rotates it.
package accesslog
