package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/engine"
)

// slots is what is to be done with what is left in places. The engine goroutine
// does it between two steps, when the place is free.
type slots struct{ intake[*slotCall] }

// slotCall is a thing to do with a place. Its state, and who moves it:
//
//	callWaits → callBegun    the engine goroutine: who waits for it waits on
//	          → callGivenUp  who waited for it
type slotCall struct {
	id    engine.SequenceID
	do    func() error
	state atomic.Int32

	call
}

const (
	callWaits = iota
	callBegun
	callGivenUp
)

// ErrNoStates: what is left of sequences of this model cannot be saved.
var ErrNoStates = &ask.Fault{
	Kind: ask.NotServed, What: "the cache of this model has a form whose sequences cannot be saved",
	Remedy: "serve a model with a plain cache of keys and values",
}

var errLost = errors.New("batch: the engine cannot empty the slot: restart the server")

// StateIdentity names what saved slots are good for: the same model and engine.
// It is "" if slots cannot be saved.
func (l *Loop) StateIdentity() string { return l.stateIdentity }

// SaveSlot returns what a generation has left in a place: its tokens, and their
// state in memory that room gave. Of an empty place there are no tokens, and room
// is not called. It waits for a generation that is in the place. Errors are
// *ask.Fault, the engine's or room's.
func (l *Loop) SaveSlot(ctx context.Context, slot int, room func(bytes int) ([]byte, error)) (tokens []engine.Token, state []byte, err error) {
	c, id, err := l.states(slot)
	if err != nil {
		return nil, nil, err
	}
	err = l.withSlot(ctx, id, func() error {
		if tokens = l.places[id].tokens; tokens == nil {
			return nil
		}
		memory, err := room(c.StateBytes(id))
		if err != nil {
			return err
		}
		state, err = c.SaveSequence(id, len(tokens), memory)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return tokens, state, nil
}

// RestoreSlot puts tokens and their state into a place, instead of what is left
// there. A state that is not one leaves the place empty: engine.ErrState. Tokens
// are of the vocabulary, and as many as fit. It waits as SaveSlot does.
func (l *Loop) RestoreSlot(ctx context.Context, slot int, tokens []engine.Token, state []byte) error {
	c, id, err := l.states(slot)
	if err != nil {
		return err
	}
	return l.withSlot(ctx, id, func() error {
		l.keep(id, 0)
		l.erase(id)
		if l.places[id].lost {
			return errLost
		}
		if len(tokens) == 0 {
			return nil
		}
		if err := c.RestoreSequence(id, len(tokens), state); err != nil {
			return err
		}
		p := &l.places[id]
		p.key, p.prompt, p.fixed = "", len(tokens), true
		l.leave(id, tokens)
		return nil
	})
}

// EraseSlot empties a place, and returns how many tokens it had.
func (l *Loop) EraseSlot(ctx context.Context, slot int) (tokens int, err error) {
	id, err := l.slot(slot)
	if err != nil {
		return 0, err
	}
	err = l.withSlot(ctx, id, func() error {
		tokens = l.erase(id)
		return nil
	})
	return tokens, err
}

// states returns the context as one whose states can be had.
func (l *Loop) states(slot int) (engine.StateContext, engine.SequenceID, error) {
	if l.stateIdentity == "" {
		return nil, 0, ErrNoStates
	}
	id, err := l.slot(slot)
	return (*l.shared.Load()).(engine.StateContext), id, err
}

// slot refuses what is no place.
func (l *Loop) slot(slot int) (engine.SequenceID, error) {
	if slot < 0 || slot >= l.config.MaxSequences {
		return 0, ask.Invalid("id_slot", fmt.Sprintf("there is no slot %d, but 0 to %d", slot, l.config.MaxSequences-1))
	}
	return engine.SequenceID(slot), nil
}

// withSlot has the engine goroutine do something when a place is free, and waits
// until it has, or until ctx is done and it has not begun.
func (l *Loop) withSlot(ctx context.Context, id engine.SequenceID, do func() error) error {
	if err := l.Check(); err != nil {
		return err
	}
	c := &slotCall{id: id, do: do, call: call{done: make(chan struct{})}}
	if err := l.slots.submit(l, c); err != nil {
		return err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(callWaits, callGivenUp) {
			l.wakeEngine()
			return ask.GivenUp(ctx.Err())
		}
		<-c.done // it is at it
	}
	return c.err
}

// serveSlots does what is asked of places that are free, and reports whether there
// was something. Engine goroutine.
func (l *Loop) serveSlots() (done bool) {
	l.slots.collect()
	for _, c := range l.slots.waiting {
		switch {
		case c.state.Load() == callGivenUp:
			l.slots.end(&c.call, nil)
		case l.places[c.id].lost:
			l.slots.end(&c.call, errLost)
		case slices.Contains(l.free, c.id):
			if c.state.CompareAndSwap(callWaits, callBegun) {
				l.slots.end(&c.call, c.do())
			} else {
				l.slots.end(&c.call, nil)
			}
		}
		done = done || c.ended
	}
	l.slots.sweep()
	return done
}

// ready reports whether something can be done. Engine goroutine.
func (s *slots) ready(l *Loop) bool {
	return !s.queue.Empty() || slices.ContainsFunc(s.waiting, func(c *slotCall) bool {
		return c.state.Load() == callGivenUp || l.places[c.id].lost || slices.Contains(l.free, c.id)
	})
}

func (s *slots) sweep() {
	s.waiting = slices.DeleteFunc(s.waiting, func(c *slotCall) bool { return c.ended })
}

// endAll ends all calls that there are.
func (s *slots) endAll(err error) {
	s.collect()
	for _, c := range s.waiting {
		s.end(&c.call, err)
	}
	s.sweep()
}
