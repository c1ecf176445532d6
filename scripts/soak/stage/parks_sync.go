package stage

import (
	"context"
	"iter"
	"net"
	"os"
	"reflect"
	"sync"
	"time"
)

func lockMutex(p *Player) {
	var mu sync.Mutex
	mu.Lock()
	p.cue(mu.Unlock)
	n, id := p.Make()
	mu.Lock()
	Check(n, id)
}

func lockRW(p *Player) {
	var mu sync.RWMutex
	n, id := p.Make()
	switch p.Draw(3) {
	case 0:
		mu.Lock()
		p.cue(mu.Unlock)
		mu.RLock()
	case 1:
		mu.RLock()
		p.cue(mu.RUnlock)
		mu.Lock()
	case 2:
		mu.Lock()
		p.cue(mu.Unlock)
		mu.Lock()
	}
	Check(n, id)
}

func waitCond(p *Player) {
	var mu sync.Mutex
	c := sync.NewCond(&mu)
	var got *Node
	id := p.ID()
	all := p.Draw(2) == 0
	p.cue(func() {
		mu.Lock()
		defer mu.Unlock()
		got = Make(id)
		if all {
			c.Broadcast()
		} else {
			c.Signal()
		}
	})
	n, mine := p.Make()
	mu.Lock()
	for got == nil {
		c.Wait()
	}
	mu.Unlock()
	Check(got, id)
	Check(n, mine)
}

func waitGroup(p *Player) {
	var wg sync.WaitGroup
	wg.Add(2)
	p.cue(wg.Done)
	p.cue(wg.Done)
	n, id := p.Make()
	wg.Wait()
	Check(n, id)
}

// once waits for another goroutine that is inside of it.
func once(p *Player) {
	gate, inside := make(chan struct{}), make(chan struct{})
	id := p.ID()
	value := sync.OnceValue(func() *Node {
		n := Make(id)
		close(inside)
		<-gate
		return n
	})
	go func() { Check(value(), id) }()
	<-inside
	p.cue(func() { close(gate) })
	Check(value(), id)
}

func (p *Player) moment() time.Duration { return time.Duration(p.Draw(3000)) * time.Microsecond }

func sleep(p *Player) {
	n, id := p.Make()
	time.Sleep(p.moment())
	Check(n, id)
}

func after(p *Player) {
	n, id := p.Make()
	select {
	case <-time.After(p.moment()):
	case <-(chan *Node)(nil):
	}
	Check(n, id)
}

func ticker(p *Player) {
	t := time.NewTicker(time.Millisecond/2 + p.moment()/4)
	defer t.Stop()
	for range 1 + p.Draw(3) {
		n, id := p.Make()
		<-t.C
		Check(n, id)
	}
}

// afterFunc leaves an object to a timer alone, which hands it over.
func afterFunc(p *Player) {
	id, ch := p.ID(), make(chan *Node)
	n := Make(id)
	t := time.AfterFunc(p.moment(), func() { ch <- n })
	if p.Draw(4) == 0 && t.Stop() {
		t.Reset(p.moment())
	}
	Check(<-ch, id)
}

func cancelled(p *Player) {
	n, id := p.Make()
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), keyOf{}, n))
	done := make(chan struct{})
	context.AfterFunc(ctx, func() { close(done) })
	p.cue(func() { cancel(nil) })
	<-ctx.Done()
	<-done
	Check(ctx.Value(keyOf{}).(*Node), id)
}

type keyOf struct{}

func deadline(p *Player) {
	n, id := p.Make()
	ctx, cancel := context.WithTimeout(context.Background(), p.moment())
	defer cancel()
	<-ctx.Done()
	Check(n, id)
}

// pull parks inside of a coroutine, and between its values.
func pull(p *Player) {
	count := 1 + p.Draw(4)
	inside := p.Fork()
	next, stop := iter.Pull2(func(yield func(*Node, uint64) bool) {
		kept, id := inside.Make()
		for range count {
			if n, number := inside.Make(); !yield(n, number) {
				break
			}
			inside.park()
			Check(kept, id)
		}
		Check(kept, id)
	})
	defer stop()
	for range 1 + p.Draw(count) {
		n, id, ok := next()
		if !ok {
			Fail("a sequence ended early")
		}
		p.park()
		Check(n, id)
	}
}

// pullNested has frames on the coroutine's stack, and a second coroutine.
func pullNested(p *Player) {
	inside := p.Fork()
	next, stop := iter.Pull(func(yield func(*Node) bool) {
		n, id := inside.Make()
		inside.Down(inside.Draw(6))
		pull(inside)
		yield(n)
		Check(n, id)
	})
	n, ok := next()
	if !ok {
		Fail("a sequence ended early")
	}
	p.park()
	Check(n, n.id)
	stop()
}

// readPipe waits for the network poller.
func readPipe(p *Player) {
	r, w, err := os.Pipe()
	if err != nil {
		Fail("%v", err)
	}
	defer r.Close()
	p.cue(func() { w.Write([]byte{42}); w.Close() })
	n, id := p.Make()
	b := make([]byte, 8)
	if count, err := r.Read(b); count != 1 || err != nil || b[0] != 42 {
		Fail("a pipe gave %v, %v", b[:count], err)
	}
	Check(n, id)
}

// readSocket waits for a deadline, then for bytes.
func readSocket(p *Player) {
	a, b := net.Pipe()
	defer a.Close()
	n, id := p.Make()
	buffer := make([]byte, 100)
	a.SetReadDeadline(time.Now().Add(p.moment()))
	if _, err := a.Read(buffer); err == nil {
		Fail("nobody wrote, but something was read")
	}
	a.SetReadDeadline(time.Time{})
	p.cue(func() { b.Write([]byte{42}); b.Close() })
	if count, err := a.Read(buffer); count != 1 || err != nil || buffer[0] != 42 {
		Fail("a connection gave %v, %v", buffer[:count], err)
	}
	Check(n, id)
}

// selectReflect waits with cases that are on the heap.
func selectReflect(p *Player) {
	id, a, b := p.ID(), make(chan *Node), make(chan string)
	p.cue(func() { a <- Make(id) })
	_, v, _ := reflect.Select([]reflect.SelectCase{
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(b)},
		{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(a)},
	})
	Check(v.Interface().(*Node), id)
}

// children start with what only the go statement holds, and hand it back.
func children(p *Player) {
	back := make(chan *Node)
	ids := map[uint64]bool{}
	for range 1 + p.Draw(4) {
		child, id := p.Fork(), p.ID()
		ids[id] = true
		go func(n *Node) {
			child.Down(child.Draw(10))
			Check(n, id)
			back <- n
		}(Make(id))
	}
	for range len(ids) {
		n := <-back
		if !ids[n.id] {
			Fail("object %#x came back, which nobody had", n.id)
		}
		Check(n, n.id)
	}
}
