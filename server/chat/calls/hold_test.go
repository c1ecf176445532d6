package calls

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// deriver derives texts of the grammars that Hold makes.
type deriver struct {
	t       *testing.T
	rules   map[string][]string // their tokens
	picks   int                 // which way is gone: counts down through choices
	deep    int
	control map[string]string // the texts of tokens
}

func derive(t *testing.T, h *Hold, control map[string]ask.Token, picks int) string {
	d := &deriver{t: t, rules: map[string][]string{}, picks: picks, control: map[string]string{}}
	for text, token := range control {
		d.control[fmt.Sprintf("<[%d]>", token)] = text
	}
	for _, line := range strings.Split(h.Format.Source, "\n") {
		if name, body, ok := strings.Cut(line, " ::= "); ok {
			if d.rules[name] != nil {
				t.Errorf("two rules %s in %s", name, h.Format.Source)
			}
			d.rules[name] = lex(t, body)
		}
	}
	for name, schema := range h.Schemas {
		if d.rules[name] != nil || !json.Valid(schema) {
			t.Errorf("schema %s: %s", name, schema)
		}
		value := `{}`
		switch {
		case strings.Contains(string(schema), `"town"`):
			value = `{"town":"A"}`
		case strings.Contains(string(schema), `"integer"`):
			value = `7`
		case strings.Contains(string(schema), `"object"`):
		case strings.HasSuffix(name, "-value"):
			value = `null`
		}
		d.rules[name] = []string{quoted(value)}
	}
	return d.rule("root")
}

// lex cuts the right side of a rule into tokens.
func lex(t *testing.T, body string) (tokens []string) {
	for body = strings.TrimSpace(body); body != ""; body = strings.TrimSpace(body) {
		n := 1
		switch body[0] {
		case '"':
			for body[n] != '"' {
				if body[n] == '\\' {
					n++
				}
				n++
			}
			n++
		case '[':
			n = strings.IndexByte(body, ']') + 1
		case '<':
			n = strings.IndexByte(body, '>') + 1
		case '(', '|':
		case ')':
			for n < len(body) && (body[n] == '?' || body[n] == '*') {
				n++
			}
		default:
			if n = strings.IndexByte(body, ' '); n < 0 {
				n = len(body)
			}
		}
		tokens, body = append(tokens, body[:n]), body[n:]
	}
	return tokens
}

func (d *deriver) rule(name string) string {
	tokens, ok := d.rules[name]
	if !ok {
		d.t.Fatalf("no rule %q", name)
	}
	if d.deep++; d.deep > 1000 {
		d.t.Fatal("it goes on and on")
	}
	return d.choose(tokens)
}

// choose takes one of the alternatives.
func (d *deriver) choose(tokens []string) string {
	alternatives, depth := [][]string{nil}, 0
	for _, token := range tokens {
		switch {
		case token == "(":
			depth++
		case token[0] == ')':
			depth--
		case token == "|" && depth == 0:
			alternatives = append(alternatives, nil)
			continue
		}
		n := len(alternatives) - 1
		alternatives[n] = append(alternatives[n], token)
	}
	pick := d.picks % len(alternatives)
	d.picks /= len(alternatives)
	return d.sequence(alternatives[pick])
}

