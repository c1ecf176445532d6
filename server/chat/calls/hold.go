package calls

import (
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/ask"
	watch "github.com/weirgo/weir/server/grammar"
)

// Holding is what a model is to be held to.
type Holding struct {
	Tools   []ask.Tool
	Choice  ask.ToolChoice
	Name    string // with ask.ToolNamed
	OneCall bool
	// Prompt is the end of the rendered prompt, as in [Options].
	Prompt string
	// Continues is as in [Options].
	Continues Kind
	// Control are the control tokens among [Form.Markers]. A grammar names them
	// by their numbers.
	Control map[string]ask.Token
}

// Hold is how a model is held to calls of tools, in its form and with arguments
// that are valid by their schemas.
type Hold struct {
	// Prompt goes behind the rendered prompt as the template's own text, so that
	// control tokens come of it, and is the first that the parser is given: the
	// call is begun, and perhaps a thought ended.
	Prompt string
	// Format is an ask.FormatGrammar. It refers to the rules in Schemas, by
	// these names, without defining them.
	Format  ask.Format
	Schemas map[string][]byte
	// Places are those of an answer in which the grammar does not hold yet, for a
	// model that may call; nil if the grammar holds from the beginning. An answer
	// begins in the place Begin, and is in the place Again behind a call. With Lasts
	// the call ends where nothing can follow.
	Places       []watch.Place
	Begin, Again int
	Lasts        bool
}

// Hold returns how a model is held to calls, nil if it is free. With
// ask.ToolAuto it may call or not, but once it has begun, it is held. The error
// is an *ask.Fault.
func (f *Form) Hold(h Holding) (*Hold, error) {
	tools := h.Tools
	switch {
	case h.Choice == ask.ToolNone:
		return nil, nil
	case len(tools) == 0 && h.Choice == ask.ToolAuto:
		return nil, nil
	case len(tools) == 0:
		return nil, ask.Invalid("tool_choice", "there are no tools to choose from: send some, or leave it out")
	case h.Choice == ask.ToolNamed:
		tools = nil
		for i := range h.Tools {
			if h.Tools[i].Name == h.Name {
				tools = h.Tools[i : i+1]
			}
		}
		if tools == nil {
			return nil, ask.Invalid("tool_choice", fmt.Sprintf("the tool %q is not among tools", ask.Clip(h.Name, ask.QuotedBytes)))
		}
	}
	for i := range tools {
		if strings.ContainsAny(tools[i].Name, "\"\\<>{}\r\n") {
			return nil, ask.Invalid("tools", fmt.Sprintf("the name %q cannot be held to: use letters, digits, _ and -", ask.Clip(tools[i].Name, ask.QuotedBytes)))
		}
	}
	if h.Choice == ask.ToolAuto {
		return f.auto(tools, h), nil
	}
	if f.literal != nil {
		return nil, &ask.Fault{
			Kind: ask.Unsupported, Param: "tool_choice",
			What:   "tool_choice: this model writes calls in a form that no grammar here can hold it to",
			Remedy: `say "auto", and ask for the call in a message`,
		}
	}
	s := f.shape()
	g := grammar{form: f, shape: s, tools: tools, control: h.Control, schemas: map[string][]byte{}}
	hold := &Hold{Prompt: f.ends(h.Prompt) + s.open, Schemas: g.schemas}
	first := ""
	if len(tools) == 1 {
		hold.Prompt += s.before + tools[0].Name + s.behind
		first = g.arguments(0)
	} else {
		first = g.named()
	}
	hold.Format = g.format(first, s.next != "" && !h.OneCall)
	if err := g.fault(); err != nil {
		return nil, err
	}
	return hold, nil
}

// ends returns what closes the thought that a prompt has opened.
func (f *Form) ends(prompt string) string {
	prompt = strings.TrimRight(prompt, " \t\r\n")
	for _, t := range f.thoughts {
		if strings.HasSuffix(prompt, t[0]) {
			return "\n" + t[1] + "\n\n"
		}
	}
	return ""
}

// shape is how a form writes a call when there is no choice: all between its
// beginning, the name, the arguments, and the next call.
type shape struct {
	open   string // before the first call
	before string // a name
	behind string // .. and before the arguments
	end    string // of the call
	next   string // before another; "" if none can follow
	last   string // behind the last
}

// shape returns the form's.
func (f *Form) shape() shape {
	const json, arguments = `{"name": "`, `", "arguments": `
	switch {
	case f.harmony && f.tagged != nil:
		return shape{open: "<|channel|>analysis to=", behind: " <|constrain|>xml<|message|>"}
	case f.harmony:
		return shape{open: "<|channel|>commentary to=functions.", behind: " <|constrain|>json<|message|>"}
	case !f.native:
		return shape{open: `{"tool_calls": [`, before: json, behind: arguments, end: "}", next: ", ", last: "]}"}
	case f.tagged != nil:
		return f.tagShape()
	case f.name == "llama3":
		return shape{before: json, behind: `", "parameters": `, end: "}"}
	case f.name == "command-r":
		return shape{open: "<|START_ACTION|>[", before: `{"tool_name": "`, behind: `", "parameters": `, end: "}", next: ", ", last: "]"}
	case f.name == "granite" || f.name == "mistral" && !f.named.marked:
		return shape{open: f.calls[0] + "[", before: json, behind: arguments, end: "}", next: ", ", last: "]"}
	case f.name == "mistral":
		return shape{open: f.calls[0], behind: "[ARGS]", next: f.calls[0]}
	case f.name == "deepseek":
		call, behind, end := f.calls[0], f.named.ends[0], ""
		if f.named.marked {
			call, behind, end = call+"function"+behind, "\n```json\n", "\n```"
		}
		return shape{
			open: f.drops[0] + call, behind: behind, end: end + f.closes[1], next: "\n" + call, last: f.closes[2],
		}
	case f.name == "kimi":
		return shape{
			open: f.drops[0] + f.calls[0] + "functions.", behind: ":0" + f.named.ends[0],
			end: f.closes[0], next: f.calls[0] + "functions.", last: f.closes[1],
		}
	case f.name == "functionary":
		return shape{behind: "\n", next: ">>>"}
	case f.name == "function":
		return shape{open: f.calls[0], behind: ">", end: "</function>", next: f.calls[0]}
	}
	open, closed := f.calls[0], f.closes[len(f.closes)-1]
	return shape{
		open: open + "\n", before: json, behind: arguments, end: "}",
		next: "\n" + closed + "\n" + open + "\n", last: "\n" + closed,
	}
}

// tagShape returns the shape of a form with tags.
func (f *Form) tagShape() shape {
	t := f.tagged
	open, closed := f.calls[0], f.closes[len(f.closes)-1]
	if t.call == "" { // the name follows the mark
		return shape{open: open, behind: "\n", end: closed, next: "\n" + open}
	}
	quote := ""
	if t.nameQuote {
		quote = `"`
	}
	call := t.call + quote
	if f.parts != nil {
		return shape{open: open + call, behind: quote + t.nameEnds[0], end: t.end, next: call, last: closed}
	}
	s := shape{open: open + "\n" + call, behind: quote + t.nameEnds[0] + "\n", end: t.end, last: "\n" + closed}
	s.next = "\n" + call
	if !t.nameQuote { // each call has marks of its own
		s.next = "\n" + closed + "\n" + open + "\n" + call
	}
	return s
}
