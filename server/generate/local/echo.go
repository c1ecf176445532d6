package local

import (
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/text"
)

// echo is a prompt that is to be handed out before what follows it. Its text is
// apart from the answer's, where stop strings are looked for.
type echo struct {
	tokens []engine.Token
	next   int
	silent bool // the first token is not of the text
	text   text.Text
}

// echoTokens is how much of a prompt is handed out at once.
const echoTokens = 256

func newEcho(tokens []engine.Token, silent bool) *echo {
	e := &echo{tokens: tokens, silent: silent}
	e.text.Reset(nil)
	return e
}

// piece appends what the next token is in the text.
func (e *echo) piece(dst []byte, m engine.Model) []byte {
	switch {
	case e.next == 0 && e.silent:
		return dst
	case e.next == 0 || e.next == 1 && e.silent:
		return m.AppendText(dst, -1, e.tokens[e.next])
	}
	return m.AppendText(dst, e.tokens[e.next-1], e.tokens[e.next])
}

// echoed gives the next of the prompt. given says that there was some, ended that
// the generation is over before it. If neither, the rest has to wait for its
// scores, or echo is nil now.
func (s *stream) echoed(ev *ask.Event) (given, ended bool) {
	e := s.echo
	for n := 0; n < echoTokens && e.next < len(e.tokens); n++ {
		entry := ask.Logprob{First: true}
		if s.scored && e.next > 0 {
			var result [1]batch.Result
			got, err := s.generation.Poll(result[:])
			if ended = err != nil; got == 0 {
				break
			}
			entry = s.entry(&result[0])
		}
		if s.scored {
			entry.Bytes = e.piece(nil, s.model)
			s.entries = append(s.entries, entry)
		}
		e.text.Added(e.piece(e.text.Tail(), s.model))
		e.next++
	}
	if e.next == len(e.tokens) {
		e.text.Flush()
		s.echo = nil
	}
	s.give(ev, &e.text)
	return len(ev.Text) > 0 || len(ev.Logprobs) > 0, ended
}
