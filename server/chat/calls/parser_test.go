package calls

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirgo/weir/server/ask"
)

// tools of the tests.
var tools = []ask.Tool{
	{Name: "weather", Parameters: []byte(`{"type":"object","properties":{"town":{"type":"string"},"days":{"type":"integer"},
		"deep":{"type":"object"},"on":{"type":["boolean","null"]},"any":{},"mode":{"enum":["a","b"]},"either":{"anyOf":[{"type":"string"},{"type":"number"}]}}}`)},
	{Name: "f"},
}

// answer is what a parser made of a text: pieces in order, those of the same
// kind put together.
type answer struct{ pieces []string }

// add takes a piece, the first of a call as "name#id(".
func (a *answer) add(t testing.TB, p *Piece) {
	t.Helper()
	text := string(p.Bytes)
	mark := map[Kind]string{Text: "say ", Reasoning: "think "}[p.Kind]
	if p.Kind == Call {
		text = string(p.Call.Arguments)
		mark = fmt.Sprintf("call %d ", p.Call.Index)
		if p.Call.Name != "" {
			if p.Call.ID == "" {
				t.Errorf("%q has no ID", p.Call.Name)
			}
			a.pieces = append(a.pieces, mark+p.Call.Name+" "+text)
			return
		}
	} else if text == "" {
		t.Error("an empty piece")
	}
	if !utf8.ValidString(text) {
		t.Errorf("%q is cut within a character", text)
	}
	if n := len(a.pieces); n > 0 && strings.HasPrefix(a.pieces[n-1], mark) {
		a.pieces[n-1] += text
		return
	}
	a.pieces = append(a.pieces, mark+text)
}

// parse gives a text to a parser in parts of so many bytes, 0 for all at once.
func parse(t testing.TB, form *Form, o Options, text string, size int, cut bool) string {
	t.Helper()
	var p Parser
	p.Reset(form, o)
	var all answer
	told := 0
	take := func() {
		var piece Piece
		for p.Next(&piece) {
			all.add(t, &piece)
			if piece.End < told || piece.End > p.Resolved() {
				t.Errorf("%q: a piece ends at %d, after %d, with %d resolved", text, piece.End, told, p.Resolved())
			}
			told = piece.End
		}
	}
	for rest := text; rest != ""; {
		n := len(rest)
		if size > 0 {
			n = min(n, size)
		}
		p.Add([]byte(rest[:n]))
		rest = rest[n:]
		take()
	}
	p.End(cut)
	take()
	if p.Resolved() != len(text) {
		t.Errorf("%s: %q: %d of %d bytes are resolved", form.Name(), text, p.Resolved(), len(text))
	}
	for _, piece := range all.pieces {
		if rest, ok := strings.CutPrefix(piece, "call "); ok && !cut {
			arguments := strings.SplitN(rest, " ", 3)[2]
			var object map[string]any
			if json.Unmarshal([]byte(arguments), &object) != nil {
				t.Errorf("%s: %q: the arguments are no object: %q", form.Name(), text, arguments)
			}
		}
	}
	return strings.Join(all.pieces, "\n")
}

// sources have of a template what Detect looks for.
var sources = map[string]string{
	"hermes":      "<think></think><tool_call>",
	"qwen-xml":    "<think><tool_call><function=<parameter=",
	"glm":         "<think><tool_call><arg_key>",
	"mistral":     "[TOOL_CALLS][THINK]",
	"deepseek":    "<think><｜tool▁call▁begin｜>",
	"kimi":        "<think><|tool_call_begin|>",
	"command-r":   "<|START_ACTION|><|START_THINKING|><|START_RESPONSE|>",
	"granite":     "<think><|tool_call|>",
	"functionary": ">>>all",
	"function":    "<function=",
	"llama3":      "<|python_tag|>",
	"minimax":     "<think><minimax:tool_call>",
	"seed":        "<seed:think><seed:tool_call>",
	"dsml":        "<think>｜DSML｜ invoke name=",
	"dsml-spaced": "<think><｜DSML｜ calls><｜DSML｜ invoke name=",
	"kimi-k3":     "<|open|><|sep|><|close|>",
	"gemma4":      "<|tool_call>call:<|channel>thought",
	"python":      "<|tool_call_start|><think>",
	"harmony-xml": "<|start|><|channel|><|message|><rfl:parameter name=",
	"harmony":     "<|start|><|channel|><|message|>",
	"generic":     "<think>",
}

func form(t testing.TB, name string) *Form {
	t.Helper()
	f := Detect(sources[name], true)
	if f.Name() != name {
		t.Fatalf("the form of %s is %s", name, f.Name())
	}
	return f
}

func numbered(index int) string { return fmt.Sprint("id", index) }

