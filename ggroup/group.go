package ggroup

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

var (
	// ErrTooMany is returned by [Open] when [MaxGroups] groups exist.
	ErrTooMany = errors.New("too many groups exist: close one first")
	// ErrClosed is returned for a group that is closed, or shutting down.
	ErrClosed = errors.New("group is closed")
	// ErrBusy is returned by [Group.Close] while goroutines are in the group.
	ErrBusy = errors.New("goroutines are still in the group")
)

// A Group is a set of goroutines. All methods may be called from any
// goroutine. Make one with [New] or [Open]: the zero Group and a nil *Group are
// closed, without a name.
type Group struct {
	name     string
	settings settings
	labels   unsafe.Pointer // pprof labels of the group's goroutines
	backend  backend
	closed   atomic.Bool // the backend has closed it
}

// made reports whether g came from Open, which wants a name.
func (g *Group) made() bool { return g != nil && g.name != "" }

// registry holds the groups that are open.
var registry struct {
	mu     sync.Mutex
	groups []*Group // in the order of their opening
}

// New makes a group and panics where [Open] returns an error. It is meant for
// the initialisation of package variables and for programs' start.
func New(name string, opts ...Option) *Group {
	g, err := Open(name, opts...)
	if err != nil {
		panic(err)
	}
	return g
}

// Open makes a group. The name is for people, need not be unique, and has 1
// to [MaxNameBytes] bytes. The error is ErrTooMany, or an [*OptionError].
func Open(name string, opts ...Option) (*Group, error) {
	if name == "" || len(name) > MaxNameBytes {
		return nil, &OptionError{fmt.Sprintf("name of %d bytes", len(name)), fmt.Sprintf("1 to %d", MaxNameBytes)}
	}
	s, err := collect(opts)
	if err != nil {
		return nil, err
	}
	g := &Group{name: name, settings: s, labels: labelsOf(name)}
	if err := g.backend.open(g); err != nil {
		return nil, fmt.Errorf("ggroup: open %q: %w", name, err)
	}
	// Listed after the runtime has it: who finds it in Groups may use it.
	registry.mu.Lock()
	registry.groups = append(registry.groups, g)
	registry.mu.Unlock()
	return g, nil
}

// BindTo starts fn in a new goroutine of group. It panics if group is closed, and
// if fn is nil.
func BindTo(group *Group, fn func()) {
	if err := group.Go(fn); err != nil {
		panic("ggroup: BindTo: group is closed")
	}
}

// Go starts fn in a new goroutine of the group. It returns ErrClosed, and
// starts nothing, if the group is closed, and panics if fn is nil.
func (g *Group) Go(fn func()) error {
	if fn == nil {
		panic("ggroup: Go: nil function")
	}
	err := ErrClosed
	if g.made() {
		err = g.startTraced(fn)
	}
	if err != nil {
		return fmt.Errorf("ggroup: start a goroutine in %q: %w", g.Name(), err)
	}
	return nil
}

// Do calls fn with the calling goroutine in the group, and moves it back when
// fn returns, panics or calls [runtime.Goexit]. Goroutines that fn starts
// belong to the group for good. Meanwhile the caller counts in the group it
// came from, too, which may be the same one. Do returns ErrClosed, and does not
// call fn, if the group is closed or shutting down, also for a caller that is
// inside; it panics if fn is nil.
func (g *Group) Do(fn func()) error {
	if fn == nil {
		panic("ggroup: Do: nil function")
	}
	err := ErrClosed
	if g.made() {
		err = g.doTraced(fn)
	}
	if err != nil {
		return fmt.Errorf("ggroup: enter %q: %w", g.Name(), err)
	}
	return nil
}

// Current returns the group of the calling goroutine, nil if it has none.
func Current() *Group { return current() }

// Yield lets another goroutine run if one of the caller's class, or of a
// higher one, is waiting for a processor, and else returns at once, within
// nanoseconds. With stock Go it is [runtime.Gosched], which always switches.
func Yield() { yield() }

