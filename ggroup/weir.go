//go:build goexperiment.ggroup

package ggroup

import (
	"errors"
	"runtime"
	rt "runtime/ggroup"
)

// A backend is the runtime's group.
type backend struct {
	group *rt.Group
}

func (b *backend) open(g *Group) (err error) {
	b.group, err = rt.New(g.name, rt.Config{Owner: g})
	return convert(err)
}

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
	before := getLabels()
	setLabels(g.labels)
	err := rt.BindTo(b.group, fn)
	setLabels(before)
	return convert(err)
}

func (b *backend) do(g *Group, fn func()) error {
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

func yield() { runtime.Gosched() }

func (b *backend) stats(g *Group, s *Stats) {
	v := b.group.Stats()
	s.Goroutines = int(v.Goroutines)
	s.Created = v.Created
	for _, option := range g.settings.asked() {
		s.NotInEffect = append(s.NotInEffect, NotInEffect{option, "this toolchain does not have it yet"})
	}
}
