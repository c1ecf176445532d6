package style

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

const (
	fileLinesCap     = 400
	functionLinesCap = 70
	binaryBytesCap   = 4 << 20 // of all binary test data together
)

// topFolders are the tree's rooms; dot folders and build/ are not code.
var topFolders = []string{"goroot-patches", "ggroup", "iouring", "sched", "server", "bench", "scripts"}

// emptyNames say nothing about what a package holds.
var emptyNames = []string{"util", "utils", "helper", "helpers", "manager", "common", "misc"}

func TestGoFiles(t *testing.T) {
	for _, name := range trackedFiles(t) {
		if filepath.Ext(name) != ".go" {
			continue
		}
		source := readFile(t, name)
		checkFormat(t, name, source)
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, source, parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if ast.IsGenerated(file) {
			continue // as long as its generator makes it
		}
		if lines := bytes.Count(source, []byte("\n")); lines > fileLinesCap {
			t.Errorf("%s: %d lines, the cap is %d: split it by topic", name, lines, fileLinesCap)
		}
		checkFunctionLengths(t, fset, file)
	}
}

func checkFormat(t *testing.T, name string, source []byte) {
	formatted, err := format.Source(source)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	} else if !bytes.Equal(formatted, source) {
		t.Errorf("%s: not formatted: run gofmt -w %s", name, name)
	}
}

func checkFunctionLengths(t *testing.T, fset *token.FileSet, file *ast.File) {
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		from, to := fset.Position(fn.Pos()), fset.Position(fn.End())
		if lines := to.Line - from.Line + 1; lines > functionLinesCap {
			t.Errorf("%s: function %s has %d lines, the cap is %d", from, fn.Name.Name, lines, functionLinesCap)
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, name := range trackedFiles(t) {
		if filepath.Ext(name) != ".go" || strings.Contains(name, "/testdata/") {
			continue
		}
		folder := path.Dir(name)
		if slices.Contains(emptyNames, path.Base(folder)) {
			t.Errorf("%s: a package name that says nothing", folder)
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.HasSuffix(file.Name.Name, "_test") {
			continue
		}
		isDoc := file.Doc != nil && path.Base(name) == "doc.go"
		documented[folder] = documented[folder] || isDoc || (file.Doc != nil && file.Name.Name == "main")
	}
	for folder, ok := range documented {
		if !ok {
			t.Errorf("%s: no package documentation: add a doc.go that says what it is, its model and its limits", folder)
		}
	}
}

func TestTree(t *testing.T) {
	binaryBytes := 0
	for _, name := range trackedFiles(t) {
		top, _, inFolder := strings.Cut(name, "/")
		if inFolder && !strings.HasPrefix(top, ".") && !slices.Contains(topFolders, top) {
			t.Errorf("%s: %s is not one of the top-level folders %v", name, top, topFolders)
		}
		content := readFile(t, name)
		if bytes.IndexByte(content, 0) >= 0 {
			binaryBytes += len(content)
			if !strings.Contains(name, "/testdata/") {
				t.Errorf("%s: a binary file outside testdata", name)
			}
			continue
		}
		for _, word := range forbiddenWords() {
			if bytes.Contains(content, []byte(word)) {
				t.Errorf("%s: contains %q, which does not belong in the repository", name, word)
			}
		}
	}
	if binaryBytes > binaryBytesCap {
		t.Errorf("binary test data: %d bytes, the cap is %d: make it at test time", binaryBytes, binaryBytesCap)
	}
}

// The README shows what was measured, as it was published.
func TestReadmeShowsTheResults(t *testing.T) {
	readme := readFile(t, "README.md")
	for row := range bytes.Lines(readFile(t, "bench/results/table.md")) {
		if bytes.HasPrefix(row, []byte("|")) && !bytes.Contains(readme, row) {
			t.Errorf("README.md lacks a row of bench/results/table.md, which `make results` writes: %s", row)
		}
	}
}

// forbiddenWords are host names of package registries, which are reached only
// through their clients' own settings. They are put together here so that this
// file does not contain them.
func forbiddenWords() []string {
	return []string{
		"proxy." + "golang.org", "sum." + "golang.org", "registry." + "npmjs.org", "deb." + "debian.org",
	}
}

// trackedFiles returns the files git tracks, or would track, relative to the
// root and in order. Without git there is nothing to say about the tree.
func trackedFiles(t *testing.T) []string {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("not supported: the tree is not a git checkout: %v", err)
	}
	var names []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(root(t), name)); err == nil {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatal("git tracks no files")
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func readFile(t *testing.T, name string) []byte {
	content, err := os.ReadFile(filepath.Join(root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func root(t *testing.T) string {
	dir, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
