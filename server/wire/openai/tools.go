package openai

import (
	"encoding/json/jsontext"
	"slices"
	"strconv"
	"unicode"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire"
)

// Tools are the fields of the functions that a model may call.
type Tools struct {
	Tools             wire.Objects[Tool] `json:"tools"`
	ToolChoice        jsontext.Value     `json:"tool_choice"`
	ParallelToolCalls *bool              `json:"parallel_tool_calls"`
}

// Tool is an entry of "tools": of chat completions, with the function inside, or of
// responses, where it is the entry.
type Tool struct {
	Type     string    `json:"type"`
	Inside   *Function `json:"function"`
	Function           // where there is none inside
}

// Function is a function that the model may call.
type Function struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Parameters  jsontext.Value `json:"parameters"`
}

// Bounds of tools.
const (
	maxTools         = 1024
	maxToolNameBytes = 256
)

// Ask puts the tools and their choice into a request. The error is an *ask.Fault.
func (c *Tools) Ask(a *ask.Request) error {
	if len(c.Tools) > maxTools {
		return wire.Invalid("tools", "%d tools, at most %d are allowed", len(c.Tools), maxTools)
	}
	for i := range c.Tools {
		t := &c.Tools[i]
		outer := "tools[" + strconv.Itoa(i) + "]"
		if t.Type != "function" && (t.Type != "" || t.Inside == nil) {
			return &ask.Fault{
				Kind: ask.Unsupported, Param: outer + ".type",
				What:   outer + ".type: " + strconv.Quote(ask.Clip(t.Type, ask.QuotedBytes)) + " is not supported",
				Remedy: `describe the tool as a "function", which the client carries out`,
			}
		}
		f := &t.Function
		if t.Inside != nil {
			f, outer = t.Inside, outer+".function"
		}
		if err := f.addTo(a, outer); err != nil {
			return err
		}
	}
	a.OneCall = c.ParallelToolCalls != nil && !*c.ParallelToolCalls
	return chooseTool(a, c.ToolChoice)
}

// addTo checks the form of a function and puts it into a request.
func (f *Function) addTo(a *ask.Request, outer string) error {
	switch {
	case f.Name == "":
		return wire.Missing(outer+".name", "the function's name")
	case len(f.Name) > maxToolNameBytes:
		return wire.Invalid(outer+".name", "it has %d bytes, at most %d are allowed", len(f.Name), maxToolNameBytes)
	}
	for _, r := range f.Name {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return wire.Invalid(outer+".name", "%q has a character that a name cannot have: use letters, digits, _ and -", ask.Clip(f.Name, ask.QuotedBytes))
		}
	}
	if toolAt(a, f.Name) >= 0 {
		return wire.Invalid(outer+".name", "%q is the name of another tool", f.Name)
	}
	t := ask.Tool{Name: f.Name, Description: f.Description}
	switch {
	case isNull(f.Parameters):
	case f.Parameters.Kind() == '{':
		t.Parameters = f.Parameters
	default:
		return wire.Invalid(outer+".parameters", "expected a JSON schema, an object, got a JSON %s", wire.KindName(f.Parameters.Kind()))
	}
	a.Tools = append(a.Tools, t)
	return nil
}

func toolAt(a *ask.Request, name string) int {
	return slices.IndexFunc(a.Tools, func(t ask.Tool) bool { return t.Name == name })
}

// toolChoice is what "tool_choice" may be as an object, of chat completions or of
// responses.
type toolChoice struct {
	Type         string             `json:"type"`
	Name         string             `json:"name"`
	Function     *Function          `json:"function"`
	AllowedTools *allowedTools      `json:"allowed_tools"`
	Mode         string             `json:"mode"`
	Tools        wire.Objects[Tool] `json:"tools"`
}

type allowedTools struct {
	Mode  string             `json:"mode"`
	Tools wire.Objects[Tool] `json:"tools"`
}

const choices = `"none", "auto", "required" or an object that names a function`

