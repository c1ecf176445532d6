package source

import "fmt"

// declarations declare something that holds an object.
var declarations = []func(g *generator) held{
	func(g *generator) held {
		k := g.name()
		g.line("n%d, i%d := p.Make()", k, k)
		return held{fmt.Sprintf("stage.Check(n%d, i%d)", k, k), fmt.Sprintf("n%d, i%d = p.Make()", k, k)}
	},
	func(g *generator) held { // a struct with room, by itself or by its address
		k := g.name()
		g.line("var s%d struct {\nroom [%d]byte\nn *stage.Node\nid uint64\n}", k, g.dice.IntN(600))
		name := fmt.Sprintf("s%d", k)
		if g.dice.IntN(2) == 0 {
			name = fmt.Sprintf("q%d", k)
			g.line("%s := &s%d", name, k)
		}
		g.line("%s.n, %s.id = p.Make()", name, name)
		return held{fmt.Sprintf("stage.Check(s%d.n, s%d.id)", k, k), fmt.Sprintf("%s.n, %s.id = p.Make()", name, name)}
	},
	func(g *generator) held { // an array, at a place that is not known
		k, size := g.name(), 2+g.dice.IntN(40)
		g.line("var a%d [%d]*stage.Node\nvar j%d [%d]uint64\nk%d := p.Draw(%d)", k, size, k, size, k, size)
		fill := fmt.Sprintf("a%d[k%d], j%d[k%d] = p.Make()", k, k, k, k)
		g.line("%s", fill)
		return held{fmt.Sprintf("stage.Check(a%d[k%d], j%d[k%d])", k, k, k, k), fill}
	},
	func(g *generator) held { // a slice that grows, of which the end is kept
		k := g.name()
		g.line("l%d := []pair{}\nfor range p.Times(9) {\nl%d = append(l%d, pairOf(p.Make()))\n}", k, k, k)
		g.line("l%d = l%d[len(l%d)/2:]", k, k, k)
		return held{fmt.Sprintf("take(l%d...)", k), fmt.Sprintf("l%d = append(l%d[:0:0], pairOf(p.Make()))", k, k)}
	},
	func(g *generator) held { // a map
		k := g.name()
		g.line("m%d := map[uint64]*stage.Node{}\nfor range p.Times(10) {\nn, id := p.Make()\nm%d[id] = n\n}", k, k)
		return held{fmt.Sprintf("for id, n := range m%d {\nstage.Check(n, id)\n}", k), fmt.Sprintf("clear(m%d)", k)}
	},
	func(g *generator) held { // an interface
		k := g.name()
		g.line("var x%d any = pairOf(p.Make())", k)
		return held{fmt.Sprintf("take(x%d.(pair))", k), fmt.Sprintf("x%d = pairOf(p.Make())", k)}
	},
	func(g *generator) held { // a pointer into the middle
		k := g.name()
		g.line("h%d, i%d := middle(p)", k, k)
		return held{fmt.Sprintf("stage.CheckMiddle(h%d, i%d)", k, k), fmt.Sprintf("h%d, i%d = middle(p)", k, k)}
	},
	func(g *generator) held { // a method's value
		k := g.name()
		g.line("f%d := (%spair{}).with(p.Make()).check", k, g.maybe("&"))
		return held{fmt.Sprintf("f%d()", k), ""}
	},
	func(g *generator) held { // a coroutine that has given one object
		k := g.name()
		g.line("next%d, stop%d := iter.Pull2(pairs(p.Fork(), depth))\ndefer stop%d()\nn%d, i%d, _ := next%d()", k, k, k, k, k, k)
		return held{fmt.Sprintf("stage.Check(n%d, i%d)", k, k),
			fmt.Sprintf("if n, id, ok := next%d(); ok {\nn%d, i%d = n, id\n}", k, k, k)}
	},
}

func (g *generator) maybe(text string) string {
	if g.dice.IntN(2) == 0 {
		return text
	}
	return ""
}

