package chat

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/weirgo/weir/server/ask"
)

// openEnd marks, in a rendering that nobody sees, where the last message ends.
// Its blank tells whether the template trims what a message says. Text of a
// client may hold the same: the last one counts.
const openEnd = "\ue0f7open-end\ue0f7 "

// renderOpen renders a conversation whose last message goes on: the mark is put
// behind it, and the text is cut there.
func (t *Template) renderOpen(ctx context.Context, in Input) ([]Piece, error) {
	n := len(in.Messages)
	if n == 0 || in.Messages[n-1].Role != "assistant" {
		return nil, badRequest("only a last message of the assistant can be continued")
	}
	in.Messages = slices.Clone(in.Messages)
	last := &in.Messages[n-1]
	switch {
	case last.ToolCalls != nil:
		return nil, badRequest("a message that calls tools cannot be continued: send it without tool_calls, or add what the tools answered")
	case len(last.Parts) > 0:
		last.Parts = slices.Clone(last.Parts)
		last.Parts[len(last.Parts)-1] += openEnd
	case last.Content != "":
		last.Content += openEnd
	case last.Reasoning != "":
		last.Reasoning += openEnd
	default: // nothing is said yet
		in.Messages, in.AddGenerationPrompt = in.Messages[:n-1], true
		return t.render(ctx, in)
	}
	in.AddGenerationPrompt = false
	pieces, err := t.render(ctx, in)
	if err != nil {
		return nil, err
	}
	if pieces = cutOpen(pieces); pieces == nil {
		return nil, badRequest("the last message cannot be continued with this chat template, which does not show its end: " +
			"end the conversation with a message of the user")
	}
	return pieces, nil
}

// cutOpen ends a rendering before the last mark, which a client's text must
// contain. It returns nil if there is none.
func cutOpen(pieces []Piece) []Piece {
	mark := strings.TrimRight(openEnd, " ")
	for i, p := range slices.Backward(pieces) {
		at := strings.LastIndex(p.Text, mark)
		if p.Trusted || at < 0 {
			continue
		}
		text := p.Text[:at]
		if !strings.HasPrefix(p.Text[at:], openEnd) {
			text = strings.TrimRightFunc(text, pythonSpace) // as the template did
		}
		pieces = pieces[:i]
		if text != "" {
			pieces = append(pieces, Piece{Text: text})
		}
		if len(pieces) == 0 {
			return []Piece{} // an empty rendering, but one
		}
		return pieces
	}
	return nil
}

// pythonSpace is what Python's strip removes.
func pythonSpace(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }

// Continues says what of the last message goes on.
type Continues uint8

const (
	ContinuesNothing   Continues = iota // the message is begun
	ContinuesContent                    // what it says
	ContinuesReasoning                  // what it thinks
)

// Continued returns what [Input.Continue] would go on with.
func Continued(messages []ask.Message) Continues {
	if len(messages) == 0 {
		return ContinuesNothing
	}
	switch last := &messages[len(messages)-1]; {
	case len(last.Parts) > 0 || last.Content != "":
		return ContinuesContent
	case last.Reasoning != "":
		return ContinuesReasoning
	}
	return ContinuesNothing
}
