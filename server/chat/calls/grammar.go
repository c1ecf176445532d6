package calls

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"strings"

	"github.com/weirgo/weir/server/ask"
)

// grammar writes the GBNF of calls.
type grammar struct {
	form    *Form
	shape   shape
	tools   []ask.Tool
	control map[string]ask.Token
	rules   strings.Builder
	schemas map[string][]byte
	bytes   int    // of the schemas
	written []bool // the arguments of each tool
}

// maxHeldBytes is how long the schemas of what is held to may be.
const maxHeldBytes = 256 << 10

// schema adds a schema as a rule. One too many is left out: who asks for the
// grammar is refused.
func (g *grammar) schema(rule string, schema []byte) {
	if g.schemas[rule] != nil {
		return
	}
	if g.bytes += len(schema); g.bytes <= maxHeldBytes {
		g.schemas[rule] = schema
	}
}

// fault says what keeps a model from being held to the grammar, nil for nothing.
func (g *grammar) fault() error {
	if g.bytes <= maxHeldBytes {
		return nil
	}
	f := ask.Invalid("tools", fmt.Sprintf("the schemas of their arguments are longer than %d bytes together", maxHeldBytes))
	f.Remedy = "shorten them, name one tool in tool_choice, or say \"auto\""
	return f
}

// format returns the grammar of an answer that begins with first; several, that
// more calls may follow.
func (g *grammar) format(first string, several bool) ask.Format {
	root := "root ::= " + first
	if several {
		root += " ( " + g.literal(g.shape.next) + " " + g.named() + " )*"
	}
	if g.shape.last != "" {
		root += " ( " + g.literal(g.shape.last) + " )?"
	}
	return ask.Format{Kind: ask.FormatGrammar, Source: root + "\n" + g.rules.String()}
}

// named returns a rule for a call from before its name.
func (g *grammar) named() string {
	if strings.Contains(g.rules.String(), "\ncall ::= ") {
		return "call"
	}
	alternatives := make([]string, len(g.tools))
	for i := range g.tools {
		alternatives[i] = g.literal(g.shape.before+g.tools[i].Name+g.shape.behind) + " " + g.arguments(i)
	}
	fmt.Fprintf(&g.rules, "\ncall ::= %s\n", strings.Join(alternatives, " | "))
	return "call"
}

// arguments returns what a tool's arguments are, and the end of the call.
func (g *grammar) arguments(tool int) string {
	name := fmt.Sprintf("arguments-%d", tool)
	end := ""
	if g.shape.end != "" {
		end = " " + g.literal(g.shape.end)
	}
	if g.written == nil {
		g.written = make([]bool, len(g.tools))
	}
	if !g.written[tool] {
		g.written[tool] = true
		schema := parametersOf(&g.tools[tool])
		if g.form.tagged != nil && g.form.native {
			g.tags(name, schema)
		} else {
			g.schema(name, schema)
		}
	}
	return name + end
}

// parametersOf returns the schema of a tool's arguments.
func parametersOf(tool *ask.Tool) []byte {
	if tool.Parameters == nil {
		return []byte(`{"type":"object","properties":{},"additionalProperties":false}`)
	}
	return tool.Parameters
}

// parameters is what of a schema says which tags there are.
type parameters struct {
	Properties  jsontext.Value `json:"properties"`
	Required    []string       `json:"required"`
	Defs        jsontext.Value `json:"$defs"`
	Definitions jsontext.Value `json:"definitions"`
}

// argumentSet is a schema of arguments, read once.
type argumentSet struct {
	parameters
	keys     []string // in order
	schemas  map[string]jsontext.Value
	required map[string]bool
}

func readArguments(schema []byte) *argumentSet {
	s := &argumentSet{schemas: arguments(schema), required: map[string]bool{}}
	if json.Unmarshal(schema, &s.parameters) != nil {
		s.parameters = parameters{}
	}
	s.keys = keysOf(s.Properties)
	for _, key := range s.Required {
		s.required[key] = true
	}
	return s
}

