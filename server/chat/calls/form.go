package calls

import (
	"slices"
	"strings"
)

// Form is how a model writes what it thinks and the tools it calls. It is
// immutable.
type Form struct {
	name string
	// calls are what a call begins with, closes what may stand after one.
	// Nothing of these is shown.
	calls, closes []string
	// drops are marks without meaning for a client.
	drops []string
	// parts are tokens that marks are put together of.
	parts []string
	// thoughts are the pairs of marks around what the model thinks.
	thoughts [][2]string

	json    bool // calls are objects of JSON, or arrays of them
	bare    bool // .. without anything before them, where a text begins
	named   *named
	tagged  *tagged
	literal *literal // arguments behind a name are no JSON
	harmony bool
	ids     ids
	native  bool // the model's own template tells it of tools
}

// named is a call whose name stands before its arguments, which are JSON.
type named struct {
	ends   []string // what ends the name; "{" begins the arguments as well
	kind   bool     // what is before the end is a kind, unless arguments follow at once; then the name's line comes
	prefix string   // before the first name
	comma  bool     // another name may follow behind a comma
	speech string   // the name that stands for text
	marked bool     // the template writes the longer of two ways: deepseek's fence, mistral's [ARGS]
}

// tagged is a call in tags, with a tag for each argument.
type tagged struct {
	call      string   // before the name; "" if the name follows the mark of the call
	nameEnds  []string // the first is consumed, and so is an end of line
	nameQuote bool     // the name has quotes around it, and so has a key
	end       string   // of the call; "" if only a mark in closes ends it
	key       string   // before a key
	keyEnd    string
	value     string // between the key and its value, after blanks
	valueEnd  string
	lines     bool // a value has a line end around it that is not its own
}

// ids says what identifies a call.
type ids uint8

const (
	anyID    ids = iota // "call_" and a random text
	nineID              // nine letters and digits, as the template checks
	headerID            // what the model wrote as its name
)

// Name returns what the form is called.
func (f *Form) Name() string { return f.name }

// Native reports whether the model was trained on the form. Otherwise it has to
// be told of tools by [Form.Instruct].
func (f *Form) Native() bool { return f.native }

// Reasons reports whether an answer without tools has anything to parse.
func (f *Form) Reasons() bool { return f.harmony || len(f.thoughts) > 0 || len(f.drops) > 0 }

// Continues returns what a message goes on with that begins with text: its text,
// or a thought that is not closed in it.
func (f *Form) Continues(text string) Kind {
	for _, t := range f.thoughts {
		if strings.LastIndex(text, t[0]) > strings.LastIndex(text, t[1]) {
			return Reasoning
		}
	}
	return Text
}

// TextBegins returns what comes before the text of an answer, if the prompt, of
// which this is the end, does not let the text begin at once: a grammar for the
// text has to wait for the first of these words.
func (f *Form) TextBegins(prompt string) []string {
	prompt = strings.TrimRight(prompt, " \t\r\n")
	if f.harmony && !strings.HasSuffix(prompt, harmonyChannel+"final"+harmonyMessage) {
		return []string{harmonyChannel + "final" + harmonyMessage}
	}
	for _, t := range f.thoughts {
		if strings.HasSuffix(prompt, t[0]) {
			return []string{t[1]}
		}
	}
	return nil
}

