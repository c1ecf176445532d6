package chat

import (
	"fmt"
	"strings"
)

// prepare rewrites a template for the library, which is not quite Jinja2:
//
//   - its white space control reaches past neighbouring tags. So [lex] deals
//     with white space, and text becomes {{ "text" }}, which it leaves alone;
//   - it bounds neither loops nor macros that call each other. So each gets a
//     call that counts;
//   - its tojson sorts the keys of an object it indents. So that filter's name
//     becomes that of ours;
//   - "}}" ends an expression even within a dict. So a space comes between.
func prepare(source string, limits Limits) (string, error) {
	if len(source) > limits.SourceBytes {
		return "", fmt.Errorf("it has %d bytes, and the limit is %d", len(source), limits.SourceBytes)
	}
	segments, err := lex(source)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	blocks := 0
	for i := range segments {
		s := &segments[i]
		switch s.kind {
		case segmentText:
			writeText(&out, s.text)
		case segmentExpression:
			out.WriteString("{{ " + replaceInTag(s.text) + " }}")
		case segmentStatement:
			blocks += writeStatement(&out, s.text)
		}
		if s.kind != segmentText && blocks+deepestBracket(s.text) > limits.Nesting {
			return "", fmt.Errorf("blocks or brackets are nested more than %d deep", limits.Nesting)
		}
	}
	return out.String(), nil
}

// literalEscapes are those of the library's string literals.
var literalEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func writeText(out *strings.Builder, text string) {
	if text != "" {
		out.WriteString(`{{ "` + literalEscapes.Replace(text) + `" }}`)
	}
}

// writeStatement writes a statement and the calls that go with it. It returns
// how many blocks it opens: 1, 0, or -1 if it ends one.
func writeStatement(out *strings.Builder, statement string) int {
	keyword := firstWord(statement)
	if keyword == "endmacro" {
		out.WriteString("{{ " + leaveFunction + "() }}")
	}
	out.WriteString("{% " + replaceInTag(statement) + " %}")
	switch keyword {
	case "for":
		out.WriteString("{{ " + stepFunction + "() }}")
		return 1
	case "macro":
		out.WriteString("{{ " + enterFunction + "() }}")
		return 1
	case "if", "call", "filter", "generation":
		return 1
	case "set":
		if !strings.Contains(statement, "=") {
			return 1
		}
	}
	if strings.HasPrefix(keyword, "end") {
		return -1
	}
	return 0
}

// deepestBracket returns how deep brackets are nested in a tag, string
// literals left out.
func deepestBracket(tag string) int {
	depth, deepest := 0, 0
	for i := 0; i < len(tag); i++ {
		switch tag[i] {
		case '\'', '"':
			i = endOfText(tag, i)
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth--
		}
	}
	return deepest
}

// replaceInTag renames the filter tojson and parts braces, string literals
// left out.
func replaceInTag(tag string) string {
	const name = "tojson"
	var out strings.Builder
	done := 0
	for i := 0; i < len(tag); i++ {
		switch tag[i] {
		case '\'', '"':
			i = endOfText(tag, i)
		case '}':
			out.WriteString(tag[done:i+1] + " ")
			done = i + 1
		case '|':
			start := len(tag) - len(strings.TrimLeft(tag[i+1:], whiteSpace))
			end := start + len(name)
			if strings.HasPrefix(tag[start:], name) && (end == len(tag) || !isName(tag[end])) {
				out.WriteString(tag[done:start] + jsonFilter)
				done, i = end, end-1
			}
		}
	}
	return out.String() + tag[done:]
}
