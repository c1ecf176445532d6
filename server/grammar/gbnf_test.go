package grammar

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

func TestGBNF(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 50)
	for _, test := range []struct {
		name, grammar string
		yes, not      []string
	}{
		{"text", `root ::= "yes" | "no"`, []string{"yes", "no"}, []string{"", "yesno", "ye"}},
		{"comments and lines", "# head\n\nroot ::= # the text\n  a |\n  b\na ::= \"x\" # tail\nb ::= \"y\"", []string{"x", "y"}, []string{"xy"}},
		{"lines that begin with a bar", "root ::= \"a\"\n  | \"b\"\r\n\t| c\nc ::= \"c\"\n", []string{"a", "b", "c"}, []string{"d"}},
		{"group over lines", "root ::= (\n  \"a\"\n  \"b\" |\n  \"c\"\n)+ \"!\"", []string{"ab!", "cabc!"}, []string{"a!", "!"}},
		{"repetitions", `root ::= "a"? "b"* "c"+ "d"{2} "e"{1,} "f"{0,2}`, []string{"cdde", "abbccddeeeff"}, []string{"cde", "cddefff", "dde"}},
		{"many repetitions", `root ::= [0-9]{100,1000}`, []string{strings.Repeat("7", 100), strings.Repeat("7", 1000)}, []string{strings.Repeat("7", 99), strings.Repeat("7", 1001)}},
		{"a text is repeated whole", `root ::= "ab"{2}`, []string{"abab"}, []string{"abb"}},
		{"classes", `root ::= [a-cx] [^a-c\n] [\]\-\\] [.] [a-]`, []string{"axx]"[:1] + "z].-", "xé-.a", "b \\.-"}, []string{"aa].-", "dz].-", "a\n].-"}},
		{"escapes", `root ::= "\"\\\n\t\r\x41\u00e9\U0001F600"`, []string{"\"\\\n\t\rAé😀"}, []string{"A"}},
		{"any character", `root ::= . . "."`, []string{"éx.", "\n😀."}, []string{"e.", "\xff\xfe."}},
		{"characters beyond ASCII", `root ::= [ぁ-んァ-ヶ一-龯]+ "。"?`, []string{"日本。", "ひ"}, []string{"日a", "。"}},
		{"empty", `root ::= "" | "a" root`, []string{"", "aaa"}, []string{"b"}},
		{"empty alternative", `root ::= "a" ( | "b")`, []string{"a", "ab"}, []string{"b"}},
		{"names", `root ::= my-rule_2
my-rule_2 ::= "x"`, []string{"x"}, []string{""}},
		{"arithmetic", `root ::= (expr "=" [ ]* term "\n")+
expr ::= term ([-+*/] term)*
term ::= ident | num | "(" ws expr ")" ws
ident ::= [a-z] [a-z0-9_]* ws
num ::= [0-9]+ ws
ws ::= [ \t\n]*`, []string{"1+2=3\n", "(a +1)*2 = b\nx=1\n"}, []string{"1+=3\n", "(1=1\n"}},
		{"list", `root ::= item+
item ::= "- " [^\r\n\x0b\x0c\x85\u2028\u2029]+ "\n"`, []string{"- a\n- b\n"}, []string{"- \n", "- a"}},
		{"ambiguous", `root ::= ("a" | "aa" | "aaa")* "b"`, []string{"aaaaab", "b"}, []string{"aaa"}},
		{"right recursion", `root ::= "a" root | "b"`, []string{strings.Repeat("a", 5000) + "b"}, []string{"a"}},
		{"center recursion", `root ::= "(" root ")" | "x"`, []string{strings.Repeat("(", 200) + "x" + strings.Repeat(")", 200)}, []string{"(x"}},
		{"repeated and empty", `root ::= (a* b?)* "x"
a ::= "a"?
b ::= "b" | ""`, []string{"x", "abbax"}, []string{"c"}},
		{"what never ends is left out", `root ::= "a" | "b" loop
loop ::= "c" loop`, []string{"a"}, []string{"b"}},
		{"json", `root ::= object
value ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}`, []string{`{"a": [1, 2.5e3, {}], "b": "é\n"}`, "{\n}"}, []string{`[]`, `{"a"}`, `{"a":1,}`}},
		{"chess", `root ::= "1. " move " " move "\n" ([1-9] [0-9]? ". " move " " move "\n")+
move ::= (pawn | nonpawn | castle) [+#]?
nonpawn ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
pawn ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])?
castle ::= "O-O" "-O"?`, []string{"1. e4 e5\n2. Nf3 Nc6\n"}, []string{"1. e9 e5\n", "1. e4 e5\n"}},
	} {
		g := compiled(t, v, grammarForm(test.grammar))
		for _, s := range test.yes {
			if !accepts(g, s) {
				t.Errorf("%s: %.80q is refused", test.name, s)
			}
		}
		for _, s := range test.not {
			if accepts(g, s) {
				t.Errorf("%s: %.80q is accepted", test.name, s)
			}
		}
	}
}

