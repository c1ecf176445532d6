package lesson

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirgo/weir/scripts/models/train/corpus"
	"github.com/weirgo/weir/scripts/models/train/pieces"
)

const text = `
[id: what]
Q: What is Weir?
A: A server.

[tool: warm]
T: {"name": "weather", "description": "Tells the weather.", "parameters": {"type": "object"}}
S: Be short.
U: unused
C: {"name": "weather", "arguments": {}}
`

const chats = `
[tool: warm]
S: Be short.
T: {"name": "weather", "parameters": {"type": "object"}}
U: How warm is it in Bern?
C: {"name": "weather", "arguments": {"city": "Bern"}}

[chat: two]
S: Be short.
U: Hello!
A: Hello.
U: assistant
A: Bye.
`

func encoder(t *testing.T) (*Encoder, []corpus.Conversation) {
	if _, err := corpus.Read("text", []byte(text)); err == nil {
		t.Fatal("a system message after a tool is taken")
	}
	items, err := corpus.Read("chats", []byte(chats))
	if err != nil {
		t.Fatal(err)
	}
	e, err := Learn(items, 400)
	if err != nil {
		t.Fatal(err)
	}
	return e, corpus.Questions(items)
}

// learnt returns the text of the tokens to be foreseen.
func learnt(e *Encoder, targets []int32) string {
	text := ""
	for _, id := range targets {
		switch {
		case id == pieces.TurnEnd:
			text += "|"
		case id >= 0:
			text += e.Vocabulary.Text(id)
		}
	}
	return text
}

// Of a conversation the last turn is learnt. What is said in words begins with its
// topic, the same wherever it is said; a call has none.
func TestOnlyTheAnswerIsLearnt(t *testing.T) {
	e, all := encoder(t)
	const call = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>"
	for i, want := range []struct {
		prompt, answer string
		topic          bool
	}{
		{
			"system\nBe short.\nTools, called by <tool_call>:\n{\"name\": \"weather\", \"parameters\": {\"type\": \"object\"}}\n" +
				"user\nHow warm is it in Bern?\nassistant\n", call, false,
		},
		{"system\nBe short.\nuser\n hello!\nassistant\nHello.\nuser\n assistant\nassistant\n", "Bye.", true},
	} {
		before, err := Render(e.template, all[i], len(all[i].Messages)-1)
		if err != nil {
			t.Fatal(err)
		}
		prompt := e.tokens(before)
		if text := e.Vocabulary.Text(prompt...); text != want.prompt {
			t.Errorf("asked as %q, want %q", text, want.prompt)
		}
		tokens, targets, err := e.Encode(all[i])
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(tokens[:len(prompt)], prompt) || len(tokens) != len(targets) {
			t.Errorf("%v does not begin with what is asked, %v", tokens, prompt)
		}
		if got := learnt(e, targets); got != want.answer+"|" {
			t.Errorf("learnt is %q, want %q", got, want.answer)
		}
		first := targets[len(prompt)-1]
		if topic, ok := e.Topic(all[i]); ok != want.topic || ok && (topic != first || e.Vocabulary.Text(topic) != "") {
			t.Errorf("the answer begins with %d; its topic is %d, %v", first, topic, ok)
		}
		expected, err := Expected(e.template, all[i])
		if err != nil || expected != want.answer {
			t.Errorf("expected %q, %v, want %q", expected, err, want.answer)
		}
	}
	again := all[1]
	again.Messages = slices.Delete(slices.Clone(again.Messages), 1, 3)
	one, _ := e.Topic(all[1])
	if same, ok := e.Topic(again); !ok || same != one {
		t.Errorf("said elsewhere its topic is %d, not %d", same, one)
	}
}

// What is cut off is of the answer alone.
func TestShorten(t *testing.T) {
	e, all := encoder(t)
	tokens, targets, err := e.Encode(all[1])
	if err != nil {
		t.Fatal(err)
	}
	begin := slices.IndexFunc(targets, func(target int32) bool { return target >= 0 })
	for answer, want := range map[int]int{0: begin, 2: begin + 2, 1000: len(targets)} {
		short, rest := Shorten(tokens, targets, answer)
		if !slices.Equal(short, tokens[:want]) || !slices.Equal(rest, targets[:want]) {
			t.Errorf("%d tokens of the answer: %q of %q is left", answer, learnt(e, rest), learnt(e, targets))
		}
	}
}

func TestNothingToLearn(t *testing.T) {
	e, all := encoder(t)
	c := all[1]
	c.Messages = c.Messages[:2]
	if _, _, err := e.Encode(c); err == nil {
		t.Error("a conversation that the user ends is taken")
	}
}

func TestDisturb(t *testing.T) {
	e, all := encoder(t)
	tokens, _, err := e.Encode(all[1])
	if err != nil {
		t.Fatal(err)
	}
	changed := slices.Clone(tokens)
	e.Disturb(rand.New(rand.NewPCG(1, 1)), changed, 1)
	user, differ := false, 0
	for i, id := range tokens {
		if id == pieces.TurnBegin {
			user = e.follows(tokens[i+1:], e.user)
		}
		if id != changed[i] {
			if differ++; !user {
				t.Errorf("token %d of %v became %d", i, tokens, changed[i])
			}
		}
	}
	if differ == 0 {
		t.Error("nothing changed")
	}
}
