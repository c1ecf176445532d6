package source

import (
	"fmt"
	"go/format"
	"math/rand/v2"
	"strings"
)

const (
	framesMin, framesMax   = 4, 9 // frame functions of a program
	resultsMin, resultsMax = 2, 5 // functions that return an object
	nestingMax             = 3    // of blocks
	statementsMax          = 6    // of a block
)

// Program writes the program of a seed. With cgo it calls C that calls back,
// and needs a C compiler.
func Program(seed uint64, cgo bool) map[string][]byte {
	g := &generator{dice: rand.New(rand.NewPCG(seed, 0)), cgo: cgo}
	frames := framesMin + g.dice.IntN(framesMax-framesMin+1)
	results := resultsMin + g.dice.IntN(resultsMax-resultsMin+1)
	g.line("// Program %d.", seed)
	g.text.WriteString(prelude)
	for i := range results {
		g.callable = i
		g.resultFunction(i)
	}
	g.callable = results
	for i := range frames {
		g.line("\n//go:noinline\nfunc frame%d(p *stage.Player, depth int) {", i)
		g.inLoop, g.mayReturn = false, true
		g.block(nil, 0)
		g.line("}")
	}
	g.line("\nfunc main() {\nstage.Main(")
	for i := range frames {
		g.line("frame%d,", i)
	}
	g.line(")\n}")
	files := map[string][]byte{"main.go": formatted(g.text.String())}
	if cgo {
		files["call.go"], files["export.go"] = formatted(callsC), formatted(exported)
	}
	return files
}

func formatted(text string) []byte {
	b, err := format.Source([]byte(text))
	if err != nil {
		panic(fmt.Sprintf("source: wrote what is not Go: %v\n%s", err, text))
	}
	return b
}

// generator holds what a program is so far.
type generator struct {
	dice     *rand.Rand
	cgo      bool
	text     strings.Builder
	names    int // given so far
	callable int // functions with results that may be called here: earlier ones, so that none calls itself

	inLoop    bool // continue is allowed here
	mayReturn bool // return is, without a value
}

// held is something in scope that can be checked.
type held struct {
	check  string // the statement
	remake string // the statement that puts another object there; "" if there is none
}

func (g *generator) line(format string, args ...any) { fmt.Fprintf(&g.text, format+"\n", args...) }

// name returns a new number for names.
func (g *generator) name() int {
	g.names++
	return g.names
}

// block writes statements, then checks all that they declared.
func (g *generator) block(outer []held, nesting int) {
	scope := outer[:len(outer):len(outer)]
	for range 1 + g.dice.IntN(statementsMax) {
		scope = g.statement(scope, nesting)
	}
	if g.dice.IntN(2) == 0 {
		g.down()
	}
	own := scope[len(outer):]
	g.dice.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
	for _, h := range own {
		g.line("%s", h.check)
	}
}

// down goes deeper, or parks.
func (g *generator) down() { g.line("p.Down(depth - %d)", g.dice.IntN(3)) }

// statement writes one and returns what is in scope after it.
func (g *generator) statement(scope []held, nesting int) []held {
	switch roll := g.dice.IntN(10); {
	case roll < 4:
		return append(scope, declarations[g.dice.IntN(len(declarations))](g))
	case roll < 6 || nesting >= nestingMax:
		g.small(scope)
	default:
		statements[g.dice.IntN(len(statements))](g, scope, nesting+1)
	}
	return scope
}

// small writes a statement without blocks.
func (g *generator) small(scope []held) {
	switch g.dice.IntN(8) {
	case 0, 1, 2:
		g.down()
	case 3:
		if h, ok := g.one(scope); ok {
			g.line("%s", h.check)
		}
	case 4:
		if h, ok := g.one(scope); ok && h.remake != "" {
			g.line("%s", h.remake)
		}
	case 5:
		g.line("defer stage.Check(p.Make())")
	case 6:
		if g.callable > 0 {
			g.line("take(pairOf(p.Make()), pairOf(result%d(p, depth-1)), pairOf(p.Make()))", g.dice.IntN(g.callable))
		}
	case 7:
		switch {
		case g.inLoop:
			g.line("if p.Draw(6) == 0 {\ncontinue\n}")
		case g.mayReturn:
			g.line("if p.Draw(9) == 0 {\nreturn\n}")
		}
	}
}

// one draws something in scope.
func (g *generator) one(scope []held) (held, bool) {
	if len(scope) == 0 {
		return held{}, false
	}
	return scope[g.dice.IntN(len(scope))], true
}

// resultFunction writes a function with named results, which it may replace
// when it has returned.
func (g *generator) resultFunction(i int) {
	g.line("\n//go:noinline\nfunc result%d(p *stage.Player, depth int) (n *stage.Node, id uint64) {", i)
	g.inLoop, g.mayReturn = false, false
	g.line("n, id = p.Make()\nif p.Spent() {\nreturn n, id\n}")
	scope := []held{{check: "stage.Check(n, id)", remake: "n, id = p.Make()"}}
	if g.dice.IntN(2) == 0 {
		g.line("defer func() {")
		g.body(scope, nestingMax-1)
		g.line("n, id = p.Make()")
		g.down()
		g.line("}()")
	}
	g.block(scope, 1)
	if g.dice.IntN(2) == 0 {
		g.line("return\n}")
	} else {
		g.line("return n, id\n}")
	}
}

// body writes a block that is a function's own.
func (g *generator) body(scope []held, nesting int) {
	g.apart(scope, nesting, true)
}

// apart writes a block apart from the loop around it: no break leaves it;
// a return may leave it, or not.
func (g *generator) apart(scope []held, nesting int, mayReturn bool) {
	before, inLoop := g.mayReturn, g.inLoop
	g.inLoop, g.mayReturn = false, mayReturn
	g.block(scope, nesting)
	g.inLoop, g.mayReturn = inLoop, before
}
