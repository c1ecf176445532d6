package hooks

import (
	"bytes"
	"fmt"
	"go/format"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/weirgo/weir/scripts/goroot/internal/series"
)

// proseBytes is the least that can say what and why.
const proseBytes = 60

var (
	generatedLine = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	newExperiment = regexp.MustCompile(`^src/internal/goexperiment/exp_[a-z0-9]+_(on|off)\.go$`)
)

// form judges a file as a whole: formatted, and not generated.
func (i *inspection) form() {
	if path.Ext(i.diff.Name) != ".go" || i.diff.Binary {
		return
	}
	switch {
	case newExperiment.MatchString(i.diff.Name) && !i.stock:
	case generatedLine.MatchString(i.before) || generatedLine.MatchString(i.after):
		i.problem(0, "generated files stay as they are: change what generates it, or write the code elsewhere")
	}
	if i.diff.Status == Deleted || strings.Contains(i.diff.Name, "/testdata/") {
		return
	}
	formatted, err := format.Source([]byte(i.after))
	if err != nil {
		i.problem(0, "does not parse: %v", err)
	} else if !bytes.Equal(formatted, []byte(i.after)) && !i.unformattedBefore() {
		i.problem(0, "not formatted: run gofmt -w on it")
	}
}

// unformattedBefore excuses a file that was not formatted in stock Go.
func (i *inspection) unformattedBefore() bool {
	formatted, err := format.Source([]byte(i.before))
	return i.diff.Status == Modified && (err != nil || string(formatted) != i.before)
}

// Message judges a patch's message against what the patch does.
func Message(p series.Patch, r Report) []string {
	var problems []string
	for _, field := range series.Fields {
		if p.Fields[field] == "" {
			problems = append(problems, fmt.Sprintf("message: no %s: line: every patch has %s", field, strings.Join(series.Fields, ", ")))
		}
	}
	if len(p.Prose) < proseBytes {
		problems = append(problems, "message: say what the patch does and why in a paragraph before the fields")
	}
	if p.Fields[series.FieldTouches] == "" {
		return problems
	}
	said, is := p.Touched(), r.Symbols()
	var missing, extra []string
	for _, symbol := range is {
		if !slices.Contains(said, symbol) {
			missing = append(missing, symbol)
		}
	}
	for _, symbol := range said {
		if !slices.Contains(is, symbol) {
			extra = append(extra, symbol)
		}
	}
	var wrong []string
	if len(missing) > 0 {
		wrong = append(wrong, "lacks "+strings.Join(missing, ", "))
	}
	if len(extra) > 0 {
		wrong = append(wrong, "names what the patch does not hook: "+strings.Join(extra, ", "))
	}
	if len(wrong) > 0 {
		problems = append(problems, "message: Touches "+strings.Join(wrong, "; ")+"; it should read\n"+TouchesField(is))
	}
	return problems
}

// TouchesField writes the field for symbols, folded like a mail header.
func TouchesField(symbols []string) string {
	if len(symbols) == 0 {
		return series.FieldTouches + ": none"
	}
	const width = 76
	var b strings.Builder
	b.WriteString(series.FieldTouches + ":")
	column := b.Len()
	for n, symbol := range symbols {
		if n < len(symbols)-1 {
			symbol += ","
		}
		if column+1+len(symbol) > width {
			b.WriteString("\n")
			column = 0
		}
		b.WriteString(" " + symbol)
		column += 1 + len(symbol)
	}
	return b.String()
}