// check parses a text whole, and cut in every way that matters.
func check(t *testing.T, name string, o Options, text, want string) {
	t.Helper()
	f := form(t, name)
	o.ID = numbered
	for _, size := range []int{0, 1, 2, 3, 5, 7, 11} {
		if got := parse(t, f, o, text, size, false); got != want {
			t.Errorf("%s, in parts of %d, %q:\n got %s\nwant %s", name, size, text, got, want)
			return
		}
	}
	for at := 1; at < len(text); at++ {
		var p Parser
		p.Reset(f, o)
		var all answer
		take := func() {
			var piece Piece
			for p.Next(&piece) {
				all.add(t, &piece)
			}
		}
		p.Add([]byte(text[:at]))
		take()
		p.Add([]byte(text[at:]))
		take()
		p.End(false)
		take()
		if got := strings.Join(all.pieces, "\n"); got != want {
			t.Errorf("%s, cut at %d, %q:\n got %s\nwant %s", name, at, text, got, want)
			return
		}
	}
}

func TestForms(t *testing.T) {
	for _, test := range formTests {
		o := test.options
		o.Tools = tools
		check(t, test.form, o, test.text, test.want)
	}
}

// Without tools there are no calls, and without reasoning, no thoughts.
func TestNothingToParse(t *testing.T) {
	const text = "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call> \n"
	check(t, "hermes", Options{}, text, "say "+text)
	check(t, "mistral", Options{}, "[TOOL_CALLS]f[ARGS]{}", "say [TOOL_CALLS]f[ARGS]{}")
	check(t, "generic", Options{}, `{"name":"f","arguments":{}}`, `say {"name":"f","arguments":{}}`)
}

func TestRawReasoning(t *testing.T) {
	raw := Options{RawReasoning: true, Tools: tools}
	check(t, "hermes", raw, "<think>\na <tool_call> </think>\n\nb", "say <think>\na <tool_call> </think>\n\nb")
	raw.Prompt = "<think>\n"
	check(t, "hermes", raw, "a</think>\n<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>", "say a</think>\ncall 0 f {}")
	check(t, "harmony", Options{RawReasoning: true}, "<|channel|>analysis<|message|>hm<|channel|>final<|message|>yes",
		"say <|channel|>analysis<|message|>hmyes")
	check(t, "harmony", Options{RawReasoning: true}, "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes<|return|>",
		"say <|channel|>analysis<|message|>hm<|end|>yes")
}

// The model's own end makes arguments whole, an interruption leaves them.
func TestBrokenOff(t *testing.T) {
	o := Options{Tools: tools, ID: numbered}
	for _, test := range []struct{ form, text, ended, cut string }{
		{"hermes", `<tool_call>{"name":"f","arguments":{"a":[1,{"b":"x`, `call 0 f {"a":[1,{"b":"x"}]}`, `call 0 f {"a":[1,{"b":"x`},
		{"hermes", `<tool_call>{"name":"f","arguments":{"a":tr`, `call 0 f {"a":true}`, `call 0 f {"a":tr`},
		{"hermes", `<tool_call>{"name":"f","arguments":{"a":-`, `call 0 f {"a":-0}`, `call 0 f {"a":-`},
		{"hermes", `<tool_call>{"name":"f","arguments":{"a`, `call 0 f {"a":null}`, `call 0 f {"a`},
		{"hermes", `<tool_call>{"name":"f","arguments":{"a":1,`, `call 0 f {"a":1,"":null}`, `call 0 f {"a":1,`},
		{"hermes", `<tool_call>{"name":"f","arguments":{"a":"\u00`, `call 0 f {"a":"\u0000"}`, `call 0 f {"a":"\u00`},
		{"hermes", `<tool_call>{"name":"f","argu`, `say <tool_call>{"name":"f","argu`, `say <tool_call>{"name":"f","argu`},
		{"qwen-xml", "<tool_call>\n<function=weather>\n<parameter=town>\nZür", `call 0 weather {"town": "Zür"}`, `call 0 weather {"town": "Zür`},
		{"qwen-xml", "<tool_call>\n<function=weather>\n<parameter=days>\n1", `call 0 weather {"days": 1}`, `call 0 weather {"days": "1`},
		{"qwen-xml", "<tool_call>\n<function=weather>\n<para", `call 0 weather {}`, `call 0 weather {`},
		{"glm", "<tool_call>f\n<arg_key>a</arg_key>", `call 0 f {}`, `call 0 f {`},
		{"mistral", `[TOOL_CALLS]f[ARGS]{"a":1.`, `call 0 f {"a":1.0}`, `call 0 f {"a":1.`},
		{"hermes", "<think>\nhm", "think hm", "think hm"},
	} {
		for _, size := range []int{0, 1} {
			if got := parse(t, form(t, test.form), o, test.text, size, false); got != test.ended {
				t.Errorf("%q ended: %s, want %s", test.text, got, test.ended)
			}
			if got := parse(t, form(t, test.form), o, test.text, size, true); got != test.cut {
				t.Errorf("%q cut: %s, want %s", test.text, got, test.cut)
			}
		}
	}
}

