package batch

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/weirgo/weir/server/engine"
)

// slotUse is a call for a slot that a simulation's client waits for.
type slotUse struct {
	what     string
	cancel   context.CancelFunc
	givenUp  bool
	restores savedSlot // for a restore
	spoilt   bool      // its state is none
	done     chan struct{}

	// Once done.
	got savedSlot
	err error
}

// savedSlot is what was saved of one.
type savedSlot struct {
	tokens []engine.Token
	state  []byte
}

const (
	mostUses  = 3 // at once
	mostSaved = 6
)

// useSlot saves, restores or erases a slot, or gives one of those that wait up.
func (s *simulation) useSlot() {
	if len(s.calls) >= mostUses {
		use := s.calls[s.random.IntN(len(s.calls))]
		use.cancel()
		use.givenUp = true
		s.endUses()
		return
	}
	switch s.random.IntN(4) {
	case 0:
		s.restoreSlot()
	case 1:
		s.use("slot erased", savedSlot{}, func(ctx context.Context, slot int, _ *slotUse) error {
			_, err := s.loop.EraseSlot(ctx, slot)
			return err
		})
	default:
		s.use("slot saved", savedSlot{}, func(ctx context.Context, slot int, use *slotUse) (err error) {
			use.got.tokens, use.got.state, err = s.loop.SaveSlot(ctx, slot, func(n int) ([]byte, error) { return make([]byte, n), nil })
			return err
		})
	}
}

// restoreSlot puts something that was saved into a slot, sometimes spoilt.
func (s *simulation) restoreSlot() {
	if len(s.files) == 0 {
		return
	}
	file := s.files[s.random.IntN(len(s.files))]
	s.use("slot restored", file, func(ctx context.Context, slot int, use *slotUse) error {
		state := use.restores.state
		if use.spoilt {
			state = slices.Clone(state)
			state[len(state)/2], state[len(state)/2-1] = 0xff, 0xff
		}
		return s.loop.RestoreSlot(ctx, slot, use.restores.tokens, state)
	})
}

// use calls for a slot.
func (s *simulation) use(what string, file savedSlot, do func(context.Context, int, *slotUse) error) {
	ctx, cancel := context.WithCancel(s.t.Context())
	use := &slotUse{what: what, cancel: cancel, restores: file, done: make(chan struct{})}
	use.spoilt = s.spoil && file.state != nil && s.random.IntN(5) == 0
	slot := s.random.IntN(s.loop.config.MaxSequences)
	s.calls = append(s.calls, use)
	go func() {
		defer close(use.done)
		use.err = do(ctx, slot, use)
	}()
	s.wait()
}

// endUses takes those that are done out of what waits.
func (s *simulation) endUses() {
	if len(s.calls) == 0 {
		return
	}
	s.wait()
	s.calls = slices.DeleteFunc(s.calls, func(use *slotUse) bool {
		select {
		case <-use.done:
			use.cancel()
			s.checkUse(use)
			return true
		default:
			return false
		}
	})
}

// checkUse checks what has come of a call, and keeps what was saved.
func (s *simulation) checkUse(use *slotUse) {
	noStates := s.loop.stateIdentity == "" && errors.Is(use.err, ErrNoStates)
	refused := errors.Is(use.err, ErrQueueFull) || errors.Is(use.err, errLost)
	full := s.cacheTokens() > 0 && errors.Is(use.err, engine.ErrState)
	switch {
	case use.spoilt && use.err == nil:
		s.t.Fatal("a state that is none was restored")
	case use.spoilt && errors.Is(use.err, engine.ErrState):
		s.reached["spoilt slot refused"]++
	case use.err != nil && !noStates && !refused && !full && !use.givenUp && !s.faulty:
		s.t.Fatalf("%s: %v", use.what, use.err)
	case use.err != nil:
	case use.got.tokens != nil:
		s.checkState(use.got)
		if len(s.files) == mostSaved {
			s.files = slices.Delete(s.files, 0, 1)
		}
		s.files = append(s.files, use.got)
		fallthrough
	default:
		s.reached[use.what]++
	}
}

// checkState checks that a fake's state is that of its tokens.
func (s *simulation) checkState(file savedSlot) {
	if s.model == nil {
		return
	}
	for i, t := range file.tokens {
		if got := engine.Token(binary.LittleEndian.Uint32(file.state[4*i:])); got != t {
			s.t.Fatalf("the state has token %d at %d, the slot %d", got, i, t)
		}
	}
}
