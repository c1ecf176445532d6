package stage

import (
	"runtime"
	"time"
)

// parks are the ways to wait. Each holds objects of its own while it does.
var parks []func(p *Player)

func init() { // some of them park again
	parks = []func(p *Player){
		// By channels, whose senders write to the waiter's stack.
		recvPointer, recvPointer, recvStruct, recvLarge, recvInterface, recvClosure, recvSeries, recvClosed,
		sendPointer, sendStruct, selectRecv, selectRecv, selectMany, selectSend, selectReflect, buffered,
		// By package sync.
		lockMutex, lockRW, waitCond, waitGroup, once,
		// By time and contexts.
		sleep, after, ticker, afterFunc, cancelled, deadline,
		// On coroutines, files, in C, and not at all.
		pull, pullNested, readPipe, readSocket, callback, sleepC,
		yields, computes, growAndShrink, children,
	}
}

// letter is a value with pointers of all kinds.
type letter struct {
	number uint64
	node   *Node
	list   []*Node
	text   string
	check  func() uint64
	more   any
	middle *Middle
	id     uint64
}

// write makes a letter that holds what nobody else does.
//
//go:noinline
func write(id uint64) letter {
	n := Make(id)
	return letter{
		number: id, node: Make(id), list: []*Node{nil, Make(id)}, text: string(pattern(mix(id))),
		check: func() uint64 { Check(n, id); return id }, more: Make(id), middle: Make(id).Middle(), id: id,
	}
}

func (l *letter) read(id uint64) {
	if l.number != id || l.id != id || len(l.list) != 2 || l.text != string(pattern(mix(id))) || l.check() != id {
		Fail("letter %#x is spoilt", id)
	}
	Check(l.node, id)
	Check(l.list[1], id)
	Check(l.more.(*Node), id)
	CheckMiddle(l.middle, id)
}

func recvPointer(p *Player) {
	id, ch := p.ID(), make(chan *Node)
	p.cue(func() { ch <- Make(id) })
	Check(<-ch, id)
}

func recvStruct(p *Player) {
	id, ch := p.ID(), make(chan letter)
	p.cue(func() { ch <- write(id) })
	l := <-ch
	if p.Draw(2) == 0 {
		p.park() // with what was sent
	}
	l.read(id)
}

func recvLarge(p *Player) {
	id, ch := p.ID(), make(chan [20]*Node)
	p.cue(func() {
		ch <- [20]*Node{1: Make(id), 10: Make(id + 1<<40), 19: Make(id + 1<<41)}
	})
	all := <-ch
	Check(all[1], id)
	Check(all[10], id+1<<40)
	Check(all[19], id+1<<41)
}

func recvInterface(p *Player) {
	id, ch := p.ID(), make(chan any)
	p.cue(func() { ch <- Make(id) })
	more, ok := <-ch
	if !ok {
		Fail("a channel that nobody closed is closed")
	}
	Check(more.(*Node), id)
}

func recvClosure(p *Player) {
	id, ch := p.ID(), make(chan func())
	p.cue(func() {
		n := Make(id)
		ch <- func() { Check(n, id) }
	})
	(<-ch)()
}

// recvSeries gets one object after the other into the same variable.
func recvSeries(p *Player) {
	ch := make(chan *Node)
	first := p.ID() << 20
	count := uint64(1 + p.Draw(4))
	var send func(i uint64)
	send = func(i uint64) {
		if i == count {
			close(ch)
			return
		}
		ch <- Make(first + i)
	}
	p.cue(func() { send(0) })
	i := uint64(0)
	for n := range ch {
		Check(n, first+i)
		i++
		p.cue(func() { send(i) })
	}
	if i != count {
		Fail("%d objects were received, %d were sent", i, count)
	}
}

