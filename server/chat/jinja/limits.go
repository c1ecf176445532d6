package jinja

import (
	"context"
	"fmt"
	"time"
)

// Limits bound what a template may be and do.
type Limits struct {
	SourceBytes int // of the template
	Nesting     int // brackets, and blocks, within each other
	Steps       int // of one Render: a node evaluated, an element visited, 4 to 64 bytes read
	Bytes       int // of all values that one Render makes
	LargeBytes  int // of them from where on a template's Renders make theirs one after another
	MacroDepth  int // calls of macros, blocks and recursive loops within each other
	RangeItems  int // of one range()
	JSONDepth   int // of what a client sends
	OutputBytes int // of the rendered text
}

// DefaultLimits are far above what published templates need (60 kB, ten
// levels) and what a context of a million tokens holds. The worst templates we
// know take a second and a half of CPU to reach one of them.
func DefaultLimits() Limits {
	return Limits{
		SourceBytes: 1 << 20,
		Nesting:     100,
		Steps:       1 << 24,
		Bytes:       128 << 20,
		LargeBytes:  256 << 10, // a conversation of twenty thousand tokens has less
		MacroDepth:  100,
		RangeItems:  100_000, // jinja2's sandbox has the same
		JSONDepth:   64,
		OutputBytes: 16 << 20,
	}
}

// Error says why a template could not be parsed or rendered.
type Error struct {
	Line    int    // of the template, 0 if unknown
	Message string // what is wrong; the template's own words if Raised
	Raised  bool   // by raise_exception
	Err     error  // the context's, if that ended the rendering
}

func (e *Error) Error() string {
	if e.Raised || e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

func (e *Error) Unwrap() error { return e.Err }

// fail ends the parsing or rendering.
func fail(format string, args ...any) {
	panic(&Error{Message: fmt.Sprintf(format, args...)})
}

// caught turns a panic of fail into an error, with the line it happened on.
func caught(err *error, line *int) {
	switch r := recover().(type) {
	case nil:
	case *Error:
		if r.Line == 0 {
			r.Line = *line
		}
		*err = r
	default: // a fault of this package ends a rendering, not the server
		*err = &Error{Line: *line, Message: fmt.Sprintf("it panics: %v", r)}
	}
}

// run is one rendering: what it has spent, and where it is.
type run struct {
	limits *Limits
	ctx    context.Context
	steps  int
	look   int // at this many steps, the limit and the context are looked at
	bytes  int
	large  chan struct{} // the template's
	alone  bool          // this one is in it
	depth  int           // of macros
	inside int           // of values, while one is walked
	line   int
	out    *builder
	root   *scope
	spare  []*args
	clock  func() time.Time
}

const stepsBetweenLooks = 4096

// step pays for one node or element.
func (r *run) step() { r.spend(1) }

// spend pays for n steps.
func (r *run) spend(n int) {
	if r.steps += n; r.steps > r.look {
		if r.steps > r.limits.Steps {
			fail("it takes more than %d steps", r.limits.Steps)
		}
		if r.ctx.Err() != nil {
			r.giveUp()
		}
		r.look = min(r.steps+stepsBetweenLooks, r.limits.Steps)
	}
}

// scan pays for reading n bytes at once, walk for reading them by character.
func (r *run) scan(n int) { r.spend(n >> 6) }

func (r *run) walk(n int) { r.spend(n >> 2) }

// take pays for n bytes that are about to be made.
func (r *run) take(n int) {
	if n > r.limits.Bytes-r.bytes {
		fail("its values take more than %d bytes", r.limits.Bytes)
	}
	if r.bytes += n; r.bytes > r.limits.LargeBytes && !r.alone {
		r.queue()
	}
	r.spend(n >> 6)
}

// queue waits until no other Render of the template is large: they are bounded each,
// and that many times over is more memory than there is.
func (r *run) queue() {
	select {
	case r.large <- struct{}{}:
		r.alone = true
	case <-r.ctx.Done():
		r.giveUp()
	}
}

// giveUp ends a rendering whose context has ended.
func (r *run) giveUp() {
	err := context.Cause(r.ctx)
	panic(&Error{Message: "the rendering was given up: " + err.Error(), Err: err})
}

// takeTimes is take(n*each) for products that may overflow.
func (r *run) takeTimes(n, each int) {
	if each > 0 && n > r.limits.Bytes/each {
		fail("its values take more than %d bytes", r.limits.Bytes)
	}
	r.take(max(0, n) * each)
}

const valueBytes = 16 // of a reference to a value

// enter goes into a macro; leave comes out.
func (r *run) enter() {
	if r.depth++; r.depth > r.limits.MacroDepth {
		fail("its macros call each other more than %d deep", r.limits.MacroDepth)
	}
	r.step()
}

func (r *run) leave() { r.depth-- }

// descend goes into a container that is being walked; ascend comes out.
func (r *run) descend() {
	if r.inside++; r.inside > r.limits.Nesting+r.limits.JSONDepth {
		fail("a value is nested too deeply")
	}
	r.step()
}

func (r *run) ascend() { r.inside-- }
