package grammar

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

// constraint is what package sampling asks of a matcher.
type constraint interface {
	Allowed() []uint64
	Accept(ask.Token)
}

var _ constraint = (*Matcher)(nil)

func accept(m *Matcher, text string) {
	for i := range len(text) {
		m.Accept(ask.Token(text[i]))
	}
}

func allows(m *Matcher, token ask.Token) bool {
	bits := m.Allowed()
	return bits == nil || bits[token/64]&(1<<(token%64)) != 0
}

func TestEnd(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	m := compiled(t, v, grammarForm(`root ::= "ab" "c"?`)).Matcher()
	accept(m, "a")
	if allows(m, endToken) || m.CanEnd() || allows(m, controlToken) || allows(m, 'c') || !allows(m, 'b') {
		t.Error("within the text")
	}
	accept(m, "b")
	if !allows(m, endToken) || !m.CanEnd() || !allows(m, 'c') {
		t.Error("where it may end")
	}
	m.Accept(endToken)
	if !allows(m, endToken) || allows(m, 'c') || !m.CanEnd() {
		t.Error("after the end")
	}
	m.Accept('c')
	if !allows(m, endToken) || allows(m, 'c') {
		t.Error("long after the end")
	}
}

// What was not allowed leaves the end alone.
func TestWrongToken(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	m := compiled(t, v, grammarForm(`root ::= "abc"`)).Matcher()
	for _, token := range []ask.Token{-1, 1 << 20} {
		if m.Accept(token); !allows(m, 'a') {
			t.Errorf("token %d is no token", token)
		}
	}
	m.Accept('x')
	if !allows(m, endToken) || allows(m, 'a') || allows(m, 'x') || m.CanEnd() {
		t.Error("after a token that was not allowed")
	}
}

// A vocabulary without a byte that is needed does not leave a generation without
// a token.
func TestMissingByte(t *testing.T) {
	texts := []string{"a", "b", "", "ab"}
	v := NewVocabulary(len(texts), func(dst []byte, t ask.Token) []byte { return append(dst, texts[t]...) }, func(t ask.Token) bool { return t == 2 })
	m := compiled(t, v, grammarForm(`root ::= "ab" "€"`)).Matcher()
	if bits := m.Allowed(); bits[0] != 1|1<<3 {
		t.Errorf("begin: %b", bits[0])
	}
	m.Accept(3)
	if bits := m.Allowed(); bits[0] != 1<<2 {
		t.Errorf("no way on: %b", bits[0])
	}
}

func TestTrigger(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	form := grammarForm(`root ::= "{" [0-9]+ "}"`)
	for _, test := range []struct {
		name    string
		trigger Trigger
		before  string
		holds   bool
	}{
		{"word", Trigger{Words: []string{"<call>", "<tool>"}}, "I <ca<call>", true},
		{"second word", Trigger{Words: []string{"<call>", "<tool>"}}, "<tool>", true},
		{"word in a word", Trigger{Words: []string{"abcd", "bc"}}, "xabc", true},
		{"no word", Trigger{Words: []string{"<call>"}}, "I <call x>{1", false},
	} {
		form.Trigger = test.trigger
		m := compiled(t, v, form).Matcher()
		for i := range len(test.before) {
			if !allows(m, ask.Token(test.before[i])) || m.Holds() {
				t.Fatalf("%s: %q is not free", test.name, test.before[:i])
			}
			m.Accept(ask.Token(test.before[i]))
		}
		if m.Holds() != test.holds {
			t.Errorf("%s: holds %v", test.name, m.Holds())
		}
		if test.holds {
			accept(m, "{12")
			if allows(m, 'x') || allows(m, endToken) || !allows(m, '}') {
				t.Errorf("%s: it does not hold", test.name)
			}
		} else if !allows(m, endToken) || !allows(m, controlToken) || !m.CanEnd() {
			t.Errorf("%s: it is not free", test.name)
		}
	}
}

func TestTriggerToken(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	form := grammarForm(`root ::= "x"`)
	form.Trigger.Tokens = []ask.Token{controlToken}
	m := compiled(t, v, form).Matcher()
	accept(m, "any")
	if m.Allowed() != nil {
		t.Error("not all is allowed before the trigger")
	}
	m.Accept(controlToken)
	if allows(m, 'y') || !allows(m, 'x') || allows(m, controlToken) {
		t.Error("after the trigger")
	}
	m = compiled(t, v, form).Matcher()
	if m.Accept(endToken); allows(m, 'x') || !allows(m, endToken) {
		t.Error("an end before the trigger")
	}
}