func (d *deriver) sequence(tokens []string) string {
	var text strings.Builder
	for i := 0; i < len(tokens); i++ {
		switch token := tokens[i]; {
		case token == "(":
			end, depth := i+1, 1
			for ; depth > 0; end++ {
				switch {
				case tokens[end] == "(":
					depth++
				case tokens[end][0] == ')':
					depth--
				}
			}
			closing := tokens[end-1]
			if times := d.picks % 2; closing == ")" || times == 1 {
				if closing != ")" {
					d.picks /= 2
				}
				text.WriteString(d.choose(tokens[i+1 : end-1]))
			} else {
				d.picks /= 2
			}
			i = end - 1
		case token[0] == '"':
			text.WriteString(strings.NewReplacer(`\n`, "\n", `\"`, `"`, `\\`, `\`).Replace(token[1 : len(token)-1]))
		case strings.HasPrefix(token, "<["):
			text.WriteString(d.control[token])
		case token[0] == '[':
			text.WriteString("x")
		default:
			text.WriteString(d.rule(token))
		}
	}
	return text.String()
}

// What a hold allows is a call, in each form.
func TestHold(t *testing.T) {
	for name, source := range templateFiles(t) {
		form := Detect(source, !strings.Contains(name, "Qwen2-Audio"))
		for _, h := range []Holding{
			{Choice: ask.ToolRequired, Tools: tools}, {Choice: ask.ToolRequired, Tools: tools, OneCall: true},
			{Choice: ask.ToolRequired, Tools: tools[:1]}, {Choice: ask.ToolNamed, Tools: tools, Name: "weather", OneCall: true},
			{Choice: ask.ToolNamed, Tools: tools, Name: "f"},
		} {
			if len(form.thoughts) > 0 {
				h.Prompt = form.thoughts[0][0] + "\n"
			}
			if form.name == "functionary" {
				h.Prompt = ">>>"
			}
			if h.OneCall {
				h.Control = map[string]ask.Token{}
				for i, m := range form.Markers() {
					h.Control[m] = ask.Token(1000 + i)
				}
			}
			hold, err := form.Hold(h)
			if f, ok := errors.AsType[*ask.Fault](err); form.literal != nil && ok && f.Kind == ask.Unsupported {
				continue
			}
			if err != nil || hold == nil {
				t.Errorf("%s: %+v: %v", name, h, err)
				continue
			}
			for picks := range 64 {
				text := hold.Prompt + derive(t, hold, h.Control, picks)
				got := parse(t, form, Options{Tools: tools, Prompt: h.Prompt, ID: numbered}, text, 0, false)
				lines := strings.Split(got, "\n")
				for _, line := range lines {
					if !strings.HasPrefix(line, "call ") || h.Choice == ask.ToolNamed && !strings.Contains(line, " "+h.Name+" ") {
						t.Fatalf("%s (%s): %q derives %q: %s\n%s", name, form.name, hold.Prompt, text, got, hold.Format.Source)
					}
				}
				if h.OneCall && len(lines) > 1 {
					t.Errorf("%s: %d calls: %q", name, len(lines), text)
				}
			}
		}
	}
}

func TestHoldNothing(t *testing.T) {
	f := form(t, "hermes")
	for _, c := range []struct {
		h    Holding
		want string
	}{
		{Holding{Choice: ask.ToolNone, Tools: tools}, ""},
		{Holding{}, ""},
		{Holding{Choice: ask.ToolRequired}, "there are no tools"},
		{Holding{Choice: ask.ToolNamed, Tools: tools, Name: "g"}, `the tool "g" is not among tools`},
		{Holding{Choice: ask.ToolRequired, Tools: []ask.Tool{{Name: `a"b`}}}, "cannot be held to"},
	} {
		hold, err := f.Hold(c.h)
		fault, _ := errors.AsType[*ask.Fault](err)
		if hold != nil || (fault == nil) != (c.want == "") || fault != nil && !strings.Contains(fault.What, c.want) {
			t.Errorf("%+v: %+v, %v", c.h, hold, err)
		}
	}
}

func TestHoldSchemas(t *testing.T) {
	tool := []ask.Tool{{Name: "f", Parameters: []byte(`{"$defs":{"n":{"type":"integer"}},"properties":{"z":{"$ref":"#/$defs/n"},"a":{"type":"string","enum":["x","y"]}},"required":["z"]}`)}}
	hold, err := form(t, "qwen-xml").Hold(Holding{Choice: ask.ToolRequired, Tools: tool, OneCall: true})
	if err != nil {
		t.Fatal(err)
	}
	want := `root ::= arguments-0 "</function>" ( "\n</tool_call>" )?
arguments-0-0 ::= "<parameter=z>\n" arguments-0-0-value "\n</parameter>\n"
arguments-0-1 ::= "<parameter=a>\n" ( "x" | "y" ) "\n</parameter>\n"
arguments-0 ::= arguments-0-0 ( arguments-0-1 )?
`
	if hold.Format.Source != want || hold.Prompt != "<tool_call>\n<function=f>\n" || hold.Places != nil {
		t.Errorf("%q: %s", hold.Prompt, hold.Format.Source)
	}
	if s := string(hold.Schemas["arguments-0-0-value"]); s != `{"$defs":{"n":{"type":"integer"}},"allOf":[{"$ref":"#/$defs/n"}]}` || len(hold.Schemas) != 1 {
		t.Errorf("%s", s)
	}
}

func TestHoldNamesControlTokens(t *testing.T) {
	f := form(t, "deepseek")
	hold, err := f.Hold(Holding{Choice: ask.ToolRequired, Tools: tools[1:], Control: map[string]ask.Token{
		"<｜tool▁call▁begin｜>": 7, "<｜tool▁sep｜>": 8, "<｜tool▁call▁end｜>": 9, "<｜tool▁calls▁end｜>": 10,
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `root ::= arguments-0 <[9]> ( "\n" <[7]> call )* ( <[10]> )?

call ::= "f" <[8]> arguments-0 <[9]>
`
	if hold.Format.Source != want || hold.Prompt != "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>" {
		t.Errorf("%q: %s", hold.Prompt, hold.Format.Source)
	}
}

// Tools of many arguments, or with large definitions, take no longer than their
// schemas are long.
func TestHoldManyArguments(t *testing.T) {
	many := func(n int, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(parts, ",")
	}
	definitions := `{"a":{"type":"integer"}},"description":"` + strings.Repeat("x", 200_000) + `"`
	for _, test := range []struct {
		name, parameters, fault string
	}{
		{"texts", `{"properties":{` + many(100_000, `"k%d":{"type":"string"}`) + `},"required":[` + many(100_000, `"k%d"`) + `]}`, ""},
		{"others", `{"properties":{` + many(100_000, `"k%d":{"type":"integer"}`) + `}}`, "longer than 262144 bytes"},
		{"definitions", `{"properties":{` + many(100_000, `"k%d":{"$ref":"#/$defs/a"}`) + `},"$defs":{"b":` + definitions + `}}`, "longer than 262144 bytes"},
	} {
		h := Holding{Choice: ask.ToolRequired, Tools: []ask.Tool{{Name: "f", Parameters: []byte(test.parameters)}}}
		held, err := form(t, "qwen-xml").Hold(h)
		f, _ := err.(*ask.Fault)
		if (test.fault == "") != (err == nil && held != nil) || f != nil && (f.Param != "tools" || !strings.Contains(f.Error(), test.fault)) {
			t.Errorf("%s: %.200v", test.name, err)
		}
	}
	var p Parser
	p.Reset(form(t, "qwen-xml"), Options{Tools: []ask.Tool{{Name: "f", Parameters: []byte(`{"properties":{` + many(100_000, `"k%d":{"type":"string"}`) + `}}`)}}})
	p.Add([]byte("<tool_call>\n<function=f>\n"))
	for i := range 20_000 {
		p.Add(fmt.Appendf(nil, "<parameter=k%d>\n%d\n</parameter>\n", i, i))
	}
	p.Add([]byte("</function>\n</tool_call>"))
	var all answer
	for piece := (Piece{}); p.Next(&piece); {
		all.add(t, &piece)
	}
	if got := strings.Join(all.pieces, ""); !strings.HasSuffix(got, `, "k19999": "19999"}`) {
		t.Errorf("%.40s … %s", got, got[max(0, len(got)-40):])
	}
}