func TestGBNFFaults(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	for _, test := range []struct{ grammar, what string }{
		{``, `no rule "root"`},
		{`a ::= "x"`, `no rule "root"`},
		{"root ::= a\n", `line 1, column 10: the rule "a" is not defined: define it`},
		{"root ::= \"a\"\nroot ::= \"b\"", `line 2, column 1: the rule "root" is defined twice`},
		{"root = \"a\"", `line 1, column 6: ::= is expected after the name "root", not '='`},
		{"root ::= \"a", `line 1, column 10: the text in quotes does not end`},
		{"root ::= \"é\" [a", `line 1, column 14: the class does not end`},
		{"root ::= (\"a\"", `")" is expected, not the end`},
		{"root ::= \"a\" )", `line 1, column 14: the end of the rule "root" is expected, not ')'`},
		{`root ::= "\q"`, `\ and 'q' is no escape`},
		{`root ::= "\x4"`, `needs 2 hexadecimal digits`},
		{`root ::= "\ud800"`, `U+D800 is no character`},
		{`root ::= [z-a]`, `ends before it begins`},
		{`root ::= "a"{3,2}`, `at least 3 and at most 2`},
		{`root ::= "a"{99999999}`, `too many: at most 1048576`},
		{`root ::= "a"{x}`, `a number is expected, not 'x'`},
		{`root ::= "a"{1`, `"}" is expected, not the end`},
		{`root ::= *`, `the end of the rule "root" is expected, not '*'`},
		{"root ::= \"x\"\na ::= a \"b\" | \"c\"", `line 2, column 1: left recursion: a → a`},
		{"root ::= e root | \"x\"\ne ::= \"\"", `left recursion: root → root`},
		{"root ::= a\na ::= b \"x\" | \"z\"\nb ::= \"y\"? a", `left recursion: a → b → a`},
		{"root ::= \"a\" root", `line 1, column 1: the rule root derives no finite text`},
		{"root ::= (\"a\"?){0,1000}", `repeats what may be empty up to 1000 times`},
		{"root ::= " + strings.Repeat("(", 100), `groups nest more than 64 deep`},
		{"root ::= \"a\"" + strings.Repeat("*", 100), `repeated and repeated again`},
		{"root ::= <think>", `line 1, column 10: <think>: it is no token that can be named here`},
		{"root ::= <[99999]>", `outside the vocabulary of `},
		{"root ::= <[256]>", `it ends a generation`},
		{"root ::= <[x]>", `it is no token`},
		{"root ::= <think", `does not end: close it with >`},
		{"root ::= !<think>", `all tokens but one cannot be named`},
		{"root ::= \"\xff\"", `not UTF-8`},
		{"root ::= \"a\"; ", `the end of the rule "root" is expected, not ';'`},
		{"root ::= \"" + strings.Repeat("a", 300_000) + "\"", "longer than 262144 bytes: shorten it"},
		{"root ::= " + strings.Repeat("[^a] ", 40_000), "more than 262144 instructions"},
	} {
		g, err := Compile(t.Context(), ask.Format{Kind: ask.FormatGrammar, Source: test.grammar}, v)
		f, ok := err.(*ask.Fault)
		if !ok || g != nil || !strings.Contains(f.Error(), test.what) || f.Kind != ask.InvalidValue || f.Param != "grammar" {
			t.Errorf("%.60q: %v", test.grammar, err)
		}
	}
}

// A grammar with more ways than are followed allows less, never more, and goes on.
func TestAmbiguousBeyondBounds(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 200)
	source := "root ::= r0 \"!\"\n"
	for i := range 16 {
		n := string(rune('a' + i))
		next := string(rune('a' + i + 1))
		source += "r" + n + " ::= r" + next + " \"x\" | r" + next + " \"y\" | r" + next + " r" + next + "\n"
	}
	source += "rq ::= [xy]\n"
	source = strings.Replace(source, "r0", "ra", 1)
	g := compiled(t, v, grammarForm(source))
	m := g.Matcher()
	random := rand.New(rand.NewPCG(9, 9))
	for range 30 {
		bits := m.Allowed()
		var allowed []ask.Token
		for i := range v.size {
			if token := ask.Token(i); bits[i/64]&(1<<(i%64)) != 0 && (!v.isEnd(token) || m.CanEnd()) {
				if !v.isEnd(token) && strings.Trim(string(v.text(token)), "xy!") != "" {
					t.Fatalf("%q is allowed", v.text(token))
				}
				allowed = append(allowed, token)
			}
		}
		if len(allowed) == 0 {
			t.Fatal("nothing is allowed")
		}
		m.Accept(allowed[random.IntN(len(allowed))])
	}
}
