package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what is read.
const (
	maxFileBytes = 4 << 20
	maxLineBytes = 16 << 10
	maxItems     = 100_000
)

// Load reads the *.txt files of a folder, in the order of their names.
func Load(dir string) (*Set, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, fmt.Errorf("corpus: load %s: %w", dir, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("corpus: load %s: no *.txt files are there; name the folder of the corpus", dir)
	}
	set, sum := &Set{}, sha256.New()
	seen := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("corpus: %w", err)
		}
		items, err := Read(name, text)
		if err != nil {
			return nil, err
		}
		base := filepath.Base(name)
		fmt.Fprintf(sum, "%s %d\n%s", base, len(text), text)
		if strings.HasPrefix(base, "heldout-") {
			set.HeldOut = append(set.HeldOut, items...)
			continue
		}
		for _, item := range items {
			here := fmt.Sprintf("%s:%d", name, item.Line)
			if before, known := seen[item.ID]; known {
				return nil, fmt.Errorf("corpus: %s: %q is the name of an item at %s too; give it another", here, item.ID, before)
			}
			if len(item.Turns) == 0 {
				return nil, fmt.Errorf("corpus: %s: [%s: %s] has no answer; only files named heldout-* leave it to the item of the same name", here, item.Kind, item.ID)
			}
			seen[item.ID] = here
		}
		set.Train = append(set.Train, items...)
	}
	if len(set.Train)+len(set.HeldOut) > maxItems {
		return nil, fmt.Errorf("corpus: load %s: more than %d items", dir, maxItems)
	}
	if err := set.Answer(set.HeldOut); err != nil {
		return nil, err
	}
	set.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return set, nil
}

// Answer gives questions without an answer that of the item of the same name
// that is trained on.
func (s *Set) Answer(items []Item) error {
	for i := range items {
		item := &items[i]
		if len(item.Turns) > 0 {
			continue
		}
		known := slices.IndexFunc(s.Train, func(other Item) bool { return other.ID == item.ID && other.Kind == Answer })
		if known < 0 {
			return fmt.Errorf("corpus: line %d of the questions: %q has no answer, and no item of the corpus has that name; write one after A:", item.Line, item.ID)
		}
		item.Turns = s.Train[known].Turns
	}
	return nil
}

// Read reads one file's text. name is for errors.
func Read(name string, text []byte) ([]Item, error) {
	r := reader{name: name}
	if len(text) > maxFileBytes {
		return nil, r.fail("the file has more than %d bytes; split it", maxFileBytes)
	}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		r.line++
		if err := r.take(strings.TrimRight(string(line), " \t\r")); err != nil {
			return nil, err
		}
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return r.items, nil
}

// field is one field of the item that is being read.
type field struct {
	key  byte
	text string
	line int
}

type reader struct {
	name   string
	line   int
	items  []Item
	open   *Item // the item being read, nil before the first
	fields []field
	goesOn bool // a line without a key belongs to the last field
}

func (r *reader) fail(format string, args ...any) error { return r.failAt(r.line, format, args...) }

func (r *reader) failAt(line int, format string, args ...any) error {
	return fmt.Errorf("corpus: %s:%d: %s", r.name, line, fmt.Sprintf(format, args...))
}

var header = regexp.MustCompile(`^\[(id|chat|tool|json): *([a-z0-9][a-z0-9_.-]*)\]$`)

func (r *reader) take(line string) error {
	switch {
	case len(line) > maxLineBytes:
		return r.fail("the line has more than %d bytes; break it", maxLineBytes)
	case !utf8.ValidString(line):
		return r.fail("the line is not UTF-8")
	case strings.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' }):
		return r.fail("the line has a control character")
	case line == "":
		r.goesOn = false
		return nil
	case line[0] == '#':
		return nil
	case line[0] == '[':
		if parts := header.FindStringSubmatch(line); parts != nil {
			return r.begin(parts[1], parts[2])
		}
		if !r.goesOn {
			return r.fail("%q begins no item; write [id: name], [chat: name], [tool: name] or [json: name], names of a-z, 0-9, -, _ and .", line)
		}
	}
	if r.open == nil {
		return r.fail("text before the first item; begin one with [id: name]")
	}
	if len(line) >= 2 && line[1] == ':' && strings.IndexByte("QASUTCJ", line[0]) >= 0 && (len(line) == 2 || line[2] == ' ') {
		text := strings.TrimSpace(line[2:])
		if text == "" {
			return r.fail("%s has no text", line[:2])
		}
		r.fields = append(r.fields, field{line[0], text, r.line})
		r.goesOn = true
		return nil
	}
	if !r.goesOn {
		return r.fail("a line that is no field; begin it with Q:, A:, S:, U:, T:, C: or J:")
	}
	last := &r.fields[len(r.fields)-1]
	last.text += " " + strings.TrimSpace(line)
	return nil
}