// Critical calls fn as a critical stretch of the calling goroutine's group. If
// the group was made [WithGCDeferral], a garbage collection that is due waits
// while a stretch is open, within the bounds of that option; [runtime.GC] does
// not wait. A stretch ends when fn returns, panics or calls [runtime.Goexit].
// Stretches may be nested, and be open in several goroutines; goroutines that
// fn starts are in none. In any other group, in none, and with stock Go, Critical
// just calls fn. It panics if fn is nil.
func Critical(fn func()) {
	if fn == nil {
		panic("ggroup: Critical: nil function")
	}
	critical(fn)
}

// QuietPoint says that now is a good moment for a garbage collection: one that
// is due starts now, in the background, if no critical stretch of any group is
// open. The caller does not wait, and pays tens of nanoseconds when nothing is
// due. It acts for the calling goroutine's group: without [WithGCDeferral], and
// with stock Go, it does nothing.
func QuietPoint() { quietPoint() }

// Groups returns the groups that are open, in the order of their opening.
func Groups() []*Group {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	return append([]*Group(nil), registry.groups...)
}

// Name returns the name given to [New].
func (g *Group) Name() string {
	if g == nil {
		return ""
	}
	return g.name
}

// ID returns the group's number in the runtime, by which sched/record knows it: 1
// to [MaxGroups] while the group is open, when another may get it. It is 0 for a
// group that is closed, and on stock Go.
func (g *Group) ID() int32 {
	if !g.made() || g.closed.Load() {
		return 0
	}
	return g.backend.id()
}

// String returns the name too.
func (g *Group) String() string { return g.Name() }

// Close ends the group: its place can be taken by another. While goroutines
// are in the group, the caller's own included, it changes nothing and returns
// ErrBusy; a second Close returns ErrClosed.
func (g *Group) Close() error {
	if err := g.close(); err != nil {
		return fmt.Errorf("ggroup: close %q: %w", g.Name(), err)
	}
	return nil
}

func (g *Group) close() error {
	if !g.made() {
		return ErrClosed
	}
	if err := g.backend.close(); err != nil {
		return err
	}
	g.closed.Store(true)
	// Closed before it is taken off the list: one that is busy stays there.
	g.unregister()
	return nil
}

// Shutdown closes the group to new goroutines from outside at once: Go and Do
// return ErrClosed from now on. Then it waits until the last goroutine has
// left, looking every 10 ms at the latest, and closes the group. If ctx ends
// first it returns ctx's error; the group stays refused, and Shutdown or
// Close can be called again. A closed group gives ErrClosed. Called from inside
// the group it waits for its own caller, until ctx ends.
func (g *Group) Shutdown(ctx context.Context) error {
	// Refused first: those inside can only become fewer while we look.
	if g.made() {
		g.backend.refuse()
	}
	pause := 50 * time.Microsecond
	for {
		err := g.close()
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrBusy) {
			return fmt.Errorf("ggroup: shut down %q: %w", g.Name(), err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("ggroup: shut down %q: %w", g.name, context.Cause(ctx))
		case <-time.After(pause):
			pause = min(2*pause, 10*time.Millisecond)
		}
	}
}

func (g *Group) unregister() {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	for i, other := range registry.groups {
		if other == g {
			registry.groups = append(registry.groups[:i:i], registry.groups[i+1:]...)
			return
		}
	}
}

// The runtime keeps a goroutine's profile labels behind one pointer, which go
// statements pass on. A group has one such pointer, so that entering and
// leaving it is a store. Package runtime keeps both names for users outside
// of it (go.dev/issue/67401).

//go:linkname getLabels runtime/pprof.runtime_getProfLabel
func getLabels() unsafe.Pointer

//go:linkname setLabels runtime/pprof.runtime_setProfLabel
func setLabels(labels unsafe.Pointer)

// labelsOf returns the labels of a group's goroutines.
func labelsOf(name string) unsafe.Pointer {
	before := getLabels()
	defer setLabels(before)
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("ggroup", name)))
	return getLabels()
}
