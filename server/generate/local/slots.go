package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/batch/slotfile"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/internal/offheap"
)

var _ generate.Keeper = (*Generator)(nil)

// slots are the files of slots, if there is a directory for them. What is done
// with a slot takes memory for its state, so it is one thing at a time.
type slots struct {
	dir   *slotfile.Dir
	turns []chan struct{} // of each slot: has room for one
}

func openSlots(path string, n int) (slots, error) {
	if path == "" {
		return slots{}, nil
	}
	dir, err := slotfile.Open(path)
	if err != nil {
		return slots{}, fmt.Errorf("local: open the directory for slots: %w", err)
	}
	s := slots{dir, make([]chan struct{}, n)}
	for i := range s.turns {
		s.turns[i] = make(chan struct{}, 1)
	}
	return s, nil
}

func (s slots) close() error {
	if s.dir == nil {
		return nil
	}
	return s.dir.Close()
}

// use takes the turn at a slot, which the caller gives back with done.
func (s slots) use(ctx context.Context, slot int) (done func(), err error) {
	if s.dir == nil {
		return nil, &ask.Fault{Kind: ask.NotServed, What: "This server does not support slots action", Remedy: "Start it with --slot-save-path"}
	}
	if slot < 0 || slot >= len(s.turns) {
		return nil, ask.Invalid("id_slot", fmt.Sprintf("there is no slot %d, but 0 to %d", slot, len(s.turns)-1))
	}
	select {
	case s.turns[slot] <- struct{}{}:
		return func() { <-s.turns[slot] }, nil
	case <-ctx.Done():
		return nil, ask.GivenUp(ctx.Err())
	}
}

// useSlot is slots.use with the model there.
func (g *Generator) useSlot(ctx context.Context, slot int) (done func(), err error) {
	if err := g.sleep.enter(ctx); err != nil {
		return nil, err
	}
	leave, err := g.slots.use(ctx, slot)
	if err != nil {
		g.sleep.leave()
		return nil, err
	}
	return func() { leave(); g.sleep.leave() }, nil
}

// SaveSlot implements generate.Keeper.
func (g *Generator) SaveSlot(ctx context.Context, slot int, name string) (generate.SlotFile, error) {
	done, err := g.useSlot(ctx, slot)
	if err != nil {
		return generate.SlotFile{}, err
	}
	defer done()
	if err := slotfile.CheckName(name); err != nil {
		return generate.SlotFile{}, slotFault(err, plainName)
	}
	var room []byte
	tokens, state, err := g.loop.SaveSlot(ctx, slot, func(bytes int) ([]byte, error) {
		room, err = offheap.New(bytes)
		return room, err
	})
	defer func() { offheap.Free(room) }()
	if err != nil {
		return generate.SlotFile{}, slotFault(err, plainName)
	}
	bytes, err := g.slots.dir.Write(name, g.loop.StateIdentity(), tokens, state)
	if err != nil {
		return generate.SlotFile{}, slotFault(err, plainName)
	}
	return generate.SlotFile{Tokens: len(tokens), Bytes: bytes}, nil
}

// RestoreSlot implements generate.Keeper.
func (g *Generator) RestoreSlot(ctx context.Context, slot int, name string) (generate.SlotFile, error) {
	done, err := g.useSlot(ctx, slot)
	if err != nil {
		return generate.SlotFile{}, err
	}
	defer done()
	saved, err := g.slots.dir.Read(name, slotfile.Expect{
		Identity: g.loop.StateIdentity(), Tokens: g.about.ContextTokens, Vocabulary: g.about.VocabSize,
	})
	if err != nil {
		return generate.SlotFile{}, slotFault(err, savedName)
	}
	defer saved.Free()
	if err := g.loop.RestoreSlot(ctx, slot, saved.Tokens, saved.State); err != nil {
		return generate.SlotFile{}, slotFault(err, savedName)
	}
	return generate.SlotFile{Tokens: len(saved.Tokens), Bytes: saved.Bytes}, nil
}

// EraseSlot implements generate.Keeper.
func (g *Generator) EraseSlot(ctx context.Context, slot int) (int, error) {
	done, err := g.useSlot(ctx, slot)
	if err != nil {
		return 0, err
	}
	defer done()
	tokens, err := g.loop.EraseSlot(ctx, slot)
	if err != nil {
		return 0, asFault(err)
	}
	return tokens, nil
}

// What a client is to do about a name that is refused.
const (
	plainName = "give a plain name, such as chat.bin"
	savedName = "give the name of a file that a slot of this model was saved to"
)

// slotFault is what a client is told.
func slotFault(err error, remedy string) error {
	if e, ok := errors.AsType[*slotfile.Error](err); ok {
		return &ask.Fault{Kind: ask.InvalidValue, Param: "filename", What: e.What, Remedy: remedy}
	}
	if errors.Is(err, engine.ErrState) {
		return &ask.Fault{Kind: ask.InvalidValue, Param: "filename", What: "the engine refuses the file; the slot is empty now", Remedy: "save the slot anew", Cause: err}
	}
	return asFault(err)
}
