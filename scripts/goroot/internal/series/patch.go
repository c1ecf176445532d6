package series

import (
	"bytes"
	"fmt"
	"mime"
	"regexp"
	"strings"
)

// The fields that every message must hold.
const (
	FieldForwarded = "Forwarded"
	FieldTouches   = "Touches"
	FieldStockCost = "Stock-Cost"
)

// Fields lists them in the order in which they are written.
var Fields = []string{FieldForwarded, FieldTouches, FieldStockCost}

var fieldLine = regexp.MustCompile(`^([A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)*):(?:[ \t]+(.*))?$`)

// Patch is one file of the series.
type Patch struct {
	Name    string // file name, NNNN-topic.patch
	Text    []byte
	Subject string
	Prose   string            // the message without subject and fields, trimmed
	Fields  map[string]string // values with white space folded
	Files   []string          // files in the diff, slash-separated
}

// Parse reads the text of a patch. It trusts nothing in it: the error names
// what is not git am text.
func Parse(name string, text []byte) (Patch, error) {
	p := Patch{Name: name, Text: text, Fields: map[string]string{}}
	if !bytes.HasPrefix(text, []byte("From ")) {
		return p, fmt.Errorf("series: parse %s: it does not begin with a `From ` line: write it with git format-patch, or `goroot save`", name)
	}
	header, rest, found := strings.Cut(string(text), "\n\n")
	if !found {
		return p, fmt.Errorf("series: parse %s: it ends inside its header", name)
	}
	p.Subject = subject(header)
	if p.Subject == "" {
		return p, fmt.Errorf("series: parse %s: no Subject", name)
	}
	message, diff := splitMessage(rest)
	p.Prose, p.Fields = parseMessage(message)
	p.Files = diffFiles(diff)
	if len(p.Files) == 0 {
		return p, fmt.Errorf("series: parse %s: no diff in it", name)
	}
	return p, nil
}

// subject unfolds and decodes the Subject of a mail header.
func subject(header string) string {
	var value string
	inside := false
	for line := range strings.SplitSeq(header, "\n") {
		switch {
		case inside && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")):
			value += " " + strings.TrimSpace(line)
		case strings.HasPrefix(line, "Subject:"):
			inside, value = true, strings.TrimSpace(line[len("Subject:"):])
		default:
			inside = false
		}
	}
	if decoded, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
		value = decoded
	}
	return strings.TrimSpace(strings.TrimPrefix(value, "[PATCH]"))
}

// splitMessage cuts where git am does: at a line of three dashes or the diff.
func splitMessage(rest string) (message, diff string) {
	at := 0
	for line := range strings.SplitAfterSeq(rest, "\n") {
		if strings.HasPrefix(line, "diff -") || strings.TrimRight(line, " \r\n") == "---" {
			return rest[:at], rest[at:]
		}
		at += len(line)
	}
	return rest, ""
}

// parseMessage parts the fields from the prose. A field goes on until an empty
// line or the next field.
func parseMessage(message string) (prose string, fields map[string]string) {
	fields = map[string]string{}
	var kept []string
	field := ""
	for line := range strings.SplitSeq(message, "\n") {
		switch match := fieldLine.FindStringSubmatch(line); {
		case match != nil && isField(match[1]):
			field = match[1]
			fields[field] = strings.TrimSpace(match[2])
		case match != nil || strings.TrimSpace(line) == "":
			field = ""
			kept = append(kept, line)
		case field != "":
			fields[field] = strings.TrimSpace(fields[field] + " " + strings.TrimSpace(line))
		default:
			kept = append(kept, line)
		}
	}
	return strings.TrimSpace(strings.Join(kept, "\n")), fields
}

func isField(name string) bool {
	for _, field := range Fields {
		if field == name {
			return true
		}
	}
	return false
}

// diffFiles lists the files that a git diff names, each once, in order.
func diffFiles(diff string) []string {
	var files []string
	seen := map[string]bool{}
	add := func(name string) {
		if name != "" && !seen[name] {
			seen[name] = true
			files = append(files, name)
		}
	}
	for line := range strings.SplitSeq(diff, "\n") {
		names, ok := strings.CutPrefix(line, "diff --git a/")
		if !ok {
			continue
		}
		// Without renames both names are the same, spaces or not.
		if half := (len(names) - len(" b/")) / 2; half > 0 && names[half:] == " b/"+names[:half] {
			add(names[:half])
			continue
		}
		from, to, _ := strings.Cut(names, " b/")
		add(from)
		add(to)
	}
	return files
}

// Touched splits the Touches field into names. "none" is the empty list.
func (p Patch) Touched() []string {
	value := strings.TrimSuffix(p.Fields[FieldTouches], ".")
	if strings.EqualFold(value, "none") {
		return nil
	}
	var names []string
	for part := range strings.SplitSeq(value, ",") {
		if words := strings.Fields(part); len(words) > 0 {
			names = append(names, words[0])
		}
	}
	return names
}
