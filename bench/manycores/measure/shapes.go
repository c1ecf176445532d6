package main

import (
	"sync"
	"sync/atomic"
)

// shape is a way in which goroutines wake each other.
type shape struct {
	name  string
	start func(procs int, start func(func())) *hoppers
}

var shapes = []shape{{"pairs", pairs}, {"ring", ring}}

const membersPerProc = 8 // of a ring

// hoppers are goroutines that wake each other until they are stopped.
type hoppers struct {
	counters []counter
	ends     atomic.Bool
	running  sync.WaitGroup
}

// counter is one goroutine's hops, on a cache line of its own.
type counter struct {
	hops atomic.Uint64
	_    [56]byte
}

func (h *hoppers) hops() (sum uint64) {
	for i := range h.counters {
		sum += h.counters[i].hops.Load()
	}
	return sum
}

func (h *hoppers) stop() {
	h.ends.Store(true)
	h.running.Wait()
}

// member hands on what it gets, and counts, until all are to end and there is
// nothing left to hand on.
func (h *hoppers) member(i int, token bool, in, out chan struct{}) {
	defer h.running.Done()
	if token {
		out <- struct{}{}
	}
	for range in {
		if h.ends.Load() {
			break
		}
		h.counters[i].hops.Add(1)
		out <- struct{}{}
	}
	close(out)
	for range in { // what still comes, so that nobody waits for this one
	}
}

// pairs starts two goroutines a processor, with a token between them.
func pairs(procs int, start func(func())) *hoppers {
	h := &hoppers{counters: make([]counter, 2*procs)}
	for i := range procs {
		h.ring(start, 2*i, 2, 1)
	}
	return h
}

// ring starts one ring with a token a processor.
func ring(procs int, start func(func())) *hoppers {
	h := &hoppers{counters: make([]counter, membersPerProc*procs)}
	h.ring(start, 0, membersPerProc*procs, procs)
	return h
}

// ring starts size goroutines from the one with number first, with tokens
// evenly between them. The channels have no buffer: nothing is received without
// somebody being woken.
func (h *hoppers) ring(start func(func()), first, size, tokens int) {
	channels := make([]chan struct{}, size)
	for i := range channels {
		channels[i] = make(chan struct{})
	}
	for i := range size {
		h.running.Add(1)
		start(func() { h.member(first+i, i%(size/tokens) == 0, channels[i], channels[(i+1)%size]) })
	}
}
