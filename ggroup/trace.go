package ggroup

import (
	"context"
	"runtime/trace"
)

// An execution trace has no profile labels, so it is told of groups by lines of its log,
// for tools that know their categories: the goroutine that logs is in a group from here
// on, in none if the line is empty; the one that it starts next will be.
const (
	traceGroup = "ggroup"
	traceNext  = "ggroup.next"
)

// startTraced starts fn in a new goroutine of the group.
func (g *Group) startTraced(fn func()) error {
	if !trace.IsEnabled() {
		return g.backend.start(g, fn)
	}
	trace.Log(context.Background(), traceNext, g.name)
	err := g.backend.start(g, fn)
	if err != nil {
		trace.Log(context.Background(), traceNext, "") // there is none
	}
	return err
}

// doTraced calls fn in the group.
func (g *Group) doTraced(fn func()) error {
	if !trace.IsEnabled() {
		return g.backend.do(g, fn)
	}
	outer := Current().Name()
	return g.backend.do(g, func() {
		defer trace.Log(context.Background(), traceGroup, outer)
		trace.Log(context.Background(), traceGroup, g.name)
		fn()
	})
}