func (r *reader) begin(kind, id string) error {
	if err := r.end(); err != nil {
		return err
	}
	if len(r.items) == maxItems {
		return r.fail("more than %d items", maxItems)
	}
	r.open = &Item{ID: id, Line: r.line, Kind: Kind(slices.Index([]string{"id", "chat", "tool", "json"}, kind))}
	r.fields, r.goesOn = r.fields[:0], false
	return nil
}

// forms are the keys that the fields of each kind have, in order.
var forms = [...]struct {
	*regexp.Regexp
	words string
}{
	Answer: {regexp.MustCompile(`^S?Q+A?$`), "Q: lines, then one A:"},
	Chat:   {regexp.MustCompile(`^S?(UA)+$`), "U: and A: in turns, perhaps after one S:"},
	Call:   {regexp.MustCompile(`^S?T+U+C$`), "T: lines, U: lines, then one C:"},
	Object: {regexp.MustCompile(`^S?U+J$`), "U: lines, then one J:"},
}

// end checks the item that is open and keeps it.
func (r *reader) end() error {
	if r.open == nil {
		return nil
	}
	keys := make([]byte, len(r.fields))
	for i, f := range r.fields {
		keys[i] = f.key
	}
	if form := forms[r.open.Kind]; !form.Match(keys) {
		return r.failAt(r.open.Line, "[%s: %s] has the fields %q; it needs %s", r.open.Kind, r.open.ID, keys, form.words)
	}
	item := r.open
	for _, f := range r.fields {
		if err := r.put(item, f); err != nil {
			return err
		}
	}
	r.items, r.open = append(r.items, *item), nil
	return nil
}

func (r *reader) put(item *Item, f field) error {
	switch {
	case f.key == 'S':
		item.System = f.text
	case f.key == 'Q', f.key == 'U' && item.Kind != Chat:
		item.Wordings = append(item.Wordings, f.text)
	case f.key == 'T':
		tool, err := toolOf(f.text)
		if err != nil {
			return r.failAt(f.line, "T: %v", err)
		}
		item.Tools = append(item.Tools, tool)
	case f.key == 'C':
		if _, err := CallOf(f.text); err != nil {
			return r.failAt(f.line, "C: %v", err)
		}
		item.Turns = append(item.Turns, f.text)
	case f.key == 'J' && (f.text[0] != '{' || !json.Valid([]byte(f.text))):
		return r.failAt(f.line, "J: no JSON object")
	default:
		item.Turns = append(item.Turns, f.text)
	}
	return nil
}

// toolOf returns a tool in OpenAI's form; the corpus may leave out what is
// around the function.
func toolOf(text string) (string, error) {
	var tool struct {
		Name     string
		Function struct{ Name string }
	}
	if err := json.Unmarshal([]byte(text), &tool); err != nil {
		return "", fmt.Errorf("no JSON object of a tool: %w", err)
	}
	switch {
	case tool.Function.Name != "":
		return text, nil
	case tool.Name != "":
		return `{"type": "function", "function": ` + text + `}`, nil
	}
	return "", fmt.Errorf("the tool has no name")
}

// FunctionCall is what a C: line holds.
type FunctionCall struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// CallOf reads a C: line's text.
func CallOf(text string) (call FunctionCall, err error) {
	if err := json.Unmarshal([]byte(text), &call); err != nil {
		return call, fmt.Errorf(`no JSON object {"name": …, "arguments": {…}}: %w`, err)
	}
	if call.Name == "" || len(call.Arguments) == 0 || call.Arguments[0] != '{' {
		return call, fmt.Errorf(`the call needs a "name" and "arguments", an object`)
	}
	return call, nil
}
