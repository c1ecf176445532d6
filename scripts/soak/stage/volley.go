package stage

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/weirgo/weir/ggroup"
)

const (
	receiversMax = 400
	cratesMax    = 150 // receivers of crates, whose stacks are large
)

// crate takes long to copy, so that a cycle is likely to begin meanwhile.
type crate [2000]*Node

// volley has many receivers park until what is on their stacks has been seen
// by some cycles, then sends to them all at once while cycles begin. A sender
// copies into a parked receiver's stack first and makes it ready afterwards; a
// cycle that begins in between, or before a receiver out of quota is allowed
// to run, meets a goroutine that has not run, with an object on its stack that
// was not there before, and nobody else has it.
func (p *Player) volley() {
	for range 1 + p.Draw(4) {
		form := min(p.Draw(2*len(receivers)), formCrate)
		count := 1 + p.Draw(receiversMax)
		if form == formCrate {
			count = 1 + p.Draw(cratesMax)
		}
		v := &volley{base: p.ID() << 20, targets: make([]target, count)}
		v.done.Add(count)
		group := v.hold(p)
		for i := range v.targets {
			v.targets[i] = target{nodes: make(chan *Node), letters: make(chan letter), crates: make(chan crate)}
			start(group, func() { receivers[form](v, i) })
		}
		for cycles := 2 + p.Draw(3); cycles > 0; cycles-- {
			v.parked(p)
			runtime.GC()
		}
		v.fire(p, form)
		v.held.Store(false)
		v.done.Wait()
		if group != nil {
			closeGroups([]*ggroup.Group{group})
		}
	}
}

// hold opens, half of the time, a group that is always out of quota: who is
// made ready in it does not run at once.
func (v *volley) hold(p *Player) *ggroup.Group {
	if p.Draw(2) == 0 {
		return nil
	}
	group := ggroup.New("volley", ggroup.WithCPUQuota(0.1+float64(p.Draw(20))/100), ggroup.WithNoStackScan())
	v.held.Store(true)
	ggroup.BindTo(group, func() {
		for v.held.Load() {
			runtime.Gosched()
		}
	})
	return group
}

type volley struct {
	base    uint64
	targets []target
	ready   atomic.Int64 // receivers that are about to park
	done    sync.WaitGroup
	held    atomic.Bool // a goroutine uses up the receivers' quota
}

type target struct {
	nodes   chan *Node
	letters chan letter
	crates  chan crate
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
		switch form {
		case formLetter:
			t.letters <- t.takeMail()
		case formCrate:
			t.crates <- t.takeCrate()
		default:
			t.nodes <- t.takeAmmo()
		}
	}
	runtime.GC()
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

//go:noinline
func (t *target) takeCrate() (c crate) {
	c[len(c)-1], t.ammo = t.ammo, nil
	return c
}

// receivers are how a volley is awaited. Half of the volleys are of crates.
var receivers = []func(v *volley, i int){
	formLetter: awaitLetter, 1: awaitPointer, 2: awaitDeep, 3: awaitSelect, 4: awaitOverOld, formCrate: awaitCrate,
}

const (
	formLetter = 0
	formCrate  = 5
)

func awaitCrate(v *volley, i int) {
	defer v.done.Done()
	v.ready.Add(1)
	c := <-v.targets[i].crates
	Check(c[len(c)-1], v.base+uint64(i))
}

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
