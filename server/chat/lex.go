package chat

import (
	"fmt"
	"strings"
)

// segmentKind tells apart the pieces of a template.
type segmentKind int

const (
	segmentText       segmentKind = iota
	segmentExpression             // {{ }}
	segmentStatement              // {% %}
	segmentComment                // {# #}
)

// segment is a piece of a template: text to print, or the inside of a tag.
type segment struct {
	kind segmentKind
	text string
	// left and right are the marks '-' and '+' at a tag's ends, or 0.
	left, right byte
	// endsLine is set if a tag took the line break after it.
	endsLine bool
}

// lex cuts a template into segments as Jinja2 does, with the settings chat
// templates are written for: trim_blocks, lstrip_blocks, one line break at the
// end dropped. White space is dealt with here; {% raw %} becomes text.
func lex(source string) ([]segment, error) {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	source = strings.TrimSuffix(source, "\n")
	var segments []segment
	previous := segment{endsLine: true}
	for rest := source; rest != ""; {
		text, tag, after, err := cutTag(rest)
		tagAt := rest[len(text):]
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", lineOf(source, tagAt), err)
		}
		if tag.kind == segmentStatement && firstWord(tag.text) == "raw" {
			raw := tag
			if raw.right == '-' { // the one statement that takes no line break by itself
				after = trimRight(&raw, after)
			}
			if tag.text, tag.right, after, err = cutRaw(after, &raw); err != nil {
				return nil, fmt.Errorf("line %d: %w", lineOf(source, tagAt), err)
			}
			after = trimRight(&tag, after)
			tag.kind = segmentText
			segments = append(segments,
				segment{kind: segmentText, text: trimLeft(text, &previous, &raw)}, tag)
		} else {
			segments = append(segments, segment{kind: segmentText, text: trimLeft(text, &previous, &tag)})
			if tag.kind != segmentText {
				after = trimRight(&tag, after)
				segments = append(segments, tag)
			}
		}
		previous, rest = tag, after
	}
	return segments, nil
}

// cutTag returns the text before the first tag, the tag, and what follows. A
// tag of kind text means there is none.
func cutTag(rest string) (text string, tag segment, after string, err error) {
	for at := strings.IndexByte(rest, '{'); at >= 0 && at+1 < len(rest); {
		switch rest[at+1] {
		case '{':
			tag.kind = segmentExpression
		case '%':
			tag.kind = segmentStatement
		case '#':
			tag.kind = segmentComment
		}
		if tag.kind != segmentText {
			size := tagBytes(rest[at:], tag.kind)
			if size < 0 {
				return rest[:at], tag, "", fmt.Errorf("the tag %.20q does not end", rest[at:])
			}
			tag.text = rest[at+2 : at+size-2]
			tag.left, tag.right = marks(&tag.text)
			return rest[:at], tag, rest[at+size:], nil
		}
		next := strings.IndexByte(rest[at+1:], '{')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return rest, segment{}, "", nil
}

// marks cuts '-' and '+' off the ends of a tag's inside.
func marks(text *string) (left, right byte) {
	if t := *text; t != "" && (t[0] == '-' || t[0] == '+') {
		left, *text = t[0], t[1:]
	}
	if t := *text; t != "" && (t[len(t)-1] == '-' || t[len(t)-1] == '+') {
		right, *text = t[len(t)-1], t[:len(t)-1]
	}
	return left, right
}

// tagBytes returns the size of the tag that s begins with, or -1 if it does
// not end. Delimiters within strings and brackets end nothing.
func tagBytes(s string, kind segmentKind) int {
	if kind == segmentComment {
		if end := strings.Index(s[2:], "#}"); end >= 0 {
			return end + 4
		}
		return -1
	}
	closer := "}}"
	if kind == segmentStatement {
		closer = "%}"
	}
	depth := 0
	for i := 2; i < len(s); i++ {
		switch {
		case s[i] == '\'' || s[i] == '"':
			i = endOfText(s, i)
		case depth == 0 && strings.HasPrefix(s[i:], closer):
			return i + 2
		case s[i] == '{' || s[i] == '(' || s[i] == '[':
			depth++
		case (s[i] == '}' || s[i] == ')' || s[i] == ']') && depth > 0:
			depth--
		}
	}
	return -1
}

// cutRaw returns what stands between {% raw %}, which opens, and {% endraw %},
// and what follows that.
func cutRaw(rest string, opens *segment) (text string, right byte, after string, err error) {
	for at := 0; ; {
		next := strings.Index(rest[at:], "{%")
		if next < 0 {
			return "", 0, "", fmt.Errorf("the raw block does not end")
		}
		at += next
		size := strings.Index(rest[at:], "%}") + 2
		if size < 2 {
			return "", 0, "", fmt.Errorf("the raw block does not end")
		}
		end := segment{kind: segmentStatement, text: rest[at+2 : at+size-2]}
		end.left, end.right = marks(&end.text)
		if strings.TrimSpace(end.text) == "endraw" {
			return trimLeft(rest[:at], opens, &end), end.right, rest[at+size:], nil
		}
		at += 2
	}
}

// trimLeft takes off text what the tag after it takes: all white space for
// '-', and for statements and comments that begin a line their indentation.
func trimLeft(text string, previous, tag *segment) string {
	switch {
	case tag.left == '-':
		return strings.TrimRight(text, whiteSpace)
	case tag.left == '+' || tag.kind != segmentStatement && tag.kind != segmentComment:
		return text
	}
	line := strings.LastIndexByte(text, '\n') + 1
	if (line > 0 || previous.endsLine) && strings.Trim(text[line:], whiteSpace) == "" {
		return text[:line]
	}
	return text
}

// trimRight takes off the rest what the tag before it takes: all white space
// for '-', one line break for statements and comments.
func trimRight(tag *segment, rest string) string {
	trimmed := rest
	switch {
	case tag.right == '-':
		trimmed = strings.TrimLeft(rest, whiteSpace)
	case tag.right == '+' || tag.kind == segmentExpression:
	default:
		trimmed = strings.TrimPrefix(rest, "\n")
	}
	taken := rest[:len(rest)-len(trimmed)]
	tag.endsLine = strings.HasSuffix(taken, "\n")
	return trimmed
}

const whiteSpace = " \t\n\r\f\v"

// lineOf returns the number of the line on which rest, the end of source,
// begins.
func lineOf(source, rest string) int {
	return 1 + strings.Count(source[:len(source)-len(rest)], "\n")
}

// endOfText returns the index of the quote that ends the string literal which
// begins at start, or the last index of s.
func endOfText(s string, start int) int {
	for i := start + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[start]:
			return i
		}
	}
	return len(s) - 1
}

// firstWord returns the keyword of a statement.
func firstWord(statement string) string {
	statement = strings.TrimLeft(statement, whiteSpace)
	for i := range len(statement) {
		if !isName(statement[i]) {
			return statement[:i]
		}
	}
	return statement
}

func isName(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