// tags writes a rule for arguments in tags, in the order of the schema.
func (g *grammar) tags(name string, schema []byte) {
	s := readArguments(schema)
	var parts []string
	for _, key := range s.keys {
		if g.fault() != nil {
			break // each may come with all definitions
		}
		rule := fmt.Sprintf("%s-%d", name, len(parts))
		fmt.Fprintf(&g.rules, "%s ::= %s\n", rule, g.tag(rule, key, s))
		if !s.required[key] {
			rule = "( " + rule + " )?"
		}
		parts = append(parts, rule)
	}
	if len(parts) == 0 {
		parts = []string{`""`}
	}
	fmt.Fprintf(&g.rules, "%s ::= %s\n", name, strings.Join(parts, " "))
}

// tag returns an argument with its tags.
func (g *grammar) tag(rule, key string, s *argumentSet) string {
	t, schema := g.form.tagged, s.schemas[key]
	of := argumentTypes(schema)
	open := t.key + key
	if t.nameQuote {
		open = t.key + `"` + key + `"`
		if strings.Contains(t.key, "｜DSML｜") {
			open += fmt.Sprintf(" string=%q", fmt.Sprint(of == stringType))
		}
	}
	open += t.keyEnd
	if t.value != "" {
		open += "\n" + t.value
	}
	end := t.valueEnd + "\n"
	if t.lines {
		open, end = open+"\n", "\n"+end
	}
	value := rule + "-value"
	if of == stringType {
		value = g.text(schema)
	} else {
		g.schema(value, withDefinitions(schema, &s.parameters))
	}
	return g.literal(open) + " " + value + " " + g.literal(end)
}

// text returns what a string in tags may be: what its schema enumerates, or all
// without the beginning of an end tag.
func (g *grammar) text(schema jsontext.Value) string {
	var s struct {
		Enum []string `json:"enum"`
	}
	if json.Unmarshal(schema, &s) == nil && len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			values[i] = g.literal(v)
		}
		return "( " + strings.Join(values, " | ") + " )"
	}
	if !strings.Contains(g.rules.String(), "\ntag-text ::= ") {
		g.rules.WriteString("\ntag-text ::= ( [^<] | \"<\" [^/<] )*\n")
	}
	return "tag-text"
}

// keysOf returns an object's keys in order.
func keysOf(object jsontext.Value) (keys []string) {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return nil
	}
	for {
		token, err := d.ReadToken()
		if err != nil || token.Kind() != '"' {
			return keys
		}
		keys = append(keys, token.String())
		if d.SkipValue() != nil {
			return keys
		}
	}
}

// withDefinitions returns a property's schema with what its $ref may mean.
func withDefinitions(property jsontext.Value, p *parameters) []byte {
	if !bytes.Contains(property, []byte(`"$ref"`)) {
		return property
	}
	whole := []byte{'{'}
	for _, d := range []struct {
		name  string
		value jsontext.Value
	}{{`"$defs":`, p.Defs}, {`"definitions":`, p.Definitions}} {
		if d.value != nil {
			whole = append(append(append(whole, d.name...), d.value...), ',')
		}
	}
	return append(append(append(whole, `"allOf":[`...), property...), "]}"...)
}

// literal returns a text as GBNF: what are control tokens in it by their numbers.
func (g *grammar) literal(text string) string {
	var parts []string
	for {
		at, mark := len(text), ""
		for m := range g.control {
			if i := strings.Index(text, m); i >= 0 && (i < at || i == at && len(m) > len(mark)) {
				at, mark = i, m
			}
		}
		if at > 0 {
			parts = append(parts, quoted(text[:at]))
		}
		if mark == "" {
			return strings.Join(parts, " ")
		}
		parts = append(parts, fmt.Sprintf("<[%d]>", g.control[mark]))
		text = text[at+len(mark):]
	}
}

// quoted returns a literal of GBNF.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text) + `"`
}
