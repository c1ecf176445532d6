package source

// prelude is what every program has.
const prelude = `package main

import (
	"iter"

	"github.com/weirgo/weir/scripts/soak/stage"
)

type pair struct {
	n  *stage.Node
	id uint64
}

func pairOf(n *stage.Node, id uint64) pair { return pair{n, id} }

//go:noinline
func (v pair) with(n *stage.Node, id uint64) *pair { return &pair{n, id} }

func (v pair) check() { stage.Check(v.n, v.id) }

//go:noinline
func take(pairs ...pair) {
	for _, v := range pairs {
		v.check()
	}
}

//go:noinline
func middle(p *stage.Player) (*stage.Middle, uint64) {
	n, id := p.Make()
	return n.Middle(), id
}

//go:noinline
func hold[T any](v T, down func(), use func(T)) {
	down()
	use(v)
}

func pairs(p *stage.Player, depth int) iter.Seq2[*stage.Node, uint64] {
	return func(yield func(*stage.Node, uint64) bool) {
		kept := pairOf(p.Make())
		defer take(pairOf(p.Make()), kept)
		for range p.Times(3) {
			if !yield(p.Make()) {
				return
			}
			p.Down(depth - 1)
		}
	}
}
`

// callsC and exported are two files, since one that exports to C must not
// define anything in C.
const callsC = `package main

/*
#include <stdint.h>
extern void soakBack(uintptr_t);
static void soakCall(uintptr_t f) { volatile char room[300]; room[17] = 1; soakBack(f); }
*/
import "C"

import "runtime/cgo"

// throughC calls f from C, on this goroutine.
func throughC(f func()) {
	handle := cgo.NewHandle(f)
	defer handle.Delete()
	C.soakCall(C.uintptr_t(handle))
}
`

const exported = `package main

// #include <stdint.h>
import "C"

import "runtime/cgo"

//export soakBack
func soakBack(f C.uintptr_t) { cgo.Handle(f).Value().(func())() }
`
