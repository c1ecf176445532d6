package local

import (
	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/text"
)

// stream spells the tokens of one generation. It belongs to its reader, save
// for Cancel.
//
//	phase      what Next gives
//	running    a token's text, as soon as there is one
//	spelled    the end: the text is complete
//	over       nothing
type stream struct {
	model      engine.Model
	generation *batch.Generation
	text       text.Text
	scored     bool
	entries    []ask.Logprob // of tokens whose text is held back
	phase      phase
	end        ask.End
	result     [1]batch.Result
}

type phase uint8

const (
	running phase = iota
	spelled
	over
)

// Announce implements generate.Stream.
func (s *stream) Announce(e *mailbox.Entry) { s.generation.Announce(e) }

// Cancel implements generate.Stream.
func (s *stream) Cancel() { s.generation.Cancel() }

// Next implements generate.Stream. Reading a scored token is a pass over the
// vocabulary.
func (s *stream) Next(ev *ask.Event) bool {
	*ev = ask.Event{}
	if s.phase != running {
		return s.last(ev)
	}
	switch n, err := s.generation.Poll(s.result[:]); {
	case err != nil: // io.EOF
		return s.finish(ev)
	case n == 0:
		return false
	}
	r := &s.result[0]
	s.end.CompletionTokens++
	if s.scored {
		s.entries = append(s.entries, s.entry(r))
	}
	if s.text.Added(s.model.AppendPiece(s.text.Tail(), r.Token, false)) {
		s.generation.Cancel() // the stop string ends the text, not the model
		s.end.Reason, s.phase = ask.FinishStop, spelled
	}
	s.give(ev)
	return true
}

// give moves the released text into an event, with the entries of the tokens
// that it contains.
func (s *stream) give(ev *ask.Event) {
	var tokens int
	ev.Text, tokens = s.text.Take()
	tokens = min(tokens, len(s.entries)) // 0 if nobody asked for entries
	ev.Logprobs, s.entries = s.entries[:tokens:tokens], s.entries[tokens:]
}

// finish takes the end of the generation, and gives what was held back of the
// text first.
func (s *stream) finish(ev *ask.Event) bool {
	f := s.generation.Finish()
	s.phase = spelled
	s.end.Reason = f.Reason
	s.end.QueueNs, s.end.PrefillNs, s.end.DecodeNs = f.Queue.Nanoseconds(), f.Prefill.Nanoseconds(), f.Decode.Nanoseconds()
	if f.Reason != ask.FinishStop && f.Reason != ask.FinishLength {
		s.end.Fault = endFault(f.Err)
		return s.last(ev)
	}
	if s.text.Flush() { // an incomplete character completed a stop string
		s.end.Reason = ask.FinishStop
	}
	if s.give(ev); len(ev.Text) > 0 || len(ev.Logprobs) > 0 {
		return true
	}
	return s.last(ev)
}

// last gives the end, once.
func (s *stream) last(ev *ask.Event) bool {
	if s.phase == over {
		return false
	}
	s.phase = over
	ev.End = &s.end
	return true
}

// entry names the tokens of a result. It copies what the generation will
// overwrite.
func (s *stream) entry(r *batch.Result) ask.Logprob {
	names := make([]byte, 0, 8*(1+len(r.Top)))
	named := func(token engine.Token, logprob float32) ask.Candidate {
		begin := len(names)
		names = s.model.AppendPiece(names, token, true)
		return ask.Candidate{Bytes: names[begin:len(names):len(names)], Logprob: logprob}
	}
	e := ask.Logprob{Candidate: named(r.Token, r.Logprob)}
	if len(r.Top) > 0 {
		e.Top = make([]ask.Candidate, len(r.Top))
		for i, t := range r.Top {
			e.Top[i] = named(t.Token, t.Logprob)
		}
	}
	return e
}
