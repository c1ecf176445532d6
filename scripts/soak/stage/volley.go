package stage

import (
	"runtime"
	"sync"
	"sync/atomic"
)

const receiversMax = 400

// volley has many receivers park until what is on their stacks has been seen
// by some cycles, then sends to them all at once while cycles begin. A sender
// copies into a parked receiver's stack first and makes it ready afterwards; a
// cycle that begins in between meets a goroutine that has not run, with an
// object on its stack that was not there before, and nobody else has it.
func (p *Player) volley() {
	for range 1 + p.Draw(4) {
		count := 1 + p.Draw(receiversMax)
		v := &volley{base: p.ID() << 20, targets: make([]target, count)}
		form := p.Draw(len(receivers))
		v.done.Add(count)
		for i := range v.targets {
			v.targets[i] = target{nodes: make(chan *Node), letters: make(chan letter)}
			go receivers[form](v, i)
		}
		for cycles := 2 + p.Draw(3); cycles > 0; cycles-- {
			v.parked(p)
			runtime.GC()
		}
		v.fire(p, form)
		v.done.Wait()
	}
}

type volley struct {
	base    uint64
	targets []target
	ready   atomic.Int64 // receivers that are about to park
	done    sync.WaitGroup
}

type target struct {
	nodes   chan *Node
	letters chan letter
	ammo    *Node
	mail    letter
}

// parked gives the receivers time to have parked; some may be late.
func (v *volley) parked(p *Player) {
	for v.ready.Load() < int64(len(v.targets)) {
		runtime.Gosched()
	}
	n, id := p.Make()
	runtime.Gosched()
	Check(n, id)
}

// fire makes all objects first, so that between two sends there is little
// else, and holds none that was sent.
func (v *volley) fire(p *Player, form int) {
	for i := range v.targets {
		if form == formLetter {
			v.targets[i].mail = write(v.base + uint64(i))
		} else {
			v.targets[i].ammo = Make(v.base + uint64(i))
		}
	}
	var firing atomic.Bool
	var collectors sync.WaitGroup
	for range p.Draw(3) {
		delay := p.Draw(1000)
		collectors.Go(func() {
			for spins := 0; !firing.Load(); spins++ {
				if spins > 10_000 {
					runtime.Gosched()
				}
			}
			for range delay {
				firing.Load()
			}
			runtime.GC()
		})
	}
	runtime.Gosched()
	firing.Store(true)
	for i := range v.targets {
		t := &v.targets[i]
		if form == formLetter {
			t.letters <- t.takeMail()
		} else {
			t.nodes <- t.takeAmmo()
		}
	}
	collectors.Wait()
}

//go:noinline
func (t *target) takeAmmo() (n *Node) {
	n, t.ammo = t.ammo, nil
	return n
}

//go:noinline
func (t *target) takeMail() (l letter) {
	l, t.mail = t.mail, letter{}
	return l
}

// receivers are how a volley is awaited; formLetter is the one for letters.
var receivers = []func(v *volley, i int){
	awaitPointer, awaitLetter, awaitDeep, awaitSelect, awaitOverOld,
}

const formLetter = 1

func awaitPointer(v *volley, i int) {
	defer v.done.Done()
	v.ready.Add(1)
	Check(<-v.targets[i].nodes, v.base+uint64(i))
}

func awaitLetter(v *volley, i int) {
	defer v.done.Done()
	kept := Make(v.base)
	v.ready.Add(1)
	l := <-v.targets[i].letters
	l.read(v.base + uint64(i))
	Check(kept, v.base)
}

func awaitDeep(v *volley, i int) {
	defer v.done.Done()
	n := awaitBelow(v, i, i%40)
	Check(n, v.base+uint64(i))
}

//go:noinline
func awaitBelow(v *volley, i, depth int) *Node {
	kept := Make(v.base)
	var n *Node
	if depth > 0 {
		n = awaitBelow(v, i, depth-1)
	} else {
		v.ready.Add(1)
		n = <-v.targets[i].nodes
	}
	Check(kept, v.base)
	return n
}

func awaitSelect(v *volley, i int) {
	defer v.done.Done()
	v.ready.Add(1)
	select {
	case n := <-v.targets[i].nodes:
		Check(n, v.base+uint64(i))
	case l := <-v.targets[i].letters:
		l.read(v.base + uint64(i))
	}
}

// awaitOverOld waits with an object in the very variable that is written.
func awaitOverOld(v *volley, i int) {
	defer v.done.Done()
	n := Make(v.base)
	pointer := &n
	v.ready.Add(1)
	n = <-v.targets[i].nodes
	Check(*pointer, v.base+uint64(i))
}