type statement = func(g *generator, scope []held, nesting int)

// statements have blocks in them.
var statements []statement

func init() { // blocks have statements in them
	statements = append(branches(), functions()...)
}

// branches are statements with blocks that are the function's.
func branches() []statement {
	return []statement{
		func(g *generator, scope []held, nesting int) {
			g.line("if p.Draw(2) == 0 {")
			g.block(scope, nesting)
			if g.dice.IntN(2) == 0 {
				g.line("} else {")
				g.block(scope, nesting)
			}
			g.line("}")
		},
		func(g *generator, scope []held, nesting int) {
			g.line("for range p.Times(3) {")
			g.loop(scope, nesting, "")
		},
		func(g *generator, scope []held, nesting int) { // over a function
			k := g.name()
			g.line("for n%d, i%d := range pairs(p, depth-1) {", k, k)
			check := fmt.Sprintf("stage.Check(n%d, i%d)", k, k)
			g.loop(append(scope[:len(scope):len(scope)], held{check: check}), nesting, check)
		},
		func(g *generator, scope []held, nesting int) {
			g.line("switch p.Draw(4) {")
			for i := range 3 {
				g.line("case %d:", i)
				g.block(scope, nesting)
			}
			g.line("}")
		},
	}
}

// functions are statements with blocks that are functions of their own.
func functions() []statement {
	return []statement{
		func(g *generator, scope []held, nesting int) { // a closure, called now or twice
			k := g.name()
			g.line("c%d := func() {", k)
			g.body(scope, nesting)
			g.line("}")
			g.down()
			g.line("c%d()", k)
			if g.dice.IntN(3) == 0 {
				g.line("p.Down(depth - 1)\nc%d()", k)
			}
		},
		func(g *generator, scope []held, nesting int) { // a deferred one
			g.line("defer func() {")
			g.body(scope, nesting)
			g.line("}()")
		},
		func(g *generator, scope []held, nesting int) { // a panic
			k := g.name()
			g.line("func() {\ndefer func() {\nv%d := recover()", k)
			g.down()
			g.line("take(v%d.(pair))\n}()", k)
			g.straight(scope, nesting)
			g.line("panic(pairOf(p.Make()))\n}()")
		},
		func(g *generator, scope []held, nesting int) { // a generic function's argument
			g.line("hold(pairOf(p.Make()), func() {")
			g.body(scope, nesting)
			g.line("}, func(v pair) { take(v) })")
		},
		func(g *generator, scope []held, nesting int) { // a goroutine, and what it sends
			k := g.name()
			g.line("ch%d, p%d := make(chan pair), p.Fork()", k, k)
			g.line("go func(p *stage.Player, v pair) {\np.Down(%d)\ntake(v)\nch%d <- pairOf(p.Make())\n}(p%d, pairOf(p.Make()))", g.dice.IntN(12), k, k)
			g.straight(scope, nesting)
			g.line("take(<-ch%d)", k)
		},
		func(g *generator, scope []held, nesting int) { // through C, if there is a compiler for it
			if !g.cgo {
				g.line("p.Callback(func() {")
			} else {
				g.line("throughC(func() {")
			}
			// No coroutine is switched to in there: that needs the thread's locks to
			// be as they were when it was made.
			var fixed []held
			for _, h := range scope {
				fixed = append(fixed, held{check: h.check})
			}
			g.body(fixed, nesting)
			g.line("})")
		},
	}
}

// straight writes a block that is not left before its end.
func (g *generator) straight(scope []held, nesting int) {
	g.apart(scope, nesting, false)
}

// loop writes a loop's block, and what is last in it.
func (g *generator) loop(scope []held, nesting int, last string) {
	inLoop := g.inLoop
	g.inLoop = true
	g.block(scope, nesting)
	g.inLoop = inLoop
	g.line("%s\n}", last)
}