func TestOneCall(t *testing.T) {
	o := Options{Tools: tools, OneCall: true}
	check(t, "hermes", o, "a <tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call> <tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>b", "say a\ncall 0 f {}")
	check(t, "mistral", o, `[TOOL_CALLS][{"arguments":{"a":1},"name":"f"},{"name":"f","arguments":{}}]`, `call 0 f {"a":1}`)
	check(t, "glm", o, "<tool_call>f</tool_call><tool_call>f</tool_call>", "call 0 f {}")
}

// What is held back has a bound, behind which it is text.
func TestBounds(t *testing.T) {
	o := Options{Tools: tools}
	long := strings.Repeat("x", 2*heldCall)
	for name, text := range map[string]string{
		"hermes":   `<tool_call>{"id":"` + long,
		"generic":  `{"name":"` + long,
		"mistral":  "[TOOL_CALLS]" + long,
		"qwen-xml": "<tool_call>\n<function=" + long,
		"deepseek": "<｜tool▁call▁begin｜>function<｜tool▁sep｜>" + long,
	} {
		var p Parser
		p.Reset(form(t, name), o)
		held := 0
		for at := range text {
			p.Add([]byte{text[at]})
			held = max(held, len(p.in))
		}
		if held > heldCall+100 {
			t.Errorf("%s: %d bytes were held", name, held)
		}
		if got := parse(t, form(t, name), o, text, 1, false); got != "say "+text {
			t.Errorf("%s: %d bytes of %d, %.60q", name, len(got), len(text), got)
		}
	}
	value := strings.Repeat("1", heldValue+10)
	text := "<tool_call>\n<function=weather>\n<parameter=days>\n" + value + "\n</parameter>\n</function>\n</tool_call>"
	for _, size := range []int{0, 1000} {
		if got := parse(t, form(t, "qwen-xml"), o, text, size, false); got != `call 0 weather {"days": "`+value+`"}` {
			t.Errorf("a long value: %.60s", got)
		}
	}
	deep := strings.Repeat(`{"a":`, 70)
	for _, size := range []int{0, 1} {
		got := parse(t, form(t, "hermes"), o, `<tool_call>{"name":"f","arguments":`+deep, size, false)
		if !strings.HasPrefix(got, `call 0 f {"a":{"a":`) || !strings.Contains(got, "\nsay {") {
			t.Errorf("deep arguments: %s", got)
		}
	}
	blanks := strings.Repeat(" ", 2*heldBlanks)
	check(t, "hermes", o, "a"+blanks+"<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>", "say a"+blanks[heldBlanks:]+"\ncall 0 f {}")
}

func TestIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"hermes", "mistral"} {
		f := form(t, name)
		for range 100 {
			id := f.newID(0)
			if seen[id] || name == "mistral" && len(id) != 9 || name != "mistral" && !strings.HasPrefix(id, "call_") {
				t.Fatalf("%s: %q", name, id)
			}
			seen[id] = true
		}
	}
	var p Parser
	p.Reset(form(t, "kimi"), Options{Tools: tools})
	p.Add([]byte(`<|tool_call_begin|>functions.f:3<|tool_call_argument_begin|>{}`))
	var piece Piece
	if !p.Next(&piece) || piece.Call.ID != "functions.f:3" || piece.Call.Name != "f" {
		t.Errorf("%+v", piece)
	}
}

func FuzzParser(f *testing.F) {
	names := slices.Sorted(maps.Keys(sources))
	index := func(name string) uint8 { return uint8(slices.Index(names, name)) }
	for _, test := range formTests {
		f.Add(index(test.form), uint8(0), test.text)
		f.Add(index(test.form), uint8(3), test.text+test.text)
	}
	f.Fuzz(func(t *testing.T, name, how uint8, text string) {
		if !utf8.ValidString(text) || len(text) > 1<<12 {
			return
		}
		fm := form(t, names[int(name)%len(names)])
		o := Options{Tools: tools, ID: numbered, OneCall: how&1 != 0, RawReasoning: how&2 != 0, Prompt: []string{"", "<think>\n", "<|start|>assistant<|channel|>analysis<|message|>"}[how>>2%3]}
		cut := how&64 != 0
		want := parse(t, fm, o, text, 0, cut)
		for _, size := range []int{1, 3} {
			if got := parse(t, fm, o, text, size, cut); got != want {
				t.Fatalf("%s %+v %q:\n got %s\nwant %s", fm.Name(), o, text, got, want)
			}
		}
	})
}
