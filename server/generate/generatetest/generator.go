package generatetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/text"
)

// Generator implements generate.Generator, generate.Tokenizer and generate.Counter. Its fields
// are set before its first use.
type Generator struct {
	// Reply is what every request gets.
	Reply string
	// ReplyTo, if not nil, is asked for the reply to each request instead.
	ReplyTo func(*ask.Request) string
	// Before are events that come before the reply, a token each: reasoning, and
	// pieces of calls of tools, with which it ends with FinishCalls. They share
	// their memory with all requests. [Thought] and [Called] make some.
	Before []ask.Event
	// Refuse, if not nil, is asked about each request.
	Refuse func(*ask.Request) error
	// Fail ends a generation with a fault before the token of that number; the
	// zero value never does.
	Fail map[int]*ask.Fault
	// Gate, if not nil, holds tokens and the end up: each value lets one more go, to
	// whom it may; closed, all.
	Gate <-chan struct{}
	// Context is the tokens of a prompt and its answer. Default 512.
	Context int

	running atomic.Int64
}

// Running is how many generations have neither ended nor been cancelled.
func (g *Generator) Running() int { return int(g.running.Load()) }

// Model implements generate.Generator.
func (g *Generator) Model() ask.Model {
	return ask.Model{
		ID: "tiny", VocabSize: vocabSize, TrainedContext: 4096, ContextTokens: g.context(),
		EmbeddingSize: 1, Parameters: vocabSize, SizeBytes: vocabSize,
	}
}

func (g *Generator) context() int {
	if g.Context == 0 {
		return 512
	}
	return g.Context
}

// Submit implements generate.Generator.
func (g *Generator) Submit(_ context.Context, r *ask.Request) (generate.Stream, error) {
	if err := generate.CheckModel(g.Model(), r.Model); err != nil {
		return nil, err
	}
	if g.Refuse != nil {
		if err := g.Refuse(r); err != nil {
			return nil, err
		}
	}
	prompt := 1 + len(r.Prompt.Text)
	if r.Messages != nil {
		prompt += len("[assistant]")
	}
	for _, m := range r.Messages {
		prompt += len("[]") + len(m.Role) + len(m.Content)
	}
	if r.Prompt.Tokens != nil {
		prompt = len(r.Prompt.Tokens)
	}
	if prompt >= g.context() {
		return nil, &ask.Fault{Kind: ask.ContextExceeded, What: fmt.Sprintf("the prompt has %d tokens and leaves no room in a context of %d tokens", prompt, g.context()), PromptTokens: prompt, ContextTokens: g.context()}
	}
	reply := g.Reply
	if g.ReplyTo != nil {
		reply = g.ReplyTo(r)
	}
	s := &stream{g: g, reply: reply, before: g.Before, top: r.TopLogprobs, left: make(chan struct{}), end: ask.End{PromptTokens: prompt, QueueNs: 1, PrefillNs: 1, DecodeNs: 1}}
	if r.MaxTokens != 0 && r.MaxTokens < len(s.reply) {
		r.MaxTokens = max(r.MaxTokens, 0) // negative: none
		s.reply, s.end.Reason = s.reply[:r.MaxTokens], ask.FinishLength
	}
	s.text.Reset(r.Stop)
	if r.Echo {
		s.echo(r.Prompt.Text)
	}
	if r.Progress {
		s.before = slices.Concat(progress(prompt), s.before)
	}
	s.numbered, s.timed, s.stops = r.ReturnTokens, r.Timings, r.Stop
	g.running.Add(1)
	return s, nil
}

// stream says its reply.
type stream struct {
	g         *Generator
	reply     string
	before    []ask.Event
	said      int // of reply
	top       int
	numbered  bool
	timed     bool
	stops     []string
	text      text.Text
	pending   []ask.Logprob
	echoed    bool        // the next event is the prompt
	tokens    []ask.Token // whose text is held back
	end       ask.End
	done      bool // nothing but the end is left
	over      bool
	allowed   atomic.Int64 // tokens that may go; negative: all
	cancelled atomic.Bool
	leave     sync.Once
	left      chan struct{} // closed: ended, or cancelled
	entry     atomic.Pointer[mailbox.Entry]
}

// Announce implements generate.Stream.
func (s *stream) Announce(e *mailbox.Entry) {
	s.entry.Store(e)
	if s.cancelled.Load() { // after the store: one of the two sees the other's
		s.wake()
		return
	}
	if s.g.Gate == nil {
		s.let(-1)
		return
	}
	go func() {
		for {
			select {
			case <-s.left:
				return
			case _, more := <-s.g.Gate:
				if !more {
					s.let(-1)
					return
				}
				s.let(s.allowed.Load() + 1)
			}
		}
	}()
}

