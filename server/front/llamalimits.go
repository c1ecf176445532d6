package front

import (
	"bytes"
	"context"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire/llamaserver"
)

// limitedGenerator ends its answers where limits say.
type limitedGenerator struct {
	generate.Generator
	limits llamaserver.Limits
	now    func() time.Time
}

// limitedBy returns a generator within limits.
func limitedBy(g generate.Generator, l llamaserver.Limits) generate.Generator {
	if !l.Any() {
		return g
	}
	return &limitedGenerator{g, l, time.Now}
}

// Submit implements generate.Generator.
func (g *limitedGenerator) Submit(ctx context.Context, r *ask.Request) (generate.Stream, error) {
	s, err := g.Generator.Submit(ctx, r)
	if err != nil {
		return nil, err
	}
	return &limitedStream{Stream: s, limits: g.limits, now: g.now}, nil
}

// limitedStream is a stream that ends where limits say. Then it is cancelled, and
// waited for: its end knows what it took.
type limitedStream struct {
	generate.Stream
	limits llamaserver.Limits
	now    func() time.Time

	first   time.Time // of the first piece
	newLine bool
	atStart bool // of a line, in its blanks
	blanks  int
	cut     bool
	end     ask.End
}

// PromptTokens implements generate.Sized, if the stream within does.
func (s *limitedStream) PromptTokens() int {
	if sized, ok := s.Stream.(generate.Sized); ok {
		return sized.PromptTokens()
	}
	return 0
}

// Next implements generate.Stream.
func (s *limitedStream) Next(ev *ask.Event) bool {
	for s.Stream.Next(ev) {
		if ev.End != nil {
			s.endAs(ev)
			return true
		}
		if ev.Progress != nil {
			return true
		}
		if s.cut || s.limits.Nothing {
			continue // what comes behind the end is nobody's
		}
		s.look(ev)
		return true
	}
	return false
}

// look ends the answer if it must not go on behind the event, or within it.
func (s *limitedStream) look(ev *ask.Event) {
	if s.limits.Indent > 0 {
		s.lookAtIndent(ev)
	}
	if s.limits.AfterNs > 0 {
		now := s.now()
		if s.first.IsZero() {
			s.first = now
		}
		s.newLine = s.newLine || bytes.IndexByte(ev.Text, '\n') >= 0
		if s.newLine && now.Sub(s.first) > time.Duration(s.limits.AfterNs) {
			s.stop()
		}
	}
}

// lookAtIndent cuts the text before what begins a line too far to the left.
func (s *limitedStream) lookAtIndent(ev *ask.Event) {
	for i, c := range ev.Text {
		switch {
		case s.atStart && (c == ' ' || c == '\t'):
			s.blanks++
		case s.atStart && s.blanks < s.limits.Indent:
			ev.Text = ev.Text[:i]
			s.stop()
			return
		default:
			s.atStart, s.blanks = c == '\n', 0
		}
	}
}

func (s *limitedStream) stop() {
	if !s.cut {
		s.cut = true
		s.Stream.Cancel()
	}
}

// endAs makes the end of a stream that was cancelled here one by its length.
func (s *limitedStream) endAs(ev *ask.Event) {
	s.end = *ev.End
	ev.End = &s.end
	if s.cut && s.end.Fault != nil && s.end.Fault.Kind == ask.Cancelled {
		s.end.Reason, s.end.Fault = ask.FinishLength, nil
	}
	if s.cut {
		s.end.Reason, s.end.ContextFull = ask.FinishLength, false
	}
	if s.limits.Nothing && s.end.Fault == nil {
		s.end.Reason, s.end.CompletionTokens, s.end.StopString = ask.FinishLength, 0, ""
	}
}
