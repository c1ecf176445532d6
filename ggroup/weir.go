//go:build goexperiment.ggroup

package ggroup

import (
	"errors"
	"fmt"
	rt "runtime/ggroup"
	"time"
)

// A backend is the runtime's group.
type backend struct {
	group *rt.Group
}

func (b *backend) open(g *Group) (err error) {
	s := &g.settings
	b.group, err = rt.New(g.name, rt.Config{
		Owner:        g,
		Class:        runtimeClass[s.class],
		Weight:       s.weight,
		CPUQuota:     s.cpuQuota,
		Exclusive:    s.exclusive,
		EagerHandoff: s.eagerHandoff,
	})
	return convert(err)
}

var runtimeClass = [...]rt.Class{Normal: rt.Normal, Latency: rt.Latency, Background: rt.Background}

// convert maps the runtime's errors to this package's.
func convert(err error) error {
	switch {
	case errors.Is(err, rt.ErrTooMany):
		return ErrTooMany
	case errors.Is(err, rt.ErrClosed):
		return ErrClosed
	case errors.Is(err, rt.ErrBusy):
		return ErrBusy
	}
	return err
}

func (b *backend) start(g *Group, fn func()) error {
	// A go statement passes the caller's labels on, so they are the group's
	// while it is carried out.
	before := getLabels()
	setLabels(g.labels)
	err := rt.BindTo(b.group, fn)
	setLabels(before)
	return convert(err)
}

func (b *backend) do(g *Group, fn func()) error {
	// The labels change inside of the group, and only if it takes us in; back
	// outside of it, whichever way fn ends.
	before := getLabels()
	defer setLabels(before)
	return convert(b.group.Do(func() {
		setLabels(g.labels)
		fn()
	}))
}

func (b *backend) refuse() { b.group.Refuse() }

func (b *backend) close() error { return convert(b.group.Close()) }

func current() *Group {
	if g := rt.Current(); g != nil {
		owner, _ := g.Owner().(*Group)
		return owner
	}
	return nil
}

func yield() { rt.Yield() }

func (b *backend) stats(g *Group, s *Stats) {
	v := b.group.Stats()
	s.Goroutines = int(v.Goroutines)
	s.Created = v.Created
	s.Running = time.Duration(v.RunningNs)
	s.Preemptions = v.Preemptions
	s.Throttled = time.Duration(v.ThrottledNs)
	s.Exclusive = v.Exclusive
	s.Wait.Sum = time.Duration(v.WaitNs)
	s.Wait.Counts = v.Wait
	if want := g.settings.exclusive; v.Exclusive < want {
		s.unmet(fmt.Sprintf("WithExclusive(%d)", want),
			fmt.Sprintf("%d given: GOMAXPROCS leaves no more, one processor stays for all", v.Exclusive))
	}
	if g.settings.noStackScan {
		s.unmet("WithNoStackScan()", "this toolchain does not have it yet")
	}
}
