//go:build !goexperiment.ggroup

package ggroup

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

const inEffectWith = "needs a Go toolchain with GOEXPERIMENT ggroup"

// A backend is what the runtime knows of a group: on stock Go, nothing but
// its pprof labels, which tell the group of a goroutine.
type backend struct {
	// state is the number of goroutines that this package counts in the
	// group, and closedBit.
	state   atomic.Int64
	created atomic.Uint64
}

const (
	refusedBit = 1 << 61 // Shutdown began: no goroutine enters from outside
	closedBit  = 1 << 62 // Close has ended the group
	countMask  = refusedBit - 1
)

// open groups by their labels. A closed group's slot is empty.
var slots [MaxGroups]atomic.Pointer[Group]

func (b *backend) open(g *Group) error {
	for i := range slots {
		if slots[i].CompareAndSwap(nil, g) {
			return nil
		}
	}
	return ErrTooMany
}

// enter counts a goroutine in unless the group is closed.
func (b *backend) enter() error {
	// Count and flags are one word: close sees the count, or we see its flag.
	if b.state.Add(1)&^countMask != 0 {
		b.state.Add(-1)
		return ErrClosed
	}
	return nil
}

func (b *backend) start(g *Group, fn func()) error {
	if err := b.enter(); err != nil {
		return err
	}
	b.created.Add(1)
	// A go statement passes the caller's labels on, so they are the group's
	// while it is carried out.
	before := getLabels()
	setLabels(g.labels)
	go func() {
		defer b.state.Add(-1)
		fn()
	}()
	setLabels(before)
	return nil
}

func (b *backend) do(g *Group, fn func()) error {
	if err := b.enter(); err != nil {
		return err
	}
	before := getLabels()
	defer func() {
		// The labels first: once the count is down the group may be gone.
		setLabels(before)
		b.state.Add(-1)
	}()
	setLabels(g.labels)
	fn()
	return nil
}

func (b *backend) refuse() { b.state.Or(refusedBit) }

func (b *backend) close() error {
	for {
		state := b.state.Load()
		switch {
		case state&closedBit != 0:
			return ErrClosed
		case state&countMask != 0:
			return ErrBusy
		case b.state.CompareAndSwap(state, state|closedBit):
			// The slot is given up after the flag is up: its next group is
			// never entered through this one.
			for i := range slots {
				if g := slots[i].Load(); g != nil && &g.backend == b {
					slots[i].Store(nil)
				}
			}
			return nil
		}
	}
}

func (b *backend) id() int32 { return 0 }

func current() *Group {
	labels := getLabels()
	if labels == unsafe.Pointer(nil) {
		return nil
	}
	for i := range slots {
		if g := slots[i].Load(); g != nil && g.labels == labels {
			return g
		}
	}
	return nil
}

func yield() { runtime.Gosched() }

func critical(fn func()) { fn() }

func quietPoint() {}

func (b *backend) stats(g *Group, s *Stats) {
	s.Goroutines = int(b.state.Load() & countMask)
	s.Created = b.created.Load()
	for _, option := range g.settings.asked() {
		s.unmet(option, inEffectWith)
	}
}
