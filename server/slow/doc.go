// Package slow keeps the requests that kept their clients waiting longest, and says
// where their time went.
//
// # Model
//
// A [Log] is a record.Recorder. It has two rankings, of the time to the first token and
// of the longest gap between two, each of the worst requests of a window of time; what
// is shown is of the window that runs and of the one before it. Of most requests it
// takes one comparison to see that they are not among them.
//
//	log := slow.New(slow.Config{})
//	... log.Record(&record.Request{...}) ...
//	http.Handle("/debug/slow", log)
//
// # Form
//
// An object of two arrays, the worst first:
//
//	{"first_token":[request, ...],"longest_gap":[request, ...]}
//
// A request has the names of the access log's line, and beside:
//
//	timeline     where its time went, in order; the parts of a phase of the
//	             generation sum to it (see ask.Parts):
//	  receive      until the request was read, and its prompt was tokens
//	  queue        until it was admitted into the batch
//	  first_token  until its first token, in parts
//	  decode       until the last, in parts
//	  delivery     until its client had taken all
//	longest_gap  between two tokens, in the same parts; token is the later one's
//	             number, from 0
//
// # Limits
//
// What a generator does not tell is left out: the parts of an answer that a stop string
// has cut, all phases of one that was given up before its end.
package slow
