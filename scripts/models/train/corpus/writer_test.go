package corpus

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func sampleSet(t testing.TB) *Set {
	items, err := Read("sample.txt", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	held, err := Read("heldout.txt", []byte("[id: what-is-weir]\nQ: Weir?\nQ: that server\nA: An inference server in Go.\n"))
	if err != nil {
		t.Fatal(err)
	}
	return &Set{Train: items, HeldOut: held}
}

func TestTrain(t *testing.T) {
	w, err := NewWriter(sampleSet(t), 7)
	if err != nil {
		t.Fatal(err)
	}
	kinds, systems, turns, questions := map[Kind]int{}, 0, map[int]int{}, map[string]bool{}
	for n := range uint64(2000) {
		c := w.Train(n)
		if again := w.Train(n); !reflect.DeepEqual(c, again) {
			t.Fatalf("number %d is not the same again: %v, %v", n, c, again)
		}
		last := c.Messages[len(c.Messages)-1]
		if last.Role != "assistant" || (last.Content == "") != (c.Kind == Call) {
			t.Fatalf("%+v", c)
		}
		if c.Tools != nil && !json.Valid(c.Tools) || last.ToolCalls != nil && !json.Valid(last.ToolCalls) {
			t.Fatalf("bad JSON: %s %s", c.Tools, last.ToolCalls)
		}
		kinds[c.Kind]++
		turns[len(c.Messages)]++
		for _, m := range c.Messages {
			if !utf8.ValidString(m.Content) {
				t.Fatalf("%q", m.Content)
			}
			if m.Role == "system" {
				systems++
			}
			for _, frame := range unseen {
				if before, _, _ := strings.Cut(frame, "%"); before != "" && strings.HasPrefix(m.Content, before) {
					t.Fatalf("%q is in a frame that is held out", m.Content)
				}
			}
			questions[m.Content] = true
		}
	}
	if len(kinds) != 4 || systems < 500 || turns[2] == 0 || turns[4] == 0 || turns[6] == 0 || len(questions) < 200 {
		t.Errorf("kinds %v, %d systems, turns %v, %d texts", kinds, systems, turns, len(questions))
	}
}

// A question alone is one of the questions, and a corpus without any gives what it
// has.
func TestAlone(t *testing.T) {
	set := sampleSet(t)
	w, err := NewWriter(set, 7)
	if err != nil {
		t.Fatal(err)
	}
	questions := map[string]bool{}
	for n := range uint64(200) {
		c := w.Alone(n)
		if c.Kind != Answer || len(c.Messages) != 2 || c.Tools != nil || c.Messages[1].Content != "An inference server in Go." {
			t.Fatalf("%+v", c)
		}
		questions[c.Messages[0].Content] = true
	}
	if len(questions) < 20 {
		t.Errorf("%d wordings", len(questions))
	}
	set.Train = set.Train[1:]
	if w, err = NewWriter(set, 7); err != nil {
		t.Fatal(err)
	}
	if c := w.Alone(1); c.Kind == Answer || len(c.Messages) < 2 {
		t.Errorf("%+v", c)
	}
}

func TestHeldOut(t *testing.T) {
	w, err := NewWriter(sampleSet(t), 7)
	if err != nil {
		t.Fatal(err)
	}
	if held := w.HeldOut(); len(held) != 4 || held[0].Messages[0].Content == "What is Weir?" || len(held[1].Messages) != 5 {
		t.Errorf("%+v", held)
	}
	free := w.Free()
	if len(free) != 2 || free[1].Messages[0].Content != "that server" || free[1].Messages[1].Content != "An inference server in Go." {
		t.Errorf("%+v", free)
	}
	if _, err := NewWriter(&Set{}, 1); err == nil {
		t.Error("a writer of nothing")
	}
}

func TestLowerFirst(t *testing.T) {
	for text, want := range map[string]string{
		"What is it?": "what is it?", "HTTP is what?": "HTTP is what?", "I am": "I am", "I'm": "I'm", "": "", "Éa": "éa",
	} {
		if got := lowerFirst(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRephrasing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	opened, worded := map[string]bool{}, map[string]bool{}
	for range 200 {
		opened[reopen(r, "How do I start it?")] = true
		worded[reword(r, "How do I start it, Weir?")] = true
		for _, text := range []string{"", "?", "unknown", "İ what is"} {
			if reopen(r, text) != text || reword(r, text) != text {
				t.Fatalf("%q is another", text)
			}
		}
	}
	for _, want := range []string{"How can I start it?", "I want to start it?", "How do I start it?"} {
		if !opened[want] {
			t.Errorf("never %q: %v", want, opened)
		}
	}
	for _, want := range []string{"How do I launch it, Weir?", "How do I start weir, Weir?", "How do I start it, the server?"} {
		if !worded[want] {
			t.Errorf("never %q: %v", want, worded)
		}
	}
}

func TestSwap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const text, call = "Note to Lena in Lena, that 42 of Omar's 7 are done", `{"name": "Note", "arguments": {"to":"Omar","at":"Lena","n": 42,"m":"9"}}`
	for range 50 {
		asked, called := swap(r, text, call)
		var got struct {
			Name      string
			Arguments struct {
				To, At, M string
				N         int
			}
		}
		if err := json.Unmarshal([]byte(called), &got); err != nil {
			t.Fatal(err)
		}
		a := got.Arguments
		want := fmt.Sprintf("Note to Lena in Lena, that %d of %s's 7 are done", a.N, a.To)
		if asked != want || got.Name != "Note" || a.At != "Lena" || a.M != "9" || a.N < 1 || a.N > 99 {
			t.Fatalf("%s: %s", asked, called)
		}
	}
	if asked, _ := swap(r, text, call); asked == text {
		t.Error("nothing is swapped")
	}
}

func FuzzVary(f *testing.F) {
	f.Add("What is Weir?", uint64(1))
	f.Add("é?", uint64(2))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(seed, 0))
		for range 20 {
			if got := vary(r, text, trained); !utf8.ValidString(got) {
				t.Fatalf("%q became %q", text, got)
			}
		}
	})
}
