package local

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/chat/calls"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/text"
)

// parsed is a stream whose text is taken apart into what the model says, what it
// thinks, and the tools it calls. Like stream, it belongs to its reader.
//
//	token ─► text ─► parser ─┬─ says ──► said ─► Event.Text
//	         whole           ├─ thinks ────────► Event.Reasoning
//	         characters      └─ calls ─────────► Event.Calls
//
// Stop strings are looked for in what the model says alone. The entry of a token
// goes with the event that tells the last of its bytes, of whatever kind.
type parsed struct {
	stream
	parser calls.Parser
	marks  map[engine.Token]string // see Generator.marks

	said   text.Text // finds stop strings; not used without
	heldIn int       // bytes of it that are held back
	stops  bool

	piece   calls.Piece
	pending bool // piece is taken from the parser, and not given
	whole   bool // nothing comes any more
	dropped bool // a stop string ended the answer: what was parsed behind it does not count

	fed       int        // bytes the parser was given
	told      int        // of them, bytes that events have told
	given     int        // where the last token ends whose entry was given
	ends      []tokenEnd // of the tokens in entries
	callSpace []ask.CallPiece
}

// tokenEnd is a place in the parser's text where so many tokens end.
type tokenEnd struct{ at, tokens int }

// Next implements generate.Stream.
func (s *parsed) Next(ev *ask.Event) bool { return s.next(ev) && s.time(ev) }

func (s *parsed) next(ev *ask.Event) bool {
	*ev = ask.Event{PromptTokens: s.end.PromptTokens}
	if s.fill(ev) {
		return true
	}
	if s.phase != running {
		return s.last(ev)
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
	thought := s.parser.Thinks()
	tail := s.text.Tail()
	piece := s.model.AppendPiece(tail, r.Token, false)
	if len(piece) == len(tail) {
		piece = append(piece, s.marks[r.Token]...)
	}
	s.text.Added(piece)
	s.feed()
	if thought || s.parser.Thinks() {
		s.end.ReasoningTokens++
	}
	if s.parser.Over() {
		s.cut() // the one call that was allowed is made
		s.end.Reason, s.whole = ask.FinishCalls, true
	}
	s.fill(ev)
	return true
}

// feed gives the parser the characters that are whole.
func (s *parsed) feed() {
	characters, tokens := s.text.Take()
	s.parser.Add(characters)
	if s.fed += len(characters); s.scored && tokens > 0 {
		s.ends = append(s.ends, tokenEnd{s.fed, tokens})
	}
}

// The order in which those who spell an event tell its parts.
var order = [...]int{calls.Reasoning: 1, calls.Text: 2, calls.Call: 3}

// fill moves what was parsed into an event, as far as its parts come in the order
// that an event has. It reports whether there was anything.
func (s *parsed) fill(ev *ask.Event) (some bool) {
	last := 0
	s.callSpace = s.callSpace[:0]
	for !s.dropped {
		if !s.pending && !s.parser.Next(&s.piece) {
			break
		}
		s.pending = true
		kind := s.piece.Kind
		if kind != calls.Text && s.heldIn > 0 {
			if last >= order[calls.Text] {
				break
			}
			s.release(ev) // what is held back was said before
			last, some = order[calls.Text], true
		}
		if order[kind] < last || order[kind] == last && kind != calls.Call {
			break
		}
		last, some, s.pending = order[kind], true, false
		s.told = s.piece.End
		switch kind {
		case calls.Reasoning:
			ev.Reasoning = s.piece.Bytes
		case calls.Text:
			s.say(ev)
		case calls.Call:
			s.callSpace = append(s.callSpace, s.piece.Call)
			ev.Calls = s.callSpace
		}
	}
	if !s.pending && !s.dropped {
		if s.whole && s.heldIn > 0 && last < order[calls.Text] {
			s.release(ev)
			some = true
		}
		if s.heldIn == 0 {
			s.told = s.parser.Resolved()
		}
	}
	return s.giveEntries(ev) || some
}

// say puts text into an event, but for what may be the beginning of a stop
// string.
func (s *parsed) say(ev *ask.Event) {
	if !s.stops {
		ev.Text = s.piece.Bytes
		return
	}
	stopped := s.said.Add(s.piece.Bytes)
	ev.Text, _ = s.said.Take()
	s.heldIn += len(s.piece.Bytes) - len(ev.Text)
	s.told -= s.heldIn
	if stopped {
		index, _ := s.said.Stop()
		s.end.StopString = s.stream.stops[index]
		s.cut() // the stop string ends the text, not the model
		s.end.Reason, s.dropped, s.heldIn = ask.FinishStop, true, 0
	}
}

// release gives the text that was held back for a stop string that did not come.
func (s *parsed) release(ev *ask.Event) {
	s.said.Flush()
	ev.Text, _ = s.said.Take()
	s.told += s.heldIn
	s.heldIn = 0
	s.said.Reset(s.stream.stops) // its memory is the event's until more is said
}

// giveEntries gives an event the entries of the tokens that are told. One that a
// stop string cuts counts if a part of it was told.
func (s *parsed) giveEntries(ev *ask.Event) bool {
	tokens, done := 0, 0
	for _, e := range s.ends {
		if e.at > s.told {
			if s.dropped && s.given < s.told {
				tokens++
			}
			break
		}
		tokens += e.tokens
		s.given = e.at
		done++
	}
	s.ends = s.ends[:copy(s.ends, s.ends[done:])]
	tokens = min(tokens, len(s.entries))
	ev.Logprobs, s.entries = s.entries[:tokens:tokens], s.entries[tokens:]
	if s.dropped {
		s.ends, s.entries = nil, nil
	}
	return tokens > 0
}

// finish takes the end of the generation, and gives what was held back first.
func (s *parsed) finish(ev *ask.Event) bool {
	if !s.ended() {
		return s.last(ev)
	}
	s.text.Flush()
	s.feed()
	s.parser.End(s.end.Reason == ask.FinishLength)
	s.phase, s.whole = spelled, true
	if s.end.Reason == ask.FinishStop && s.parser.Calls() > 0 {
		s.end.Reason = ask.FinishCalls
	}
	return s.fill(ev) || s.last(ev)
}
