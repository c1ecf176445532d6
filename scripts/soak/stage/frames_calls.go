package stage

import "iter"

//go:noinline
func openDefer(p *Player, depth int) {
	defer Check(p.Make())
	if p.Draw(2) == 0 {
		n, id := p.Make()
		defer func() { Check(n, id) }()
	}
	p.Down(depth)
}

// loopDefers makes records of defers that are on the heap.
//
//go:noinline
func loopDefers(p *Player, depth int) {
	for range 1 + p.Draw(6) {
		defer Check(p.Make())
	}
	p.Down(depth)
}

//go:noinline
func deferredPark(p *Player, depth int) {
	n, id := p.Make()
	defer Check(n, id)
	defer p.Down(depth - 1)
	p.Down(depth)
}

//go:noinline
func (p *Player) through(depth int) *Node {
	n, id := p.Make()
	p.Down(depth)
	Check(n, id)
	return n
}

//go:noinline
func three(a, b, c *Node, d any) uint64 {
	for _, n := range []*Node{a, b, c, d.(*Node)} {
		Check(n, n.id)
	}
	return a.id ^ b.id
}

// temporaries are arguments that are ready before a call that is another
// argument.
//
//go:noinline
func temporaries(p *Player, depth int) {
	three(Make(p.ID()), p.through(depth), Make(p.ID()), any(Make(p.ID())))
	if three(p.through(depth-1), Make(p.ID()), p.through(depth-2), any(Make(p.ID()))) == 0 {
		Fail("two objects have one number")
	}
}

//go:noinline
func (p *Player) results(depth int) (a *Node, i uint64, b *Node, j uint64) {
	a, i = p.Make()
	p.Down(depth)
	b, j = p.Make()
	p.Down(depth - 1)
	return
}

//go:noinline
func named(p *Player, depth int) {
	a, i, b, j := p.results(depth)
	p.Down(depth - 1)
	Check(a, i)
	Check(b, j)
}

//go:noinline
func (p *Player) deferredResult(depth int) (n *Node, id uint64) {
	defer func() {
		Check(n, id)
		n, id = p.Make()
		p.Down(depth - 1)
	}()
	n, id = p.Make()
	p.Down(depth)
	return n, id
}

//go:noinline
func namedByDefer(p *Player, depth int) {
	n, id := p.deferredResult(depth)
	Check(n, id)
}

// result hands an object up through a frame that keeps it nowhere.
//
//go:noinline
func result(p *Player, depth int) {
	Check(func() (*Node, uint64) {
		n, id := p.Make()
		defer p.Down(depth)
		return n, id
	}())
}

// thrown is what this package panics with.
type thrown struct {
	node *Node
	id   uint64
}

//go:noinline
func (p *Player) throws(depth int) {
	n, id := p.Make()
	p.Down(depth)
	panic(thrown{n, id})
}

// catch ends a panic of ours and reads what it carries, after a while.
func (p *Player) catch(depth int) {
	switch v := recover().(type) {
	case nil:
	case thrown:
		p.Down(depth)
		Check(v.node, v.id)
	default:
		panic(v)
	}
}

//go:noinline
func recovered(p *Player, depth int) {
	n, id := p.Make()
	func() {
		defer p.catch(depth - 1)
		p.throws(depth)
	}()
	p.Down(depth - 1)
	Check(n, id)
}

// rethrown parks in a deferred function while it panics, and replaces the
// panic by another.
//
//go:noinline
func rethrown(p *Player, depth int) {
	defer p.catch(0)
	defer func() {
		n, id := p.Make()
		p.Down(depth - 1)
		Check(n, id)
		p.throws(depth - 2)
	}()
	p.throws(depth)
}

//go:noinline
func (p *Player) manyDefers(levels, depth int) {
	n, id := p.Make()
	defer func() {
		if p.Draw(3) == 0 {
			p.park()
		}
		Check(n, id)
	}()
	for range p.Draw(3) {
		defer Check(p.Make())
	}
	if levels == 0 {
		p.throws(depth)
	}
	p.manyDefers(levels-1, depth)
}

//go:noinline
func panicsThroughMany(p *Player, depth int) {
	defer p.catch(depth - 1)
	p.manyDefers(p.Draw(12), depth)
}

// goStatement leaves an object to a goroutine that may not have begun.
//
//go:noinline
func goStatement(p *Player, depth int) {
	done := make(chan uint64)
	id := p.ID()
	go func(n *Node) {
		Check(n, id)
		done <- n.id
	}(Make(id))
	p.Down(depth)
	if got := <-done; got != id {
		Fail("a goroutine had object %#x, not %#x", got, id)
	}
}

func (p *Player) sequence(count int) iter.Seq2[*Node, uint64] {
	return func(yield func(*Node, uint64) bool) {
		kept, id := p.Make()
		for range count {
			if !yield(p.Make()) {
				break
			}
		}
		Check(kept, id)
	}
}

//go:noinline
func rangeOverFunc(p *Player, depth int) {
	outer, i := p.Make()
	for n, id := range p.sequence(1 + p.Draw(3)) {
		p.Down(depth)
		Check(n, id)
		if p.Draw(3) == 0 {
			defer Check(outer, i)
			break
		}
	}
	Check(outer, i)
}

// again has another object in the same slot each time it goes down.
//
//go:noinline
func again(p *Player, depth int) {
	var b pair
	for i := range 3 {
		b.fill(p)
		p.Down(depth - i)
		b.check()
	}
}

// swapped moves objects between slots while others are parked below.
//
//go:noinline
func swapped(p *Player, depth int) {
	a, i := p.Make()
	var b *Node
	var j uint64
	p.Down(depth)
	a, b, i, j = b, a, j, i
	p.Down(depth - 1)
	Check(b, j)
	a, i = p.Make()
	b = nil
	p.Down(depth - 2)
	Check(a, i)
}

// nilOut keeps an object in one of two slots.
//
//go:noinline
func nilOut(p *Player, depth int) {
	n, id := p.Make()
	var slots [2]*Node
	at := p.Draw(2)
	slots[at] = n
	n = nil
	p.Down(depth)
	slots[1-at], slots[at] = slots[at], nil
	p.Down(depth - 1)
	Check(slots[1-at], id)
}
