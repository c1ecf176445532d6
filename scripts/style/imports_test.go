package style

import (
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/weirgo/weir/"

// order lists the folders from the ground up: a package imports only what
// stands before it, in its tests too. So there is no circle, not even one that
// needs a test file to close. "x" is the folder alone, "x/..." all that is
// below it as well, as one; the most exact entry is a folder's. A new folder
// gets an entry here, and by that its place in ARCHITECTURE.md.
var order = []string{
	"ggroup", "ggroup/...",
	"sched/cgroup", "sched/...",
	"sched/schedtrace/schedtracetest", "sched/schedtrace", "sched/schedtrace/plots",

	"iouring/internal/sys", "iouring/internal/...",
	"iouring",
	"iouring/fanout", "iouring/file",

	"server/internal/...",
	"server/ask",
	"server/record", "server/accesslog", "server/slow", "server/flight", "server/tracing",
	"server/sampling",
	"server/grammar/syntax", "server/grammar/...",
	// What serves one model in this process.
	"server/chat/jinja/jinjatest", "server/chat/jinja", "server/chat", "server/chat/calls",
	"server/gguf", "server/gguf/seeded", "server/gguf/hftokenizer", "server/gguf/tamper", "server/gguf/check",
	"server/engine", "server/engine/enginetest", "server/engine/llama/...",
	"server/arena", "server/text",
	"server/batch/...",
	"server/generate", "server/generate/local",
	// Between clients and generators.
	"server/wire", "server/wire/...",
	"server/generate/...", // those that speak to other servers do it in a dialect
	"server/plugin/...", "server/models", "server/qos", "server/tenants",
	"server/reply",
	"server/front", "server/front/...",
	"server", // tests of all of it, from end to end
	"server/attack",
	"server/cmd/...",

	"scripts/...",
	"bench/...",
}

// importRule forbids some imports that the order would allow.
type importRule struct {
	from   []string // folders, as in order
	except []string // of those
	no     []string
	why    string
}

// engines are what the front and the wire must be able to do without.
var engines = []string{
	"server/engine/...", "server/batch/...", "server/chat/...", "server/gguf/...", "server/text", "server/generate/local",
}

var importRules = []importRule{
	{
		from: []string{"server/front/...", "server/wire/...", "server/ask", "server/reply"},
		no:   engines,
		why:  "clients are served without knowing an engine: a generator stands between (server/generate)",
	},
	{
		from: []string{"server/...", "bench/..."},
		except: []string{
			"server/generate/local", "server/batch/...",
			"bench/...", // a benchmark may drive the loop itself
		},
		no:  []string{"server/batch/..."},
		why: "only server/generate/local turns requests into sequences of tokens",
	},
	{
		from: []string{"ggroup", "sched/...", "iouring/...", "server/...", "bench/..."},
		no:   []string{"scripts/..."},
		why:  "scripts are programs, not libraries",
	},
}

// matches reports whether a folder is one of a pattern's.
func matches(pattern, folder string) bool {
	if above, ok := strings.CutSuffix(pattern, "/..."); ok {
		return folder == above || strings.HasPrefix(folder, above+"/")
	}
	return folder == pattern
}

func anyMatches(patterns []string, folder string) bool {
	for _, p := range patterns {
		if matches(p, folder) {
			return true
		}
	}
	return false
}

// place returns a folder's index in the order, -1 if it has none.
func place(folder string) int {
	at, exact := -1, -1
	for i, p := range order {
		if !matches(p, folder) {
			continue
		}
		length := 2 * len(strings.TrimSuffix(p, "/..."))
		if !strings.HasSuffix(p, "/...") {
			length++ // the folder itself is more exact than all below it
		}
		if length > exact {
			at, exact = i, length
		}
	}
	return at
}

// forbidden says why one folder must not import another; "" if it may.
func forbidden(from, to string) string {
	if from == to {
		return "" // a test of the package from outside
	}
	switch upper, lower := place(from), place(to); {
	case upper < 0 || lower < 0:
		return "one of the two has no place in the order of folders (scripts/style)"
	case lower > upper:
		return to + " stands above it in the order of folders (scripts/style)"
	}
	for _, r := range importRules {
		if anyMatches(r.from, from) && !anyMatches(r.except, from) && anyMatches(r.no, to) {
			return r.why
		}
	}
	return ""
}

func TestImports(t *testing.T) {
	for _, name := range trackedFiles(t) {
		if filepath.Ext(name) != ".go" || strings.Contains(name, "/testdata/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), name), nil, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if to, ok := strings.CutPrefix(imported, modulePath); ok {
				if why := forbidden(path.Dir(name), to); why != "" {
					t.Errorf("%s must not import %s: %s", name, to, why)
				}
			}
		}
	}
}

// TestImportRules holds the rules against imports that they are about.
func TestImportRules(t *testing.T) {
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"server/batch", "sched/mailbox", true},
		{"server/front/http", "server/wire/openai", true},
		{"server/generate/local", "server/batch", true},
		{"server/generate/upstream", "server/wire/openai", true},
		{"server/engine/llama", "server/engine/llama/llamatest", true}, // one entry
		{"bench/c07", "server/batch", true},
		{"scripts/models", "server/gguf/seeded", true},
		{"server/cmd/weir", "server/front/grpc", true},
		{"server", "server/generate/local", true},

		{"ggroup", "sched/mailbox", false},
		{"sched/mailbox", "server/ask", false},
		{"iouring", "iouring/fanout", false},
		{"iouring/internal/sys", "iouring/internal/ring", false},
		{"server/gguf", "server/engine/llama/llamatest", false},
		{"server/ask", "server/wire", false},
		{"server/wire/openai", "server/engine", false},
		{"server/front/http", "server/generate/local", false},
		{"server/front", "server/gguf/seeded", false},
		{"server/reply", "server/text", false},
		{"server/reply", "server/batch", false},
		{"server/qos", "server/batch", false},
		{"server/cmd/weir", "scripts/goroot", false},
		{"bench/tax", "scripts/repeat", false},
		{"server/nowhere", "server/ask", false},
	} {
		if why := forbidden(c.from, c.to); (why == "") != c.allowed {
			t.Errorf("%s imports %s: allowed %v (%s)", c.from, c.to, !c.allowed, why)
		}
	}
}