// PromptTokens implements generate.Sized.
func (s *stream) PromptTokens() int { return s.end.PromptTokens }

// out counts the generation out, once.
func (s *stream) out() {
	s.leave.Do(func() {
		s.g.running.Add(-1)
		close(s.left)
	})
}

func (s *stream) let(tokens int64) {
	s.allowed.Store(tokens)
	s.wake()
}

// Cancel implements generate.Stream.
func (s *stream) Cancel() {
	s.cancelled.Store(true) // before wake looks for an entry, see Announce
	s.out()
	s.wake()
}

// wake tells whom the stream was announced to, if anybody, that there is something.
func (s *stream) wake() {
	if e := s.entry.Load(); e != nil {
		e.Post()
		e.Feed().Wake()
	}
}

// Next implements generate.Stream.
func (s *stream) Next(ev *ask.Event) bool {
	*ev = ask.Event{PromptTokens: s.end.PromptTokens}
	allowed := s.allowed.Load()
	switch {
	case s.over:
		return false
	case s.cancelled.Load() && !s.done:
		s.end.Reason, s.end.Fault = ask.FinishAborted, ask.GivenUp(nil)
		s.done = true
	case !s.done && allowed >= 0 && int64(s.said) >= allowed:
		return false
	case !s.done && s.g.Fail[s.said] != nil:
		s.end.Reason, s.end.Fault = ask.FinishError, s.g.Fail[s.said]
		s.done = true
	}
	if s.done {
		s.over = true
		s.out()
		ev.End = &s.end
		return true
	}
	s.say(ev)
	ev.CompletionTokens = s.end.CompletionTokens
	if s.timed && s.end.CompletionTokens > 0 {
		ev.SoFar = &s.end
	}
	return true
}

// echo puts the prompt's text, a token a byte, before all else. Its first token
// follows nothing.
func (s *stream) echo(prompt string) {
	first := ask.Event{Text: []byte(prompt)}
	for i := range len(prompt) {
		if s.top >= 0 {
			first.Logprobs = append(first.Logprobs, score(prompt[i], s.top))
		}
	}
	if len(first.Logprobs) > 0 {
		first.Logprobs[0] = ask.Logprob{Candidate: ask.Candidate{Bytes: []byte(prompt[:1])}, First: true}
	}
	s.before = append([]ask.Event{first}, s.before...)
	s.echoed = true
}

// say gives the next token's text, or what is left when there is none.
func (s *stream) say(ev *ask.Event) {
	if len(s.before) > 0 {
		*ev, s.before = s.before[0], s.before[1:]
		s.prepared(ev)
		return
	}
	if s.said == len(s.reply) {
		if s.text.Flush() {
			s.end.Reason = ask.FinishStop
		}
		s.done = true
	} else {
		token := s.reply[s.said]
		s.said++
		s.end.CompletionTokens++
		if s.top >= 0 {
			s.pending = append(s.pending, score(token, s.top))
		}
		if s.numbered {
			s.tokens = append(s.tokens, ask.Token(token))
		}
		if s.text.Add([]byte{token}) {
			s.end.Reason, s.done = ask.FinishStop, true
			for _, stop := range s.stops {
				if strings.HasSuffix(s.reply[:s.said], stop) {
					s.end.StopString = stop
				}
			}
		}
	}
	var tokens int
	ev.Text, tokens = s.text.Take()
	numbers := min(tokens, len(s.tokens))
	ev.Tokens, s.tokens = slices.Clone(s.tokens[:numbers]), s.tokens[numbers:]
	tokens = min(tokens, len(s.pending))
	ev.Logprobs, s.pending = slices.Clone(s.pending[:tokens]), s.pending[tokens:]
}

// prepared counts an event that came before the reply.
func (s *stream) prepared(ev *ask.Event) {
	if ev.Progress != nil {
		return
	}
	if s.echoed {
		s.echoed = false
		return
	}
	s.end.CompletionTokens++
	if len(ev.Reasoning) > 0 {
		s.end.ReasoningTokens++
	}
	if len(ev.Calls) > 0 {
		s.end.Reason = ask.FinishCalls
	}
}

// score makes up log-probabilities: a byte is likelier than those after it.
func score(token byte, top int) ask.Logprob {
	p := ask.Logprob{Candidate: ask.Candidate{Bytes: []byte{token}, Logprob: -0.5, Token: ask.Token(token)}}
	for i := range top {
		p.Top = append(p.Top, ask.Candidate{Bytes: []byte{token + byte(i)}, Logprob: -0.5 - float32(i), Token: ask.Token(token + byte(i))})
	}
	return p
}
