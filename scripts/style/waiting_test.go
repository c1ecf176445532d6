package style

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// sleepless are the folders whose tests wait for conditions and never for a
// time: with channels, testing/synctest, or by looking and yielding.
var sleepless = []string{
	"ggroup/...", "sched/...", "scripts/...",
	"server", "server/ask", "server/attack", "server/batch/...", "server/chat", "server/engine/...", "server/front/...", "server/generate/...",
	"server/gguf/...", "server/grammar/...", "server/reply", "server/text", "server/wire/...",
}

func TestTestsDoNotSleep(t *testing.T) {
	for _, name := range trackedFiles(t) {
		if !strings.HasSuffix(name, "_test.go") || !anyMatches(sleepless, path.Dir(name)) {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, filepath.Join(root(t), name), nil, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s:%d: time.Sleep: wait for the condition, or use testing/synctest", name, fset.Position(s.Pos()).Line)
				}
			}
			return true
		})
	}
}
