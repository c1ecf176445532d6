package lesson

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/scripts/models/train/pieces"
	"github.com/weirgo/weir/server/chat"
)

// Template is the demo model's chat template.
//
//go:embed chat.jinja
var Template string

// turn is how an answer begins, after the token that begins a turn.
const turn = "assistant\n"

// Encoder makes tokens of conversations. It may be used concurrently.
type Encoder struct {
	Vocabulary *pieces.Vocabulary

	template        *chat.Template
	assistant, user []int32 // what follows TurnBegin
	plain           []int32 // tokens of text
}

// NewEncoder returns an encoder into a vocabulary.
func NewEncoder(v *pieces.Vocabulary) (*Encoder, error) {
	t, err := chat.New(Template, "", "")
	if err != nil {
		return nil, fmt.Errorf("lesson: %w", err)
	}
	e := &Encoder{Vocabulary: v, template: t}
	e.assistant = v.Encode(nil, pieces.Part{Text: turn})
	e.user = v.Encode(nil, pieces.Part{Text: "user\n"})
	for id := range int32(v.Len()) {
		if v.Plain(id) {
			e.plain = append(e.plain, id)
		}
	}
	return e, nil
}

// Learn returns an encoder with a vocabulary of its own, learnt from every
// wording of the items.
func Learn(items []corpus.Item, size int) (*Encoder, error) {
	t, err := chat.New(Template, "", "")
	if err != nil {
		return nil, fmt.Errorf("lesson: %w", err)
	}
	var texts []string
	for _, c := range corpus.Questions(items) {
		rendered, err := Render(t, c, len(c.Messages))
		if err != nil {
			return nil, err
		}
		// The names of control tokens are no text.
		texts = append(texts, strings.NewReplacer(pieces.TurnBeginText, "\n", pieces.TurnEndText, "\n").Replace(chat.Text(rendered)))
	}
	return NewEncoder(pieces.Learn(texts, size))
}

// Render returns the first turns of a conversation: all, or those before the
// last and the beginning of an answer.
func Render(t *chat.Template, c corpus.Conversation, turns int) ([]chat.Piece, error) {
	rendered, err := t.Render(context.Background(), chat.Input{
		Messages: c.Messages[:turns], Tools: c.Tools, AddGenerationPrompt: turns < len(c.Messages),
	})
	if err != nil {
		return nil, fmt.Errorf("lesson: %s: %w", c.ID, err)
	}
	return rendered, nil
}

// Expected returns what the template makes of a conversation's last turn.
func Expected(t *chat.Template, c corpus.Conversation) (string, error) {
	prompt, err := Render(t, c, len(c.Messages)-1)
	if err != nil {
		return "", err
	}
	whole, err := Render(t, c, len(c.Messages))
	if err != nil {
		return "", err
	}
	answer, ok := strings.CutPrefix(chat.Text(whole), chat.Text(prompt))
	if !ok {
		return "", fmt.Errorf("lesson: %s: the template writes an answer otherwise than its beginning", c.ID)
	}
	return strings.TrimSuffix(answer, pieces.TurnEndText+"\n"), nil
}

// tokens are those of a rendering.
func (e *Encoder) tokens(rendered []chat.Piece) []int32 {
	parts := make([]pieces.Part, len(rendered))
	for i, p := range rendered {
		parts[i] = pieces.Part{Text: p.Text, Control: p.Trusted}
	}
	return e.Vocabulary.Encode(nil, parts...)
}

// Prompt returns the tokens that an answer follows.
func (e *Encoder) Prompt(c corpus.Conversation) ([]int32, error) {
	rendered, err := Render(e.template, c, len(c.Messages)-1)
	if err != nil {
		return nil, err
	}
	return e.tokens(rendered), nil
}

// Encode returns a conversation's tokens, and for each the one to be foreseen
// after it, -1 where nothing is: all turns of the assistant, or only the last.
func (e *Encoder) Encode(c corpus.Conversation, onlyLast bool) (tokens, targets []int32, err error) {
	rendered, err := Render(e.template, c, len(c.Messages))
	if err != nil {
		return nil, nil, err
	}
	tokens = e.tokens(rendered)
	last := len(tokens) - 1
	for last >= 0 && tokens[last] != pieces.TurnEnd {
		last--
	}
	targets = make([]int32, max(last, 0))
	answer, begun := false, -1
	for i := range targets {
		targets[i] = -1
		if tokens[i] == pieces.TurnBegin {
			answer = e.follows(tokens[i+1:last], e.assistant)
			begun = i + len(e.assistant)
			if answer && onlyLast {
				for j := range i {
					targets[j] = -1
				}
			}
		}
		if answer && i >= begun {
			targets[i] = tokens[i+1]
			answer = tokens[i+1] != pieces.TurnEnd
		}
	}
	if last < 1 || targets[last-1] != pieces.TurnEnd {
		return nil, nil, fmt.Errorf("lesson: %s: no answer ends it", c.ID)
	}
	return tokens[:last], targets, nil
}

func (*Encoder) follows(tokens, want []int32) bool {
	return len(tokens) >= len(want) && slices.Equal(tokens[:len(want)], want)
}

// Shorten cuts off what follows the first tokens of the last answer, most of
// which is the same whatever the question was, and returns the rest.
func Shorten(tokens, targets []int32, answer int) ([]int32, []int32) {
	begin := len(targets)
	for begin > 0 && targets[begin-1] >= 0 {
		begin--
	}
	end := min(begin+answer, len(targets))
	return tokens[:end], targets[:end]
}

// Disturb replaces a share of the user's tokens by others, so that no single one
// is relied on.
func (e *Encoder) Disturb(r *rand.Rand, tokens []int32, share float64) {
	user := false
	for i := 0; i < len(tokens); i++ {
		switch tokens[i] {
		case pieces.TurnEnd:
			user = false
		case pieces.TurnBegin:
			if user = e.follows(tokens[i+1:], e.user); user {
				i += len(e.user)
			}
		default:
			if user && r.Float64() < share {
				tokens[i] = e.plain[r.IntN(len(e.plain))]
			}
		}
	}
}
