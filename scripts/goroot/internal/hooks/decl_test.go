package hooks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const goSource = `// Package p.
package p

import "x"

// f does.
func f() {
}

func (t *T[K]) method() {}
func (t T) plain() { }
func (Pair[A, B]) two() {}

type T[K any] struct {
	a int
}

const (
	one = iota
	// two is next.
	two
)

var x, y = 1, 2
//line other.go:99
var _ = x
`

const asmSource = `#include "textflag.h"

TEXT ·mcall<ABIInternal>(SB), NOSPLIT, $0-8
	RET

TEXT runtime·gogo(SB), NOSPLIT, $0-8
	RET
TEXT internal∕runtime∕atomic·Load(SB), NOSPLIT, $0
	RET
TEXT local<>(SB), NOSPLIT, $0
`

func TestDecls(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"src/internal/p/p.go", goSource, "internal/p.f:6-8 internal/p.(*T).method:10-10 internal/p.T.plain:11-11 internal/p.Pair.two:12-12 " +
			"internal/p.T:14-16 internal/p.one:19-19 internal/p.two:20-21 internal/p.x:24-24 internal/p._:25-26"},
		{"src/runtime/asm.s", asmSource, "runtime.mcall:3-5 runtime.gogo:6-7 internal/runtime/atomic.Load:8-11"},
		{"src/p/broken.go", "package p\n\nfunc a() {}\n\nfunc b( {\n", "p.a:3-3"},
		{"src/p/nothing.go", "", ""},
		{"VERSION", "go1\n", ""},
	} {
		var got []string
		for _, d := range Decls(c.name, []byte(c.source)) {
			got = append(got, fmt.Sprintf("%s:%d-%d", d.Symbol, d.First, d.Last))
		}
		if c.name == "src/p/broken.go" && len(got) > 1 {
			got = got[:1] // how much of the broken one is seen is the parser's
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, text, c.want)
		}
	}
}

func TestAt(t *testing.T) {
	decls := []Decl{{"a", 2, 4}, {"b", 6, 6}, {"c", 8, 9}}
	for lines, want := range map[[2]int][]string{
		{1, 1}: nil, {1, 2}: {"a"}, {5, 5}: nil, {4, 6}: {"a", "b"}, {3, 99}: {"a", "b", "c"}, {9, 9}: {"c"},
	} {
		if got := At(decls, lines[0], lines[1]); !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", lines, got, want)
		}
	}
}
