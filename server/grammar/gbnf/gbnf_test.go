package gbnf

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/grammar/syntax"
)

// What the rules of a grammar derive is tested with package grammar, which runs
// them.

func TestFaultsNameThePlace(t *testing.T) {
	for source, where := range map[string]string{
		"root ::= \"é\" [a\n":                       "line 1, column 14: ",
		"# é\n\nroot ::= a\n a ::= \"x":             "line 4, column 8: ",
		"root ::= a\na ::= \"x\" b\nb ::= c\nc ::=": "",
		"root ::= \"a\"\r\nroot ::= \"b\"":          "line 2, column 1: ",
	} {
		_, err := Compile(t.Context(), source, Names{})
		f, ok := errors.AsType[*ask.Fault](err)
		switch {
		case where == "" && err != nil:
			t.Errorf("%q: %v", source, err)
		case where != "" && (!ok || f.Param != "grammar" || !strings.HasPrefix(f.What, "grammar: "+where)):
			t.Errorf("%q: %v", source, err)
		}
	}
}

// Names that a grammar is given are used, and not defined again.
func TestNames(t *testing.T) {
	var g syntax.Grammar
	given := g.Rule("value")
	g.Define(given, syntax.Text("1"))
	names := Names{
		Grammar: &g, Rules: map[string]syntax.RuleID{"v": given},
		Token: func(name string) (string, error) {
			if name != "<x>" {
				return "", errors.New("no such token")
			}
			return "\xffx", nil
		},
	}
	p, err := Compile(t.Context(), `root ::= v <x>`, names)
	if err != nil || !p.Sets[p.Code[p.Code[p.Start].A].A].Has('1') {
		t.Errorf("%v", err)
	}
	for source, what := range map[string]string{
		"root ::= v\nv ::= \"2\"": `"v" is defined twice`,
		"root ::= <y>":            `<y>: no such token`,
	} {
		if _, err := Compile(t.Context(), source, Names{Grammar: new(syntax.Grammar), Rules: names.Rules, Token: names.Token}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%q: %v", source, err)
		}
	}
}

func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compile(ctx, `root ::= "a"`, Names{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"root ::= \"a\" | [b-c]{2,} # x\n", "root ::= ( a )*\na ::= . \"\\u00e9\"", "root ::= <[1]> | a | a\na::=\"\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := Compile(t.Context(), source, Names{})
		if err == nil {
			if int(p.Start) >= len(p.Code) || p.Classes < 1 || p.Classes > 256 {
				t.Errorf("%q: begins at %d of %d, %d classes", source, p.Start, len(p.Code), p.Classes)
			}
			return
		}
		if fault, ok := errors.AsType[*ask.Fault](err); !ok || fault.Kind != ask.InvalidValue {
			t.Errorf("%q: %v", source, err)
		}
	})
}
