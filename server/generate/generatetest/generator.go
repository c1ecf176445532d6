package generatetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/weirgo/weir/sched/mailbox"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/text"
)

// Generator implements generate.Generator and generate.Tokenizer. Its fields
// are set before its first use.
type Generator struct {
	// Reply is what every request gets.
	Reply string
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
		return nil, &ask.Fault{Kind: ask.ContextExceeded, What: fmt.Sprintf("the prompt has %d tokens and leaves no room in a context of %d tokens", prompt, g.context())}
	}
	s := &stream{g: g, reply: g.Reply, top: r.TopLogprobs, left: make(chan struct{}), end: ask.End{PromptTokens: prompt, QueueNs: 1, PrefillNs: 1, DecodeNs: 1}}
	if r.MaxTokens > 0 && r.MaxTokens < len(s.reply) {
		s.reply, s.end.Reason = s.reply[:r.MaxTokens], ask.FinishLength
	}
	s.text.Reset(r.Stop)
	g.running.Add(1)
	return s, nil
}

// stream says its reply.
type stream struct {
	g         *Generator
	reply     string
	said      int
	top       int
	text      text.Text
	pending   []ask.Logprob
	end       ask.End
	done      bool // nothing but the end is left
	over      bool
	allowed   atomic.Int64 // tokens that may go; negative: all
	cancelled atomic.Bool
	leave     sync.Once
	left      chan struct{} // closed: ended, or cancelled
	entry     *mailbox.Entry
}

// Announce implements generate.Stream.
func (s *stream) Announce(e *mailbox.Entry) {
	s.entry = e
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

// out counts the generation out, once.
func (s *stream) out() {
	s.leave.Do(func() {
		s.g.running.Add(-1)
		close(s.left)
	})
}

func (s *stream) let(tokens int64) {
	s.allowed.Store(tokens)
	s.entry.Post()
	s.entry.Feed().Wake()
}

// Cancel implements generate.Stream.
func (s *stream) Cancel() {
	s.cancelled.Store(true)
	s.out()
	if s.entry != nil {
		s.entry.Post()
		s.entry.Feed().Wake()
	}
}

// Next implements generate.Stream.
func (s *stream) Next(ev *ask.Event) bool {
	*ev = ask.Event{}
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
	return true
}

// say gives the next token's text, or what is left when there is none.
func (s *stream) say(ev *ask.Event) {
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
		if s.text.Add([]byte{token}) {
			s.end.Reason, s.done = ask.FinishStop, true
		}
	}
	var tokens int
	ev.Text, tokens = s.text.Take()
	tokens = min(tokens, len(s.pending))
	ev.Logprobs, s.pending = slices.Clone(s.pending[:tokens]), s.pending[tokens:]
}

// score makes up log-probabilities: a byte is likelier than those after it.
func score(token byte, top int) ask.Logprob {
	p := ask.Logprob{Candidate: ask.Candidate{Bytes: []byte{token}, Logprob: -0.5}}
	for i := range top {
		p.Top = append(p.Top, ask.Candidate{Bytes: []byte{token + byte(i)}, Logprob: -0.5 - float32(i)})
	}
	return p
}
