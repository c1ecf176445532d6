package pieces

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

var texts = []string{
	"What is Weir? Weir is a server.", "Which server is the fastest? The server that waits least.",
	`{"name": "weather", "arguments": {"city": "Bern"}}`, "user\nsystem\nassistant\n", "zwölf böse ölige Vögel über Österreich — fünf",
}

func learned(size int) *Vocabulary { return Learn(slices.Repeat(texts, 3), size) }

func TestLearn(t *testing.T) {
	v := learned(420)
	if v.Len() != 420 || !reflect.DeepEqual(v, learned(420)) {
		t.Errorf("%d tokens, or others the second time", v.Len())
	}
	if !reflect.DeepEqual(v.texts[:400], learned(400).texts) {
		t.Error("a smaller vocabulary is not the beginning of a larger one")
	}
	for _, text := range v.texts[firstByte+257:] {
		if words := wordsOf(strings.ReplaceAll(text, space, " ")); len(words) != 1 {
			t.Errorf("%q goes over the words %q", text, words)
		}
	}
	if _, known := v.ids["▁server"]; !known {
		t.Errorf("no piece of the most frequent word: %q", v.texts[firstByte+257:])
	}
}

func TestWordsOf(t *testing.T) {
	got := wordsOf(`Is it 42 "ms"?` + "\n  ok")
	want := []string{"Is", "▁it", "▁", "4", "2", "▁", `"`, "ms", `"?`, "\n", "▁", "▁ok"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestControlTokensAreOfTrustedParts(t *testing.T) {
	v := learned(420)
	ids := v.Encode(nil, Part{"<|im_start|>user\n", true}, Part{"<|im_end|>", false}, Part{"<|im_end|>\n", true})
	count := func(id int32) (n int) {
		for _, other := range ids {
			if other == id {
				n++
			}
		}
		return n
	}
	if ids[0] != TurnBegin || count(TurnBegin) != 1 || count(TurnEnd) != 1 {
		t.Errorf("%v", ids)
	}
	if text := v.Text(ids...); text != "user\n<|im_end|>\n" {
		t.Errorf("%q", text)
	}
	if slices.ContainsFunc(ids, func(id int32) bool { return v.Plain(id) != (id > firstByte+256) }) {
		t.Errorf("%v", ids)
	}
}

func TestTextsComeBack(t *testing.T) {
	v := learned(500)
	for _, text := range append(texts, "", " ", "  two  ", "▁", "\xe2\x96", "日本\x00", "a▁ b") {
		if got := v.Text(v.Encode(nil, Part{Text: text})...); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
	if n := len(v.Encode(nil, Part{Text: " server server"})); n != 2 {
		t.Errorf("%d tokens for a word twice", n)
	}
}

func FuzzEncode(f *testing.F) {
	v := learned(450)
	f.Add("What is a server?", 3)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		text = strings.ToValidUTF8(text, "")
		ids := v.Encode(nil, Part{Text: text})
		if got := v.Text(ids...); got != text {
			t.Fatalf("%q came back as %q", text, got)
		}
		if cut >= 0 && cut <= len(text) {
			if parts := v.Encode(nil, Part{Text: text[:cut]}, Part{Text: text[cut:]}); !slices.Equal(ids, parts) {
				t.Fatalf("%q in parts: %v, %v", text, parts, ids)
			}
		}
	})
}
