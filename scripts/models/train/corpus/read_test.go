package corpus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sample = `# A comment.
[id: what-is-weir]
Q: What is Weir?
Q: tell me
  about weir
A: An inference server
in Go.

[chat: hello]
S: Be short.
U: Hello!
A: Hello.
U: Bye!
A: Bye.

[tool: warm]
T: {"name": "weather", "parameters": {"type": "object"}}
U: How warm is it in Bern?
U: Weather in Bern
C: {"name": "weather", "arguments": {"city": "Bern"}}

[json: colour]
U: A colour as JSON.
J: {"colour":
"green"}
`

func TestRead(t *testing.T) {
	items, err := Read("sample.txt", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 4 {
		t.Fatalf("%d items", len(items))
	}
	if a := items[0]; a.Wordings[1] != "tell me about weir" || a.Turns[0] != "An inference server in Go." || a.Line != 2 {
		t.Errorf("%+v", a)
	}
	if c := items[1]; c.Kind != Chat || c.System != "Be short." || strings.Join(c.Turns, "|") != "Hello!|Hello.|Bye!|Bye." {
		t.Errorf("%+v", c)
	}
	if c := items[2]; c.Kind != Call || len(c.Wordings) != 2 || !strings.HasPrefix(c.Tools[0], `{"type": "function", "function": {"name"`) {
		t.Errorf("%+v", c)
	}
	if j := items[3]; j.Kind != Object || j.Turns[0] != `{"colour": "green"}` {
		t.Errorf("%+v", j)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"hello":                             "x.txt:1: text before the first item",
		"[id: Upper]":                       "x.txt:1: \"[id: Upper]\" begins no item",
		"[id: a]\nA: b\nQ: c":               "needs Q: lines, then one A:",
		"[id: a]\nQ:\nA: c":                 "x.txt:2: Q: has no text",
		"[id: a]\nQ: b\n\nmore\nA: c":       "x.txt:4: a line that is no field",
		"\n\n[chat: a]\nU: b\nU: c\nA: d":   "x.txt:3: [chat: a] has the fields \"UUA\"",
		"[json: a]\nU: b\nJ: [1]":           "x.txt:3: J: no JSON object",
		"[tool: a]\nT: {}\nU: b\nC: {}":     "x.txt:2: T: the tool has no name",
		"[id: a]\nQ: \xff\nA: b":            "x.txt:2: the line is not UTF-8",
		"[id: a]\nQ: a\x01b\nA: b":          "x.txt:2: the line has a control character",
		strings.Repeat("a", maxLineBytes+1): "x.txt:1: the line has more than",
		"[tool: a]\nT: {\"name\":\"f\"}\nU: b\nC: {\"name\":\"f\"}": "x.txt:4: C: the call needs",
	} {
		if _, err := Read("x.txt", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, which lacks %q", text, err, want)
		}
	}
	if _, err := Read("x.txt", make([]byte, maxFileBytes+1)); err == nil {
		t.Error("a file without bounds")
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "no *.txt") {
		t.Errorf("an empty folder: %v", err)
	}
	put("a.txt", sample)
	put("heldout-a.txt", "[id: what-is-weir]\nQ: Weir?\nA: An inference server in Go.\n")
	set, err := Load(dir)
	if err != nil || len(set.Train) != 4 || len(set.HeldOut) != 1 || len(set.SHA256) != 64 {
		t.Fatalf("%+v, %v", set, err)
	}
	put("heldout-b.txt", "[id: what-is-weir]\nQ: Weir then?\n")
	if set, err := Load(dir); err != nil || len(set.HeldOut) != 2 || set.HeldOut[1].Turns[0] != "An inference server in Go." {
		t.Errorf("an answer from elsewhere: %+v, %v", set, err)
	}
	put("heldout-b.txt", "[id: hello]\nQ: Weir then?\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "\"hello\" has no answer") {
		t.Errorf("an answer from nowhere: %v", err)
	}
	put("heldout-b.txt", "")
	put("b.txt", "[id: b]\nQ: Why?\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "b.txt:1: [id: b] has no answer") {
		t.Errorf("no answer: %v", err)
	}
	put("b.txt", "[json: colour]\nU: a\nJ: {}\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "b.txt:1: \"colour\"") {
		t.Errorf("a name twice: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("[id: a]\nQ: b\nA: c"))
	f.Fuzz(func(t *testing.T, text []byte) {
		items, err := Read("fuzz.txt", text)
		if err != nil && (items != nil || !strings.HasPrefix(err.Error(), "corpus: fuzz.txt:")) {
			t.Fatalf("%v, %v", items, err)
		}
		for _, item := range items {
			if item.ID == "" || len(item.Turns) == 0 && item.Kind != Answer || (item.Kind == Chat) != (len(item.Wordings) == 0) {
				t.Fatalf("%+v", item)
			}
		}
	})
}
