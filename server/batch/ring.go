package batch

import (
	"sync/atomic"

	"github.com/weirgo/weir/server/engine"
)

// ring is where a generation's results wait for their reader. It begins with the few
// slots that a reader needs who keeps up, and grows while one does not, up to limit.
//
//	slots   engine: larger ones, with what waits in them, before the tail of a result
//	        that the old ones had no room for. The reader loads them after the tail,
//	        and reads old ones to the end of what was there then: nobody writes them.
type ring struct {
	limit int // slots at most, a power of two
	slots atomic.Pointer[[]engine.Token]
	few   []engine.Token // first
	first [fewSlots]engine.Token
}

// fewSlots is what a ring begins with, a power of two.
const fewSlots = 8

// init makes a ring of limit slots; of all of them at once if it is not to grow.
func (r *ring) init(limit int, grows bool) {
	r.limit = limit
	if grows && limit > fewSlots {
		r.few = r.first[:]
	} else {
		r.few = make([]engine.Token, limit)
	}
	r.slots.Store(&r.few)
}

// len is how many slots there are now.
func (r *ring) len() int { return len(*r.slots.Load()) }

// slot returns where result n is. The reader's, or of one that the engine has made room
// for.
func (r *ring) slot(n uint32) int { return int(n) & (r.len() - 1) }

// room makes a slot for result n, where those from head on still wait, and returns
// it. There are fewer of them than limit. Engine goroutine.
func (r *ring) room(head, n uint32) int {
	if int(n-head) >= r.len() {
		r.grow(head, n)
	}
	return r.slot(n)
}

// grow doubles the ring, with results head to n, n excluded.
func (r *ring) grow(head, n uint32) {
	old := *r.slots.Load()
	if len(old) >= r.limit {
		panic("batch: more results than the ring has room for")
	}
	slots := make([]engine.Token, 2*len(old))
	for ; head != n; head++ {
		slots[int(head)&(len(slots)-1)] = old[int(head)&(len(old)-1)]
	}
	r.slots.Store(&slots)
}

// set puts a token into a slot. Engine goroutine.
func (r *ring) set(slot int, t engine.Token) { (*r.slots.Load())[slot] = t }

// get returns the token in a slot.
func (r *ring) get(slot int) engine.Token { return (*r.slots.Load())[slot] }