// recvClosed waits with a variable that holds an object until close clears it.
func recvClosed(p *Player) {
	ch := make(chan *Node)
	n, id := p.Make()
	kept := n
	p.cue(func() { close(ch) })
	n, ok := <-ch
	if n != nil || ok {
		Fail("a closed channel gave an object")
	}
	Check(kept, id)
}

func sendPointer(p *Player) {
	id, ch := p.ID(), make(chan *Node)
	p.cue(func() { Check(<-ch, id) })
	ch <- Make(id)
}

func sendStruct(p *Player) {
	id, ch := p.ID(), make(chan letter)
	p.cue(func() {
		l := <-ch
		l.read(id)
	})
	ch <- write(id)
}

func selectRecv(p *Player) {
	id, a, b := p.ID(), make(chan *Node), make(chan letter)
	if p.Draw(2) == 0 {
		p.cue(func() { a <- Make(id) })
	} else {
		p.cue(func() { b <- write(id) })
	}
	select {
	case n := <-a:
		Check(n, id)
	case l := <-b:
		l.read(id)
	}
}

// selectMany waits with twelve cases, of which one comes true.
func selectMany(p *Player) {
	id := p.ID()
	var in [8]chan *Node
	var out [3]chan *Node
	for i := range in {
		in[i] = make(chan *Node)
	}
	for i := range out {
		out[i] = make(chan *Node)
	}
	if at := p.Draw(len(in) + len(out)); at < len(in) {
		p.cue(func() { in[at] <- Make(id) })
	} else {
		p.cue(func() { Check(<-out[at-len(in)], id) })
	}
	var n, m *Node
	select {
	case n = <-in[0]:
	case n = <-in[1]:
	case m = <-in[2]:
	case n = <-in[3]:
	case m = <-in[4]:
	case n = <-in[5]:
	case n = <-in[6]:
	case n = <-in[7]:
	case out[0] <- Make(id):
		return
	case out[1] <- Make(id):
		return
	case out[2] <- Make(id):
		return
	case <-(chan int)(nil):
	}
	if n == nil {
		n = m
	}
	Check(n, id)
}

func selectSend(p *Player) {
	id, a, b := p.ID(), make(chan *Node), make(chan any)
	if p.Draw(2) == 0 {
		p.cue(func() { Check(<-a, id) })
	} else {
		p.cue(func() { Check((<-b).(*Node), id) })
	}
	select {
	case a <- Make(id):
	case b <- Make(id):
	}
}

// buffered waits for room, then for a value from the buffer.
func buffered(p *Player) {
	id, ch := p.ID()<<20, make(chan *Node, 3)
	const count = 6
	p.cue(func() {
		for i := range uint64(count) {
			Check(<-ch, id+i)
		}
	})
	for i := range uint64(count) {
		ch <- Make(id + i)
	}
}

// yields gives the processor away until a cycle has passed.
func yields(p *Player) {
	n, id := p.Make()
	for before := collections(); collections() < before+1; {
		runtime.Gosched()
	}
	Check(n, id)
}

// computes is stopped anywhere.
func computes(p *Player) {
	n, id := p.Make()
	x := id
	for end := time.Now().Add(time.Duration(p.Draw(500)) * time.Microsecond); time.Now().Before(end); {
		for range 10_000 {
			x = x*6364136223846793005 + 1442695040888963407
		}
	}
	if x == 1 {
		n = nil
	}
	Check(n, id)
}

// growAndShrink grows the stack, then parks with little of it in use, so that
// a cycle may move it to a smaller one.
func growAndShrink(p *Player) {
	n, id := p.Make()
	if got := dig(20+p.Draw(200), n); got != n {
		Fail("object %#x came back as another", id)
	}
	recvPointer(p)
	sleep(p)
	Check(n, id)
}

//go:noinline
func dig(depth int, n *Node) *Node {
	var room [60]*Node
	room[depth%len(room)] = n
	if depth > 0 {
		return dig(depth-1, room[depth%len(room)])
	}
	return room[0]
}
