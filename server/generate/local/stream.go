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
	echo       *echo // of the prompt, until it is handed out
	text       text.Text
	stops      []string // Request.Stop
	scored     bool
	entries    []ask.Logprob // of tokens whose text is held back
	numbered   bool
	tokens     []ask.Token // the same tokens, if they are asked for
	timed      bool        // each event has SoFar
	progress   *ask.Progress
	phase      phase
	end        ask.End
}

type phase uint8

const (
	running phase = iota
	spelled
	over
)

// Announce implements generate.Stream.
func (s *stream) Announce(e *mailbox.Entry) { s.generation.Announce(e) }

// PromptTokens implements generate.Sized.
func (s *stream) PromptTokens() int { return s.end.PromptTokens }

// Cancel implements generate.Stream.
func (s *stream) Cancel() { s.generation.Cancel() }

// Next implements generate.Stream. Reading a scored token is a pass over the
// vocabulary.
func (s *stream) Next(ev *ask.Event) bool { return s.next(ev) && s.time(ev) }

// time adds to an event how far the answer has come, and if that was asked for, in
// what time. It reports true.
func (s *stream) time(ev *ask.Event) bool {
	ev.CompletionTokens = s.end.CompletionTokens
	if !s.timed || ev.End != nil || s.end.CompletionTokens == 0 {
		return true
	}
	if s.phase == running {
		s.took(s.generation.SoFar())
	}
	s.end.CachedTokens, ev.SoFar = s.generation.Cached(), &s.end
	return true
}

func (s *stream) next(ev *ask.Event) bool {
	*ev = ask.Event{PromptTokens: s.end.PromptTokens}
	if s.phase != running {
		return s.last(ev)
	}
	if s.echo != nil {
		switch given, ended := s.echoed(ev); {
		case given:
			return true
		case ended:
			return s.finish(ev)
		case s.echo != nil:
			return false
		}
	}
	r, some, ended := s.poll()
	if ended {
		return s.finish(ev)
	}
	if !some {
		return false
	}
	if r.Mark {
		return s.marked(ev, &r)
	}
	if s.numbered {
		s.tokens = append(s.tokens, r.Token)
	}
	if s.text.Added(s.model.AppendPiece(s.text.Tail(), r.Token, false)) {
		s.cut() // the stop string ends the text, not the model
		s.stopped()
	}
	s.give(ev, &s.text)
	return true
}

// poll takes the next token, if there is some, and keeps its entry. Without one it
// returns whether the generation has ended.
func (s *stream) poll() (r batch.Result, some, ended bool) {
	var results [1]batch.Result
	switch n, err := s.generation.Poll(results[:]); {
	case err != nil: // io.EOF
		return r, false, true
	case n == 0:
		return r, false, false
	}
	if r = results[0]; r.Mark {
		return r, true, false
	}
	s.end.CompletionTokens++
	if s.scored {
		s.entries = append(s.entries, s.entry(&r))
	}
	return r, true, false
}

// marked gives how much of the prompt is computed. It reports true.
func (s *stream) marked(ev *ask.Event, r *batch.Result) bool {
	if s.progress == nil { // what is there at first was there before
		s.progress = &ask.Progress{Total: s.end.PromptTokens, Cached: r.Processed}
	}
	p := s.progress
	p.Processed, p.Ns = r.Processed, s.generation.Prefilling().Nanoseconds()
	ev.Progress = p
	if s.timed {
		so := ask.End{PromptTokens: p.Processed, CachedTokens: p.Cached}
		if p.Processed > p.Cached { // else nothing has been computed, which takes no time
			so.PrefillNs = p.Ns
		}
		ev.SoFar = &so
	}
	return true
}

// give moves the released text into an event, with the entries of the tokens
// that it contains.
func (s *stream) give(ev *ask.Event, text *text.Text) {
	var tokens int
	ev.Text, tokens = text.Take()
	numbers := min(tokens, len(s.tokens)) // 0 if nobody asked for them
	ev.Tokens, s.tokens = s.tokens[:numbers:numbers], s.tokens[numbers:]
	tokens = min(tokens, len(s.entries)) // 0 if nobody asked for entries
	ev.Logprobs, s.entries = s.entries[:tokens:tokens], s.entries[tokens:]
}

// cut ends a generation whose text is complete before the model's is.
func (s *stream) cut() {
	s.generation.Cancel()
	s.phase = spelled
	s.took(s.generation.SoFar())
}

// took says where the time has gone, and what was guessed.
func (s *stream) took(f batch.Finish) {
	s.end.QueueNs, s.end.PrefillNs, s.end.DecodeNs = f.Queue.Nanoseconds(), f.Prefill.Nanoseconds(), f.Decode.Nanoseconds()
	s.end.DraftTokens, s.end.AcceptedTokens = f.Drafted, f.Accepted
}

// stopped says that a stop string ended the text.
func (s *stream) stopped() {
	index, _ := s.text.Stop()
	s.end.Reason, s.end.StopString = ask.FinishStop, s.stops[index]
}

// finish takes the end of the generation, and gives what was held back of the
// text first.
func (s *stream) finish(ev *ask.Event) bool {
	if !s.ended() {
		return s.last(ev)
	}
	if s.text.Flush() { // an incomplete character completed a stop string
		s.stopped()
	}
	if s.give(ev, &s.text); len(ev.Text) > 0 || len(ev.Logprobs) > 0 || len(ev.Tokens) > 0 {
		return true
	}
	return s.last(ev)
}

// ended says how the generation ended, and reports whether it was well.
func (s *stream) ended() bool {
	f := s.generation.Finish()
	spent := f.Spent // alone: who keeps it does not keep the rest
	s.phase, s.end.Spent = spelled, &spent
	s.end.Reason, s.end.ContextFull = f.Reason, f.ContextFull
	s.took(f)
	if f.Reason == ask.FinishStop || f.Reason == ask.FinishLength {
		return true
	}
	s.end.Fault = endFault(f.Err)
	return false
}

// last gives the end, once.
func (s *stream) last(ev *ask.Event) bool {
	if s.phase == over {
		return false
	}
	s.phase = over
	s.end.CachedTokens, s.end.Slot = s.generation.Cached(), s.generation.Slot()+1
	s.end.Shifted = s.generation.Shifted()
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
		return ask.Candidate{Bytes: names[begin:len(names):len(names)], Logprob: logprob, Token: token}
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