// A token that goes beyond a word goes on as the grammar says.
func TestTriggerWithinToken(t *testing.T) {
	texts := []string{"<c", ">x", ">y", ">", "x", "end", "", "<c>xx"}
	v := NewVocabulary(len(texts), func(dst []byte, t ask.Token) []byte { return append(dst, texts[t]...) }, func(t ask.Token) bool { return t == 5 })
	form := grammarForm(`root ::= "x"`)
	form.Trigger.Words = []string{"<c>"}
	m := compiled(t, v, form).Matcher()
	if bits := m.Allowed(); bits[0] != 1<<7-1 {
		t.Errorf("begin: %b", bits[0])
	}
	m.Accept(0)
	if bits := m.Allowed(); bits[0] != 1<<7-1-1<<2 {
		t.Errorf("within the word: %b", bits[0])
	}
	m.Accept(1)
	if bits := m.Allowed(); bits[0] != 1<<5 || !m.Holds() {
		t.Errorf("at the end: %b", bits[0])
	}
}

// JSON behind a thought may begin with blanks, and only there.
func TestBlanksBehindTrigger(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	for _, form := range []Form{{Format: ask.Format{Kind: ask.FormatJSON}}, schemaForm(`{"type":"object"}`)} {
		if m := compiled(t, v, form).Matcher(); allows(m, '\n') {
			t.Error("a blank is allowed before all")
		}
		form.Trigger.Words = []string{"</think>"}
		m := compiled(t, v, form).Matcher()
		accept(m, "hm</think>\n\n")
		if allows(m, '\n') || !allows(m, '{') || allows(m, endToken) {
			t.Error("two blanks, and then an object")
		}
	}
}

func TestTriggerFaults(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	for _, trigger := range []Trigger{
		{Words: []string{""}}, {Words: slices.Repeat([]string{"a"}, 65)}, {Words: []string{strings.Repeat("a", 5000)}},
	} {
		form := grammarForm(`root ::= "x"`)
		form.Trigger = trigger
		_, err := NewCompiler(v, Config{}).Compile(t.Context(), form)
		if f, ok := err.(*ask.Fault); !ok || f.Param != "trigger" {
			t.Errorf("%.40v: %v", trigger, err)
		}
	}
}

// A grammar that has forgotten what it knew says the same as before.
func TestForgets(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	v := toy(random, 100)
	g := compiled(t, v, schemaForm(`{"type":"array","items":{"type":"object","additionalProperties":{"type":"string","maxLength":50}}}`))
	m, other := g.Matcher(), g.Matcher()
	for n := range 300 {
		allowed := checkMask(t, m)
		if !slices.Equal(allowed, checkMask(t, other)) {
			t.Fatal("two at the same place differ")
		}
		token := allowed[random.IntN(len(allowed))]
		if token == endToken {
			break
		}
		m.Accept(token)
		other.Accept(token)
		if n%7 == 0 {
			g.own.Lock()
			g.begin()
			g.own.Unlock()
		}
	}
}

// A state that is moved to a new home allows what it did, with all its calls: here
// thousands of places within calls that they share.
func TestMovesDeepCalls(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 50)
	g := compiled(t, v, grammarForm("root ::= p \"!\"\np ::= [a-y] p [b-z] | [a-z] p [a-z] | [ab]?"))
	m := g.Matcher()
	for range 40 {
		for _, b := range []byte("ab") {
			m.state = g.step(m.state, b)
		}
	}
	before := m.state
	g.own.Lock()
	g.begin()
	after := g.moved(before)
	g.own.Unlock()
	if after.home == before.home || len(after.items) != len(before.items) || len(after.items) < 100 {
		t.Fatalf("%d places have become %d", len(before.items), len(after.items))
	}
	for range 100 {
		for b := range 256 {
			if before.next[g.program.ClassOf[b]].Load() != nil && g.step(before, byte(b)).dead() != g.step(after, byte(b)).dead() {
				t.Fatalf("%q after the move", byte(b))
			}
		}
		before, after = g.step(before, 'b'), g.step(after, 'b')
		if before.accepts != after.accepts || len(before.items) != len(after.items) {
			t.Fatal("the calls have changed")
		}
	}
}

// Many generations share one grammar.
func TestConcurrent(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(5, 5)), 100)
	form := schemaForm(`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array","items":{"type":"number"}}},"required":["a","b"]}`)
	form.Trigger.Words = []string{"{}"}
	c := NewCompiler(v, Config{})
	check, err := validator(form.Source)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			g, err := c.Compile(t.Context(), form)
			if err != nil {
				t.Error(err)
				return
			}
			random := rand.New(rand.NewPCG(6, uint64(i)))
			for range 20 {
				m := g.Matcher()
				accept(m, "so {}")
				if text := walk(t, m, random, 30); check(text) != nil {
					t.Errorf("%s is not valid", text)
				}
				g.own.Lock()
				g.begin()
				g.own.Unlock()
			}
		})
	}
	all.Wait()
}