// Markers returns the texts that have a meaning in the form: a token that is
// one of them has to be spelled for the parser, also if it is a control token.
func (f *Form) Markers() []string {
	all := slices.Concat(f.calls, f.closes, f.drops, f.parts)
	if f.literal != nil {
		all = append(all, f.literal.quote)
	}
	for _, t := range f.thoughts {
		all = append(all, t[0], t[1])
	}
	if n := f.named; n != nil {
		all = append(all, n.ends...)
	}
	if t := f.tagged; t != nil {
		all = append(append(all, t.nameEnds...), t.call, t.end, t.key, t.keyEnd, t.value, t.valueEnd)
	}
	if f.harmony {
		all = append(all, harmonyStart, harmonyChannel, harmonyMessage, harmonyConstrain)
		all = append(all, harmonyEnds...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(s string) bool { return len(s) < 2 })
}

// Detect finds the form of a model in its chat template's source. takesTools
// says whether the template tells the model of tools. If not, or in a form that
// is not known here, the form is not [Form.Native]: the model is told in words to
// answer with JSON, which is read beside the form that the template has.
func Detect(source string, takesTools bool) *Form {
	form := generic()
	for _, d := range detections {
		if d.in(source) {
			form = d.form()
			form.name, form.native = d.name, takesTools
			if form.named != nil {
				form.named.marked = strings.Contains(source, "[ARGS]") || strings.Contains(source, "```json")
			}
			break
		}
	}
	if !form.native && !form.harmony { // told in words; and it may know better
		form.json, form.bare = true, true
	}
	if !form.harmony {
		for _, pair := range thoughts {
			if strings.Contains(source, pair[0]) || strings.Contains(source, pair[1]) {
				form.thoughts = append(form.thoughts, pair)
			}
		}
	}
	if strings.Contains(source, "<|START_RESPONSE|>") {
		form.drops = append(form.drops, "<|START_RESPONSE|>", "<|END_RESPONSE|>")
	}
	return &form
}

// thoughts are the marks around reasoning that published templates know.
var thoughts = [][2]string{
	{"<think>", "</think>"},
	{"[THINK]", "[/THINK]"},
	{"<|START_THINKING|>", "<|END_THINKING|>"},
	{"<seed:think>", "</seed:think>"},
	{"◁think▷", "◁/think▷"},
	{"<|channel>thought", "<channel|>"},
}

// has returns a test for all of some texts.
func has(texts ...string) func(string) bool {
	return func(source string) bool {
		for _, t := range texts {
			if !strings.Contains(source, t) {
				return false
			}
		}
		return true
	}
}

// detections are tried in order: what is more exact comes first.
var detections = []struct {
	name string
	in   func(source string) bool
	form func() Form
}{
	{"harmony-xml", has(harmonyStart, harmonyChannel, harmonyMessage, "<rfl:parameter name="), func() Form {
		f := harmonyForm()
		f.tagged = &tagged{key: "<rfl:parameter name=", keyEnd: ">", nameQuote: true, valueEnd: "</rfl:parameter>", lines: true}
		return f
	}},
	{"harmony", has(harmonyStart, harmonyChannel, harmonyMessage), func() Form { return harmonyForm() }},
	{"deepseek", has("<｜tool▁call▁begin｜>"), deepseek},
	{"dsml-spaced", has("｜DSML｜", " invoke name=", "｜DSML｜ calls>"), func() Form {
		return invokes("<｜DSML｜ calls>", "</｜DSML｜ calls>", "｜DSML｜ ")
	}},
	{"dsml", has("｜DSML｜", "invoke name=", "tool_calls>"), func() Form { return dsml("tool_calls") }},
	{"dsml", has("｜DSML｜", "invoke name="), func() Form { return dsml("function_calls") }},
	{"kimi", has("<|tool_call_begin|>"), kimi},
	{"kimi-k3", has("<|open|>", "<|sep|>", "<|close|>"), kimi3},
	{"gemma4", has("<|tool_call>call:"), func() Form {
		return Form{
			calls: []string{"<|tool_call>"}, closes: []string{"<tool_call|>"}, literal: &literal{quote: `<|"|>`},
			named: &named{ends: []string{"{"}, prefix: "call:"},
		}
	}},
	{"python", has("<|tool_call_start|>"), func() Form {
		return Form{
			calls: []string{"<|tool_call_start|>"}, closes: []string{"]", "<|tool_call_end|>"}, literal: &literal{},
			named: &named{ends: []string{"("}, prefix: "[", comma: true},
		}
	}},
	{"minimax", has("<minimax:tool_call>"), minimax},
	{"seed", has("<seed:tool_call>"), func() Form { return functionTags("<seed:tool_call>", "</seed:tool_call>") }},
	{"glm", has("<arg_key>"), glm},
	{"qwen-xml", has("<function=", "<parameter="), func() Form { return functionTags("<tool_call>", "</tool_call>") }},
	{"mistral", has("[TOOL_CALLS]"), mistral},
	{"command-r", has("<|START_ACTION|>"), func() Form { return jsonCalls("<|START_ACTION|>", "<|END_ACTION|>") }},
	{"granite", has("<|tool_call|>"), func() Form { return jsonCalls("<|tool_call|>", "<|/tool_call|>") }},
	{"functionary", has(">>>all"), functionary},
	{"hermes", has("<tool_call>"), func() Form { return jsonCalls("<tool_call>", "</tool_call>") }},
	{"function", has("<function="), func() Form {
		return Form{calls: []string{"<function="}, closes: []string{"</function>"}, named: &named{ends: []string{">"}}}
	}},
	{"llama3", has("<|python_tag|>"), llama3},
	{"llama3", has("ipython", `"parameters": `), llama3},
}

func jsonCalls(open, closed string) Form {
	return Form{calls: []string{open}, closes: []string{closed}, json: true}
}

func llama3() Form { return Form{calls: []string{"<|python_tag|>"}, json: true, bare: true} }

func generic() Form { return Form{name: "generic", json: true, bare: true} }

func mistral() Form {
	return Form{
		calls: []string{"[TOOL_CALLS]"}, json: true, ids: nineID,
		named: &named{ends: []string{"[ARGS]", "[CALL_ID]", "{"}},
	}
}

func deepseek() Form {
	return Form{
		calls: []string{"<｜tool▁call▁begin｜>"}, drops: []string{"<｜tool▁calls▁begin｜>"},
		closes: []string{"```", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"},
		named:  &named{ends: []string{"<｜tool▁sep｜>"}, kind: true},
	}
}

func kimi() Form {
	return Form{
		calls: []string{"<|tool_call_begin|>"}, drops: []string{"<|tool_calls_section_begin|>"},
		closes: []string{"<|tool_call_end|>", "<|tool_calls_section_end|>"},
		named:  &named{ends: []string{"<|tool_call_argument_begin|>"}}, ids: headerID,
	}
}

// kimi3 has tags of three tokens each.
func kimi3() Form {
	open := func(tag string) string { return "<|open|>" + tag }
	closed := func(tag string) string { return "<|close|>" + tag + "<|sep|>" }
	return Form{
		calls: []string{open("tools<|sep|>"), open("call tool=")}, closes: []string{closed("call"), closed("tools")},
		drops:    []string{open("response<|sep|>"), closed("response"), closed("message")},
		parts:    []string{"<|open|>", "<|sep|>", "<|close|>"},
		thoughts: [][2]string{{open("think<|sep|>"), closed("think")}},
		tagged: &tagged{
			call: open("call tool="), nameEnds: []string{"<|sep|>"}, nameQuote: true, end: closed("call"),
			key: open("argument key="), keyEnd: "<|sep|>", valueEnd: closed("argument"),
		},
	}
}

func functionary() Form {
	return Form{calls: []string{">>>"}, named: &named{ends: []string{"\n"}, speech: "all"}}
}

// functionTags is <function=name><parameter=key>value</parameter></function>
// within open and closed, which models leave out at times. JSON within them is
// read as well.
func functionTags(open, closed string) Form {
	return Form{
		calls: []string{open, "<function="}, closes: []string{"</function>", closed}, json: true,
		tagged: &tagged{
			call: "<function=", nameEnds: []string{">"}, end: "</function>",
			key: "<parameter=", keyEnd: ">", valueEnd: "</parameter>", lines: true,
		},
	}
}

func glm() Form {
	return Form{
		calls: []string{"<tool_call>"}, closes: []string{"</tool_call>"}, json: true,
		tagged: &tagged{
			nameEnds: []string{"\n", "<arg_key>", "</tool_call>"},
			key:      "<arg_key>", keyEnd: "</arg_key>", value: "<arg_value>", valueEnd: "</arg_value>",
		},
	}
}

func minimax() Form { return invokes("<minimax:tool_call>", "</minimax:tool_call>", "") }

func dsml(section string) Form {
	return invokes("<｜DSML｜"+section+">", "</｜DSML｜"+section+">", "｜DSML｜")
}

// invokes is <invoke name="name"><parameter name="key">value</parameter></invoke>.
func invokes(open, closed, mark string) Form {
	return Form{
		calls: []string{open, "<" + mark + "invoke name="}, closes: []string{"</" + mark + "invoke>", closed},
		tagged: &tagged{
			call: "<" + mark + "invoke name=", nameEnds: []string{">"}, nameQuote: true, end: "</" + mark + "invoke>",
			key: "<" + mark + "parameter name=", keyEnd: ">", valueEnd: "</" + mark + "parameter>",
		},
	}
}

func harmonyForm() Form { return Form{harmony: true, closes: harmonyEnds} }
