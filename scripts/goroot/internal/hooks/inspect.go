package hooks

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/weirgo/weir/scripts/goroot/internal/git"
)

// Hook is one place where a patch changes a stock file.
type Hook struct {
	Symbol         string
	File           string
	Line           int // in the file after the patch, or before it if the symbol goes
	Added, Deleted int // lines
}

// Report is what a patch does to the tree.
type Report struct {
	Hooks    []Hook
	NewFiles []string
	Code     Lines    // changed in stock files that are no tests
	Tests    Lines    // changed in stock tests
	Problems []string // what breaks a rule, one line each
}

// Lines counts changed lines. Changed takes a replaced line once.
type Lines struct{ Added, Deleted, Changed int }

// Add sums up.
func (l *Lines) Add(other Lines) {
	l.Added += other.Added
	l.Deleted += other.Deleted
	l.Changed += other.Changed
}

// Symbols lists what the hooks hook, sorted, each once.
func (r Report) Symbols() []string {
	var symbols []string
	for _, h := range r.Hooks {
		symbols = append(symbols, h.Symbol)
	}
	slices.Sort(symbols)
	return slices.Compact(symbols)
}

// diffWithoutContext shows changed lines only.
var diffWithoutContext = []string{
	"diff", "-U0", "--inter-hunk-context=0", "--no-renames", "--full-index", "--no-color", "--no-ext-diff",
	"--no-textconv", "--diff-algorithm=myers", "--src-prefix=a/", "--dst-prefix=b/", "-O/dev/null",
}

// Inspect reports on one commit of repo, a patch. stock is the commit of the
// unpatched source.
func Inspect(ctx context.Context, repo git.Repo, stock, commit string) (Report, error) {
	args := append(append([]string{}, diffWithoutContext...), commit+"~1", commit)
	text, err := repo.Run(ctx, args...)
	if err != nil {
		return Report{}, err
	}
	files, err := ParseDiff(text)
	if err != nil {
		return Report{}, err
	}
	stockFiles, err := repo.Lines(ctx, "ls-tree", "-r", "--name-only", stock)
	if err != nil {
		return Report{}, err
	}
	var report Report
	for _, file := range files {
		i := inspection{diff: file, report: &report}
		_, i.stock = slices.BinarySearch(stockFiles, file.Name)
		if file.Status != Added {
			if i.before, err = repo.Run(ctx, "cat-file", "blob", commit+"~1:"+file.Name); err != nil {
				return Report{}, err
			}
		}
		if file.Status != Deleted {
			if i.after, err = repo.Run(ctx, "cat-file", "blob", commit+":"+file.Name); err != nil {
				return Report{}, err
			}
		}
		i.run()
	}
	return report, nil
}

// inspection is the view of one file.
type inspection struct {
	diff          FileDiff
	stock         bool // the unpatched source has the file
	before, after string
	report        *Report
}

func (i *inspection) run() {
	switch {
	case i.diff.Status == Added && !i.stock:
		i.report.NewFiles = append(i.report.NewFiles, i.diff.Name)
	case i.stock:
		i.count()
		i.hook()
		i.marks()
	case i.diff.Status != Added:
		i.problem(0, "an earlier patch adds it: each new file is in one patch, whole; move the change there")
	}
	i.form()
}

func (i *inspection) problem(line int, format string, args ...any) {
	where := i.diff.Name
	if line > 0 {
		where = fmt.Sprintf("%s:%d", where, line)
	}
	i.report.Problems = append(i.report.Problems, where+": "+fmt.Sprintf(format, args...))
}

func (i *inspection) count() {
	lines := &i.report.Code
	if strings.HasSuffix(i.diff.Name, "_test.go") || strings.Contains(i.diff.Name, "/testdata/") {
		lines = &i.report.Tests
	}
	for _, h := range i.diff.Hunks {
		lines.Add(Lines{Added: len(h.New), Deleted: len(h.Old), Changed: max(len(h.New), len(h.Old))})
	}
}

// hook finds the declarations that hold changed lines. A blank line in none of
// them is nobody's.
func (i *inspection) hook() {
	before := Decls(i.diff.Name, []byte(i.before))
	after := Decls(i.diff.Name, []byte(i.after))
	found := map[string]*Hook{}
	see := func(decls []Decl, line int, text string) *Hook {
		symbols := At(decls, line, line)
		if len(symbols) == 0 {
			if strings.TrimSpace(text) == "" && len(decls) > 0 {
				return &Hook{}
			}
			symbols = []string{i.diff.Name}
		}
		symbol := symbols[0]
		if found[symbol] == nil {
			found[symbol] = &Hook{Symbol: symbol, File: i.diff.Name, Line: line}
		}
		return found[symbol]
	}
	for _, h := range i.diff.Hunks {
		for n, text := range h.New {
			see(after, h.NewStart+n, text).Added++
		}
		for n, text := range h.Old {
			see(before, h.OldStart+n, text).Deleted++
		}
	}
	if len(i.diff.Hunks) == 0 { // binary, or its mode alone
		see(nil, 0, "-")
	}
	start := len(i.report.Hooks)
	for _, h := range found {
		i.report.Hooks = append(i.report.Hooks, *h)
	}
	slices.SortFunc(i.report.Hooks[start:], func(a, b Hook) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Symbol, b.Symbol))
	})
}

// unmarked files hold no comments, or are no code.
func unmarked(name string) bool {
	switch path.Ext(name) {
	case ".md", ".txt", ".golden", ".html":
		return true
	}
	return name == "VERSION" || name == "go.env" || strings.Contains(name, "/testdata/")
}

// marks asks for a mark in or beside each run of changed lines.
func (i *inspection) marks() {
	if unmarked(i.diff.Name) || i.diff.Binary {
		return
	}
	lines := strings.Split(i.after, "\n")
	for _, h := range i.diff.Hunks {
		first, last := h.NewStart, h.NewStart+len(h.New)-1
		if len(h.New) == 0 { // lines went between first and first+1
			first, last = h.NewStart+1, h.NewStart
		}
		if !marked(lines, first-1, last+1) {
			i.problem(max(1, h.NewStart), "changed without a mark: say what for in a comment `// ggroup: ...` or `// schedhook: ...` in or beside the change")
		}
	}
}

// mark names the experiment that a change belongs to.
var mark = regexp.MustCompile(`(//|#) (ggroup|schedhook):`)

// marked reports a mark in lines first to last, numbered from 1.
func marked(lines []string, first, last int) bool {
	for n := max(1, first); n <= min(last, len(lines)); n++ {
		if mark.MatchString(lines[n-1]) {
			return true
		}
	}
	return false
}
