package stage

import (
	"slices"
	"sync"
)

// frames are the shapes that the package has. Each is a function of its own,
// never inlined, so that it has a frame and stack maps of its own.
var frames = []Shape{
	local, locals, array, wide, stackObject, stackList, interior, sliceTail, textOnly, inInterface, inMap,
	inClosure, inEscapedClosure, methodValue, openDefer, loopDefers, deferredPark, temporaries, named, namedByDefer,
	recovered, rethrown, panicsThroughMany, goStatement, generic[uint64], generic[letter], variadic, rangeOverFunc,
	again, swapped, fromPool, result, struct1, nilOut,
}

//go:noinline
func local(p *Player, depth int) {
	n, id := p.Make()
	p.Down(depth)
	Check(n, id)
}

//go:noinline
func locals(p *Player, depth int) {
	a, i := p.Make()
	b, j := p.Make()
	c, k := p.Make()
	d, l := p.Make()
	p.Down(depth)
	Check(a, i) // from here on a is dead, and b is not
	p.Down(depth - 1)
	Check(b, j)
	e, m := p.Make()
	p.Down(depth - 2)
	Check(c, k)
	Check(d, l)
	Check(e, m)
}

//go:noinline
func array(p *Player, depth int) {
	var nodes [64]*Node
	var ids [64]uint64
	at := p.Draw(len(nodes))
	for i := range 1 + p.Draw(5) {
		nodes[(at+i)%len(nodes)], ids[(at+i)%len(nodes)] = p.Make()
	}
	p.Down(depth)
	for i, n := range nodes {
		if n != nil {
			Check(n, ids[i])
		}
	}
}

// wide has a frame of four kilobytes, with a pointer at each end.
//
//go:noinline
func wide(p *Player, depth int) {
	var room struct {
		first *Node
		bytes [4096]byte
		last  *Node
	}
	var i, j uint64
	room.first, i = p.Make()
	room.last, j = p.Make()
	room.bytes[p.Draw(len(room.bytes))] = 1
	p.Down(depth)
	if sum := slices.Max(room.bytes[:]); sum != 1 {
		Fail("a frame's bytes are spoilt")
	}
	Check(room.first, i)
	Check(room.last, j)
}

type pair struct {
	node *Node
	id   uint64
	next *pair
}

//go:noinline
func (b *pair) fill(p *Player) { b.node, b.id = p.Make() }

//go:noinline
func (b *pair) check() {
	for ; b != nil; b = b.next {
		Check(b.node, b.id)
	}
}

// stackObject has an object on the stack whose address is taken.
//
//go:noinline
func stackObject(p *Player, depth int) {
	var b pair
	b.fill(p)
	p.Down(depth)
	b.check()
}

// stackList has a list of objects on the stack, of which only the first is
// pointed to by a local.
//
//go:noinline
func stackList(p *Player, depth int) {
	var a, b, c pair
	a.fill(p)
	b.fill(p)
	c.fill(p)
	first := &a
	if p.Draw(2) == 0 {
		a.next = &b
	}
	b.next = &c
	p.Down(depth)
	first.check()
}

//go:noinline
func interior(p *Player, depth int) {
	n, id := p.Make()
	m := n.Middle()
	p.Down(depth)
	CheckMiddle(m, id)
}

// sliceTail keeps the end of an array that is on the heap.
//
//go:noinline
func sliceTail(p *Player, depth int) {
	nodes := make([]*Node, 3+p.Draw(30))
	n, id := p.Make()
	nodes[len(nodes)-1] = n
	tail := nodes[len(nodes)-1:]
	p.Down(depth)
	Check(tail[0], id)
}

//go:noinline
func textOnly(p *Player, depth int) {
	id := p.ID()
	text := string(pattern(mix(id)))
	bytes := pattern(mix(id))
	if len(text) > 2 {
		text, bytes = text[1:], bytes[:len(bytes)-1]
	}
	p.Down(depth)
	want := string(pattern(mix(id)))
	if len(want) > 2 && (text != want[1:] || string(bytes) != want[:len(want)-1]) {
		Fail("text %#x is spoilt", id)
	}
}

//go:noinline
func inInterface(p *Player, depth int) {
	n, id := p.Make()
	var more any = n
	if p.Draw(2) == 0 {
		more = pair{node: n, id: id}
	}
	p.Down(depth)
	switch v := more.(type) {
	case *Node:
		Check(v, id)
	case pair:
		Check(v.node, v.id)
	default:
		Fail("an interface is spoilt")
	}
}

//go:noinline
func inMap(p *Player, depth int) {
	nodes := map[uint64]*Node{}
	for range 1 + p.Draw(12) {
		n, id := p.Make()
		nodes[id] = n
	}
	p.Down(depth)
	for id, n := range nodes {
		Check(n, id)
	}
}

//go:noinline
func inClosure(p *Player, depth int) {
	n, id := p.Make()
	check := func() { Check(n, id) }
	p.Down(depth)
	check()
	n, id = p.Make() // captured by reference
	p.Down(depth - 1)
	check()
}

//go:noinline
func closureOf(n *Node, id uint64) func() { return func() { Check(n, id) } }

//go:noinline
func inEscapedClosure(p *Player, depth int) {
	check := closureOf(p.Make())
	p.Down(depth)
	check()
}

//go:noinline
func methodOf(b *pair) func() { return b.check }

//go:noinline
func methodValue(p *Player, depth int) {
	b := &pair{}
	b.fill(p)
	check := methodOf(b)
	b = nil
	p.Down(depth)
	check()
}

//go:noinline
func generic[T any](p *Player, depth int) {
	var values [4]struct {
		node *Node
		room T
		id   uint64
	}
	for i := range values {
		values[i].node, values[i].id = p.Make()
	}
	p.Down(depth)
	for i := range values {
		Check(values[i].node, values[i].id)
	}
}

//go:noinline
func sum(down func(), nodes ...*Node) {
	down()
	for _, n := range nodes {
		Check(n, n.id)
	}
}

//go:noinline
func variadic(p *Player, depth int) {
	sum(func() { p.Down(depth) }, Make(p.ID()), Make(p.ID()), Make(p.ID()))
}

//go:noinline
func struct1(p *Player, depth int) {
	l := write(p.ID())
	p.Down(depth)
	l.read(l.id)
}

var pool = sync.Pool{New: func() any { return new(pair) }}

//go:noinline
func fromPool(p *Player, depth int) {
	b := pool.Get().(*pair)
	b.fill(p)
	p.Down(depth)
	b.check()
	*b = pair{}
	pool.Put(b)
}
