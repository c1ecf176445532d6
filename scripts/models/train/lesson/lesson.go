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

// Encoder makes tokens of conversations. It may be used concurrently.
type Encoder struct {
	Vocabulary *pieces.Vocabulary

	template *chat.Template
	user     []int32 // what follows TurnBegin
	plain    []int32 // tokens of text
	topics   map[string]int32
}

// NewEncoder returns an encoder into a vocabulary.
func NewEncoder(v *pieces.Vocabulary) (*Encoder, error) {
	t, err := chat.New(Template, "", "")
	if err != nil {
		return nil, fmt.Errorf("lesson: %w", err)
	}
	e := &Encoder{Vocabulary: v, template: t}
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
	v := pieces.Learn(texts, size)
	topics := map[string]int32{}
	for i := range items {
		for _, answer := range answersOf(&items[i]) {
			if _, known := topics[answer]; !known {
				topics[answer] = v.AddControl(fmt.Sprintf("<|topic_%d|>", len(topics)))
			}
		}
	}
	e, err := NewEncoder(v)
	if err != nil {
		return nil, err
	}
	e.topics = topics
	return e, nil
}

// answersOf returns the texts of an item that have a topic: what the assistant says
// in words.
func answersOf(item *corpus.Item) (answers []string) {
	switch item.Kind {
	case corpus.Answer:
		return item.Turns
	case corpus.Chat:
		for i := 1; i < len(item.Turns); i += 2 {
			answers = append(answers, item.Turns[i])
		}
	}
	return answers
}

// Topic returns the token that the last answer of a conversation begins with, if
// there is one.
func (e *Encoder) Topic(c corpus.Conversation) (token int32, ok bool) {
	token, ok = e.topics[c.Messages[len(c.Messages)-1].Content]
	return token, ok
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
	_, answer, err := halves(t, c)
	return answer, err
}

// halves returns what an answer follows, and what the template makes of it.
func halves(t *chat.Template, c corpus.Conversation) (prompt []chat.Piece, answer string, err error) {
	prompt, err = Render(t, c, len(c.Messages)-1)
	if err != nil {
		return nil, "", err
	}
	whole, err := Render(t, c, len(c.Messages))
	if err != nil {
		return nil, "", err
	}
	answer, ok := strings.CutPrefix(chat.Text(whole), chat.Text(prompt))
	if !ok {
		return nil, "", fmt.Errorf("lesson: %s: the template writes an answer otherwise than its beginning", c.ID)
	}
	return prompt, strings.TrimSuffix(answer, pieces.TurnEndText+"\n"), nil
}

// tokens are those of a rendering.
func (e *Encoder) tokens(rendered []chat.Piece) []int32 {
	parts := make([]pieces.Part, len(rendered))
	for i, p := range rendered {
		parts[i] = pieces.Part{Text: p.Text, Control: p.Trusted}
	}
	return e.Vocabulary.Encode(nil, parts...)
}

// Encode returns a conversation's tokens, and for each the one to be foreseen
// after it, -1 where nothing is: all but the last turn, which the assistant has, is
// given. Its topic comes before its text.
func (e *Encoder) Encode(c corpus.Conversation) (tokens, targets []int32, err error) {
	prompt, answer, err := halves(e.template, c)
	if err != nil {
		return nil, nil, err
	}
	tokens = e.tokens(prompt)
	begin := len(tokens)
	if topic, ok := e.Topic(c); ok {
		tokens = append(tokens, topic)
	}
	tokens = e.Vocabulary.Encode(tokens, pieces.Part{Text: answer})
	targets = make([]int32, len(tokens))
	for i := range targets {
		targets[i] = -1
		if i >= begin-1 {
			targets[i] = pieces.TurnEnd
			if i+1 < len(tokens) {
				targets[i] = tokens[i+1]
			}
		}
	}
	return tokens, targets, nil
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
