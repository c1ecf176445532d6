package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/bench/drafts"
	"github.com/weirgo/weir/bench/internal/experiment"
	"github.com/weirgo/weir/bench/internal/sample"
	"github.com/weirgo/weir/bench/internal/sample/sampletest"
	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/enginetest"
)

// small is a machine for which little is enough.
func small(t *testing.T) {
	t.Helper()
	sampletest.SetFlags(t, map[string]string{"turns": "2", "warm-turns": "1", "tokens": "16", "step": "200us", "row": "5us"})
}

// TestMadeUp: every way to guess gives the same answers, takes a step for each token that
// it has not guessed, and is measured.
func TestMadeUp(t *testing.T) {
	small(t)
	r := sample.NewRecorder(drafts.Experiment)
	for _, text := range madeUp() {
		for _, n := range []int{1, 8} {
			c, err := compare(text, n)
			if err != nil {
				t.Fatal(err)
			}
			if c.failed != 0 || c.parted != 0 {
				t.Errorf("%s, %d streams: %d answers are wrong, %d part", text.name, n, c.failed, c.parted)
			}
			for _, g := range c.guessers {
				if want := *turns * n * c.each(n) * *tokens; g.tokens != want || g.right > g.guessed {
					t.Errorf("%s, %s, %d streams: %d tokens, want %d; %d of %d were right", text.name, g.name, n, g.tokens, want, g.right, g.guessed)
				}
			}
			c.record(r, text.name, n)
		}
		if m := text.model.(*enginetest.Model); m.Open() != 0 || m.CachedTokens() != 0 {
			t.Errorf("%s: %d contexts and %d tokens are left", text.name, m.Open(), m.CachedTokens())
		}
	}
	got := r.Measurements()
	for name, value := range got {
		if strings.HasSuffix(name, "/none/1/steps_per_token") && value != 1 {
			t.Errorf("%s is %v", name, value)
		}
		if strings.HasSuffix(name, "speed_of_none") && value <= 0 {
			t.Errorf("%s is %v", name, value)
		}
	}
	if err := drafts.Experiment.Derive(experiment.Round{"weir": got}); err != nil {
		t.Error(err)
	}
}

// TestTexts: what is looked up in a text that repeats is right, the draft model is
// mistaken in one of five, and of a text that misleads neither is ever right.
func TestTexts(t *testing.T) {
	for _, text := range madeUp() {
		prompt := text.questions[0].prompt
		answer, _ := enginetest.Reference(text.model.(*enginetest.Model), prompt, ask.Sampling{}, 100)
		if repeats := slices.Equal(answer[:period], prompt[:period]); repeats != (text.name == "made/repeats") {
			t.Errorf("%s: repeats: %v", text.name, repeats)
		}
		right := 0
		for i, token := range answer {
			guess, _ := enginetest.Reference(text.draftModel.(*enginetest.Model), slices.Concat(prompt, answer[:i]), ask.Sampling{}, 1)
			if guess[0] == token {
				right++
			}
		}
		if want := map[string]int{"made/repeats": 80, "made/plain": 80, "made/misleads": 0}[text.name]; right != want {
			t.Errorf("%s: the draft model is right %d times of 100, want %d", text.name, right, want)
		}
	}
}

// TestChatsRepeat: a prompt has the question with its answer, and the question again.
func TestChatsRepeat(t *testing.T) {
	small(t)
	m := enginetest.New(enginetest.Options{EndEvery: 20})
	plain, err := chats(t.Context(), m, "demo/plain", false)
	if err != nil {
		t.Fatal(err)
	}
	repeats, err := chats(t.Context(), m, "demo/repeats", true)
	if err != nil {
		t.Fatal(err)
	}
	plain.questions, repeats.questions = plain.questions[:1], repeats.questions[:1]
	question := plain.questions[0].prompt
	answer, _ := enginetest.Reference(m, question, ask.Sampling{}, chatAnswer)
	repeats.contextTokens = 1024
	c, err := compare(repeats, 1)
	if err != nil {
		t.Fatal(err)
	}
	prompt := c.questions[0].prompt
	if !slices.Equal(prompt[:len(question)+len(answer)], slices.Concat(question, answer)) || !slices.Equal(prompt[len(prompt)-len(question):], question) {
		t.Errorf("the prompt is %v", prompt)
	}
	if !slices.Equal(repeats.questions[0].prompt, question) {
		t.Error("the question itself was changed")
	}
}

func TestJudge(t *testing.T) {
	q := question{answer: []engine.Token{1, 2, 3}, lead: []float32{1, 0.01, 1}}
	for _, c := range []struct {
		got  []engine.Token
		want verdict
	}{
		{[]engine.Token{1, 2, 3}, same},
		{[]engine.Token{1, 5, 3}, parts},
		{[]engine.Token{1, 5}, parts},
		{[]engine.Token{4, 2, 3}, wrong},
		{[]engine.Token{1, 2, 4}, wrong},
		{[]engine.Token{1, 2}, wrong},
		{[]engine.Token{1, 2, 3, 4}, wrong},
		{nil, wrong},
	} {
		if got := q.judge(c.got); got != c.want {
			t.Errorf("%v: %v, want %v", c.got, got, c.want)
		}
	}
}

func TestFlagsAreChecked(t *testing.T) {
	for name, value := range map[string]string{"turns": "0", "warm-turns": "0", "tokens": "1", "streams": "0", "step": "-1s", "threads": "0"} {
		t.Run(name, func(t *testing.T) {
			sampletest.SetFlags(t, map[string]string{name: value, "demo": "none"})
			if err := measure(sample.NewRecorder(drafts.Experiment)); err == nil || strings.Contains(err.Error(), "none") {
				t.Errorf("-%s=%s: %v", name, value, err)
			}
		})
	}
}
