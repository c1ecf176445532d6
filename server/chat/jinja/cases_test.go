package jinja

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/chat/jinja/jinjatest"
)

var rewrite = flag.Bool("rewrite", false, "write the results of testdata/*.txt anew, from Python's jinja2")

// result marks the line after a template: what jinja2 makes of it.
const result = "\t=> "

// refusal is the result of a template that jinja2 refuses.
const refusal = "refused"

// TestCases holds the templates of testdata/*.txt against what Python's jinja2
// makes of them.
func TestCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	variables, err := os.ReadFile("testdata/variables.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if *rewrite {
				rewriteCases(t, path, string(variables))
			}
			eachCase(t, path, func(template, want string) {
				text, err := ours(template, string(variables), DefaultLimits())
				if got := resultOf(t, text, err != nil); got != want {
					t.Errorf("%s\n got %s (%v)\nwant %s", template, got, err, want)
				}
			})
		})
	}
}

// eachCase reads a file of cases.
func eachCase(t *testing.T, path string, each func(template, want string)) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var template []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if want, ok := strings.CutPrefix(line, result); ok {
			each(strings.Join(template, "\n"), want)
			template = nil
		} else {
			template = append(template, line)
		}
	}
	if len(template) > 0 {
		t.Errorf("%s: %q has no result; write it with go test -rewrite", path, template)
	}
}

func resultOf(t *testing.T, text string, refused bool) string {
	t.Helper()
	if refused {
		return refusal
	}
	quoted := new(strings.Builder)
	e := json.NewEncoder(quoted)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(quoted.String(), "\n")
}

// rewriteCases writes a file's results as jinja2 gives them now.
func rewriteCases(t *testing.T, path, variables string) {
	t.Helper()
	r := jinjatest.Start(t)
	var out strings.Builder
	eachCase(t, path, func(template, _ string) {
		text, refused := r.Render(t, template, variables)
		out.WriteString(template + "\n" + result + resultOf(t, text, refused != "") + "\n")
	})
	if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
