package schedtrace

import (
	"strings"

	"golang.org/x/exp/trace"
)

// stackNames is what is wanted of a stack.
type stackNames struct {
	root  string // the outermost function: where the goroutine started
	top   string // the innermost that is not the runtime's or a system call's wrapper
	ccall bool   // the innermost is where Go calls C
}

// A stackTable remembers the names of stacks. A trace.Stack holds on to its
// generation's tables, so the entries live for one generation; names are copied, and
// each is kept once.
type stackTable struct {
	byStack map[trace.Stack]stackNames
	names   map[string]string
}

func newStackTable() stackTable {
	return stackTable{byStack: map[trace.Stack]stackNames{}, names: map[string]string{}}
}

// nextGeneration forgets stacks.
func (t *stackTable) nextGeneration() { clear(t.byStack) }

// intern returns a copy of name that does not hold on to a table of the reader's.
func (t *stackTable) intern(name string) string {
	if kept, ok := t.names[name]; ok {
		return kept
	}
	if len(t.names) >= maxNames {
		return "(a name too many)"
	}
	kept := strings.Clone(name)
	t.names[kept] = kept
	return kept
}

// of returns the names of a stack, all empty for none.
func (t *stackTable) of(s trace.Stack) stackNames {
	if s == trace.NoStack {
		return stackNames{}
	}
	if names, ok := t.byStack[s]; ok {
		return names
	}
	var n stackNames
	first := ""
	for frame := range s.Frames() {
		if n.root == "" {
			n.ccall = frame.Func == "runtime.cgocall"
			first = frame.Func
		}
		n.root = frame.Func
		if n.top == "" && !isPlumbing(frame.Func) {
			n.top = frame.Func
		}
	}
	if n.top == "" {
		n.top = first
	}
	n.root, n.top = t.intern(n.root), t.intern(n.top)
	if len(t.byStack) < maxStacks {
		t.byStack[s] = n
	}
	return n
}

// Bounds of what a trace can make the table hold. A program has some ten thousand
// functions, and a generation, a second of a program, some hundred stacks.
const (
	maxNames  = 1 << 18
	maxStacks = 1 << 16
)

// plumbing are packages of functions that say nothing about what a goroutine is at.
var plumbing = []string{"runtime.", "internal/runtime/", "syscall.", "internal/poll.", "sync.", "internal/sync."}

func isPlumbing(function string) bool {
	for _, p := range plumbing {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// isRuntime reports whether goroutines that start in function are the runtime's own.
func isRuntime(function string) bool {
	return strings.HasPrefix(function, "runtime.") && function != "runtime.main"
}
