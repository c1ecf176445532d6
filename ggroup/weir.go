//go:build goexperiment.ggroup

package ggroup

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
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
		NoStackScan:  s.noStackScan,
		AssistExempt: s.assistExempt,
		GCDeferral:   int(math.Ceil(100 * s.gcDeferral)),
		Compute:      s.compute,
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

// id reads the number that package runtime/ggroup keeps to itself.
func (b *backend) id() int32 { return int32(reflect.ValueOf(b.group).Elem().FieldByName("id").Uint()) }

func current() *Group {
	if g := rt.Current(); g != nil {
		owner, _ := g.Owner().(*Group)
		return owner
	}
	return nil
}

func yield() { rt.Yield() }

func critical(fn func()) { rt.Critical(fn) }

func quietPoint() { rt.QuietPoint() }

func (b *backend) stats(g *Group, s *Stats) {
	v := b.group.Stats()
	s.Goroutines = int(v.Goroutines)
	s.Created = v.Created
	s.Running = time.Duration(v.RunningNs)
	s.Preemptions = v.Preemptions
	s.Throttled = time.Duration(v.ThrottledNs)
	s.Exclusive = v.Exclusive
	s.StacksWalked, s.StacksReplayed = v.StacksWalked, v.StacksReplayed
	s.StackListsBytes = v.StackListsBytes
	s.Wait.Sum = time.Duration(v.WaitNs)
	s.Wait.Counts = v.Wait
	s.AssistExcused = v.GC.ExcusedBytes
	s.AssistPaid = v.GC.PaidBytes
	s.AssistTime = time.Duration(v.GC.AssistNs)
	s.Deferred = Deferred{
		Time:        time.Duration(v.GC.DeferredNs),
		QuietPoint:  v.GC.Deferred[rt.EndQuietPoint],
		StretchEnd:  v.GC.Deferred[rt.EndStretch],
		Extra:       v.GC.Deferred[rt.EndExtra],
		MemoryLimit: v.GC.Deferred[rt.EndMemory],
		TooLong:     v.GC.Deferred[rt.EndTime],
		Other:       v.GC.Deferred[rt.EndOther],
	}
	s.Compute = Compute{
		Calls: v.Gang.Calls, Time: time.Duration(v.Gang.LastedNs), Aside: time.Duration(v.Gang.AsideNs), Short: v.Gang.Short,
		Rests: v.Gang.Rests, Rested: time.Duration(v.Gang.RestedNs),
		Asleep: v.Gang.Slept, Long: v.Gang.Paused, Lost: v.Gang.Lost,
	}
	if want := g.settings.exclusive; v.Exclusive < want {
		s.unmet(fmt.Sprintf("WithExclusive(%d)", want),
			fmt.Sprintf("%d given: GOMAXPROCS leaves no more, one processor stays for all", v.Exclusive))
	}
	if n := runtime.GOMAXPROCS(0); g.settings.compute > n {
		s.unmet(fmt.Sprintf("WithCompute(%d)", g.settings.compute), fmt.Sprintf("%d at most: GOMAXPROCS is no more", n))
	}
	if g.settings.compute != 0 && g.settings.eagerHandoff {
		s.unmet("WithEagerHandoff()", "WithCompute keeps the processor")
	}
}