// chooseTool reads "tool_choice".
func chooseTool(a *ask.Request, value jsontext.Value) error {
	const param = "tool_choice"
	if isNull(value) {
		return nil
	}
	if value.Kind() == '"' {
		var word string
		if err := decodeField(param, value, &word); err != nil {
			return err
		}
		return chooseByWord(a, param, word)
	}
	if value.Kind() != '{' {
		return wire.Invalid(param, "expected %s, got a JSON %s", choices, wire.KindName(value.Kind()))
	}
	var c toolChoice
	if err := decodeField(param, value, &c); err != nil {
		return err
	}
	switch c.Type {
	case "function", "":
		name := c.Name
		if c.Function != nil {
			name = c.Function.Name
		}
		if name == "" {
			return wire.Missing(param+".function.name", "the name of one of the tools")
		}
		if toolAt(a, name) < 0 {
			return unknownTool(param, name)
		}
		a.ToolChoice, a.ToolName = ask.ToolNamed, name
		return nil
	case "allowed_tools":
		if c.AllowedTools != nil {
			return c.AllowedTools.choose(a, param)
		}
		return (&allowedTools{c.Mode, c.Tools}).choose(a, param)
	case "none", "auto", "any", "required":
		return chooseByWord(a, param, c.Type)
	}
	return wire.Invalid(param+".type", "%q is not supported: send %s", ask.Clip(c.Type, ask.QuotedBytes), choices)
}

func chooseByWord(a *ask.Request, param, word string) error {
	switch word {
	case "auto":
	case "none":
		a.ToolChoice = ask.ToolNone
	case "required", "any": // Mistral's word
		if len(a.Tools) == 0 {
			return wire.Invalid(param, "%q needs tools", word)
		}
		a.ToolChoice = ask.ToolRequired
	default:
		return wire.Invalid(param, "%q is not supported: send %s", ask.Clip(word, ask.QuotedBytes), choices)
	}
	return nil
}

// choose leaves the allowed tools alone.
func (t *allowedTools) choose(a *ask.Request, param string) error {
	if len(t.Tools) > maxTools {
		return wire.Invalid(param, "%d tools, at most %d are allowed", len(t.Tools), maxTools)
	}
	var allowed []ask.Tool
	for _, one := range t.Tools {
		name := one.Name
		if one.Inside != nil {
			name = one.Inside.Name
		}
		at := toolAt(a, name)
		if at < 0 {
			return unknownTool(param, name)
		}
		allowed = append(allowed, a.Tools[at])
	}
	a.Tools = allowed
	if t.Mode == "" {
		t.Mode = "auto"
	}
	return chooseByWord(a, param+".mode", t.Mode)
}

func unknownTool(param, name string) error {
	return wire.Invalid(param, "%q is none of the tools", ask.Clip(name, ask.QuotedBytes))
}

// LegacyTools are the fields that came before Tools.
type LegacyTools struct {
	Functions    wire.Objects[Function] `json:"functions"`
	FunctionCall jsontext.Value         `json:"function_call"`
}

// used reports whether the answer is to have the older form.
func (c *LegacyTools) used() bool { return len(c.Functions) > 0 }

// ask puts the functions and their choice into a request.
func (c *LegacyTools) ask(a *ask.Request) error {
	if len(c.Functions) > maxTools {
		return wire.Invalid("functions", "%d functions, at most %d are allowed", len(c.Functions), maxTools)
	}
	for i := range c.Functions {
		if err := c.Functions[i].addTo(a, "functions["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	a.OneCall = a.OneCall || c.used()
	if isNull(c.FunctionCall) {
		return nil
	}
	const param = "function_call"
	if c.FunctionCall.Kind() == '"' {
		var word string
		if err := decodeField(param, c.FunctionCall, &word); err != nil {
			return err
		}
		if word != "none" && word != "auto" {
			return wire.Invalid(param, `%q is not supported: send "none", "auto" or an object that names a function`, ask.Clip(word, ask.QuotedBytes))
		}
		return chooseByWord(a, param, word)
	}
	var f Function
	if err := decodeField(param, c.FunctionCall, &f); err != nil {
		return err
	}
	if toolAt(a, f.Name) < 0 {
		return unknownTool(param, f.Name)
	}
	a.ToolChoice, a.ToolName = ask.ToolNamed, f.Name
	return nil
}