func TestCompilerKeeps(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	c := NewCompiler(v, Config{Grammars: 2})
	get := func(source string) *Grammar {
		g, err := c.Compile(t.Context(), grammarForm(source))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	a, b := get(`root ::= "a"`), get(`root ::= "b"`)
	if get(`root ::= "a"`) != a {
		t.Error("the first is not kept")
	}
	get(`root ::= "c"`)
	if get(`root ::= "a"`) != a || get(`root ::= "b"`) == b {
		t.Error("the one used last is to be kept, not another")
	}
	if g, err := c.Compile(t.Context(), Form{}); g != nil || err != nil {
		t.Errorf("any text: %v, %v", g, err)
	}
}

// Large grammars are kept as far as their programs are not too large together.
func TestCompilerKeepsFewLarge(t *testing.T) {
	c := NewCompiler(toy(rand.New(rand.NewPCG(1, 1)), 0), Config{})
	const each = 150_000
	for i := range 2*keptCode/each + 1 {
		if _, err := c.Compile(t.Context(), grammarForm(fmt.Sprintf(`root ::= "%d%s"`, i, strings.Repeat("x", each)))); err != nil {
			t.Fatal(err)
		}
		code := 0
		for _, e := range c.kept {
			code += len(e.Value.(*entry).grammar.program.Code)
		}
		if code > keptCode || code != c.code || len(c.kept) != min(i+1, keptCode/each) {
			t.Fatalf("%d grammars with %d instructions are kept, %d are counted", len(c.kept), code, c.code)
		}
	}
}

// Who gives up is told so, waiting or compiling.
func TestCompileGivenUp(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 0)
	c := NewCompiler(v, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.places <- struct{}{} // another compiles
	for range 2 {
		_, err := c.Compile(ctx, grammarForm(`root ::= "a"`))
		if f, ok := err.(*ask.Fault); !ok || f.Kind != ask.Cancelled || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		select {
		case <-c.places:
		default:
		}
	}
}

// Schemas are rules of a grammar that frames them.
func TestSchemasInGrammar(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 50)
	form := grammarForm(`root ::= ("<call>{\"name\":\"f\",\"arguments\":" f "}</call>" | "g:" g) "\n"?`)
	form.Schemas = map[string][]byte{
		"f": []byte(`{"type":"object","properties":{"string":{"$ref":"#/$defs/s"}},"required":["string"],"$defs":{"s":{"type":"integer"}}}`),
		"g": []byte(`{"type":"boolean"}`),
	}
	g := compiled(t, v, form)
	for text, want := range map[string]bool{
		`<call>{"name":"f","arguments":{"string":1}}</call>`: true, "g:true\n": true, `g:1`: false,
		`<call>{"name":"f","arguments":{"string":"1"}}</call>`: false,
	} {
		if accepts(g, text) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
	form.Schemas["g"] = []byte(`{"not":{}}`)
	if _, err := NewCompiler(v, Config{}).Compile(t.Context(), form); err == nil || !strings.Contains(err.Error(), "g#/not: not is not supported") {
		t.Errorf("%v", err)
	}
}

// A token without text is allowed where a grammar names it, and nowhere else.
func TestNamedTokens(t *testing.T) {
	v := toy(rand.New(rand.NewPCG(1, 1)), 50)
	form := grammarForm(`root ::= <call> [^<]{1,3} <[257]>+ "!" <[97]>`)
	form.Tokens = map[string]ask.Token{"<call>": controlToken}
	m := compiled(t, v, form).Matcher()
	if allowed := checkMask(t, m); len(allowed) != 1 || allowed[0] != controlToken {
		t.Errorf("begin: %v", allowed)
	}
	m.Accept(controlToken)
	if allows(m, controlToken) || !allows(m, 'x') {
		t.Error("within a class")
	}
	m.Accept('x')
	if !allows(m, controlToken) || !allows(m, 'x') {
		t.Error("after a character")
	}
	m.Accept(controlToken)
	if !allows(m, controlToken) || allows(m, 'x') || !allows(m, '!') {
		t.Error("after the token")
	}
	accept(m, "!a")
	if !m.CanEnd() {
		t.Error("a token with text is its text")
	}
}
