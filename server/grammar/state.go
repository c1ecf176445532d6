package grammar

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/weirgo/weir/server/grammar/syntax"
)

// state is all places where a grammar may be after some text. It is made once
// for each set of places and shared by all who are there; what is computed of it
// later is put in by atomic stores.
type state struct {
	home    *home
	items   []item
	free    int32                   // a node of the trigger's words, -1 once the grammar holds
	accepts bool                    // the text may end here
	next    []atomic.Pointer[state] // by class of byte, nil if not known yet
	mask    atomic.Pointer[mask]
	plain   *state // where all plain characters lead, once plainKnown
	known   bool   // plain is
}

// dead reports whether nothing follows, not even the end.
func (s *state) dead() bool { return len(s.items) == 0 && s.free < 0 && !s.accepts }

// item is one place: an instruction that reads a byte, in the upper half, and the
// calls around it.
type item uint64

func itemOf(at uint32, stack int32) item { return item(at)<<32 | item(uint32(stack)) }

func (i item) at() uint32   { return uint32(i >> 32) }
func (i item) stack() int32 { return int32(uint32(i)) }

// empty is the stack without calls.
const empty = -1

// frame is a call: where it returns to, how often its loop has run, and the call
// around it.
type frame struct {
	at, count uint32
	below     int32
	recursive int32 // calls in the stack that may be recursion
}

// home is the states that a grammar knows, and the stacks that they refer to. A
// grammar that knows too many forgets them all and begins a new home; who is
// still in a state of the old one is moved.
type home struct {
	states map[string]*state
	frames []frame
	index  map[frame]int32
	start  *state
	bytes  int // that all this takes, about
}

func newHome() *home {
	return &home{states: map[string]*state{}, index: map[frame]int32{}}
}

// push returns the stack with one call more.
func (h *home) push(f frame) int32 {
	id, ok := h.index[f]
	if !ok {
		id = int32(len(h.frames))
		h.frames = append(h.frames, f)
		h.index[f] = id
		h.bytes += frameBytes
	}
	return id
}

// recursive counts the calls of a stack that may be recursion.
func (h *home) recursive(stack int32) int32 {
	if stack == empty {
		return 0
	}
	return h.frames[stack].recursive
}

// What parts of a home take, about: with their places in maps.
const (
	frameBytes = 96
	stateBytes = 256
	itemBytes  = 16 // and in the key
	nextBytes  = 8
)

// full reports whether the home should be left.
func (h *home) full() bool { return h.bytes > homeBytes }

// over reports whether a walk must not add to it any more.
func (h *home) over() bool { return h.bytes > 2*homeBytes }

// place is an item on its way to instructions that read a byte.
type place struct {
	at, count uint32
	stack     int32
}

// closure gathers where some places lead before a byte is read. It is the
// scratch of who holds Grammar.own.
type closure struct {
	program *syntax.Program
	home    *home
	todo    []place
	seen    places
	items   []item
	accepts bool
	key     []byte
	spent   int // places looked at, in all
}

func (c *closure) begin(h *home) {
	c.home, c.accepts = h, false
	c.items = c.items[:0]
	c.seen.clear()
}

func (c *closure) add(p place) {
	if c.seen.add(p) {
		c.todo = append(c.todo, p)
	}
}

// follow adds where a place leads.
func (c *closure) follow(p place) {
	for c.add(p); len(c.todo) > 0; {
		p := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		c.spent++
		switch in := &c.program.Code[p.at]; in.Op {
		case syntax.Byte:
			c.items = append(c.items, itemOf(p.at, p.stack))
		case syntax.Split:
			for _, to := range in.To {
				c.add(place{to, 0, p.stack})
			}
		case syntax.Call:
			c.call(in, p)
		case syntax.Loop:
			if p.count >= in.Min {
				c.add(place{in.B, 0, p.stack})
			}
			if p.count < in.Max {
				count := p.count + 1
				if in.Max == syntax.NoMax {
					count = min(count, in.Min)
				}
				c.add(place{in.A, 0, c.home.push(frame{p.at, count, p.stack, c.home.recursive(p.stack)})})
			}
		case syntax.Return:
			if p.stack == empty {
				c.accepts = true
			} else {
				f := c.home.frames[p.stack]
				c.add(place{f.at, f.count, f.below})
			}
		}
	}
}

// call goes into a rule. What the call would return to, only to return itself,
// is left out of the stack.
func (c *closure) call(in *syntax.Instruction, p place) {
	stack := p.stack
	if c.program.Code[in.B].Op != syntax.Return {
		depth := c.home.recursive(stack)
		if in.Recursive {
			if depth++; depth > recursionDepth {
				return
			}
		}
		stack = c.home.push(frame{in.B, 0, stack, depth})
	}
	c.add(place{in.A, 0, stack})
}

// state returns the state of what has been gathered.
func (c *closure) state(free int32) *state {
	slices.Sort(c.items)
	c.key = binary.LittleEndian.AppendUint32(c.key[:0], uint32(free))
	if c.accepts {
		c.key = append(c.key, 1)
	}
	for _, i := range c.items {
		c.key = binary.LittleEndian.AppendUint64(c.key, uint64(i))
	}
	if s, ok := c.home.states[string(c.key)]; ok {
		return s
	}
	s := &state{
		home: c.home, items: slices.Clone(c.items), free: free, accepts: c.accepts,
		next: make([]atomic.Pointer[state], c.program.Classes),
	}
	c.home.states[string(c.key)] = s
	c.home.bytes += stateBytes + itemBytes*len(s.items) + nextBytes*len(s.next)
	return s
}
