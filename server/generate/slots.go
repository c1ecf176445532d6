package generate

import "context"

// Keeper is a Generator whose places in the batch keep what was computed in them,
// and can be saved. Places are counted from 0. The errors are *ask.Fault. All wait
// until nobody is in the place, or ctx is done.
type Keeper interface {
	// SaveSlot writes what is in a place into a file of that name.
	SaveSlot(ctx context.Context, slot int, name string) (SlotFile, error)
	// RestoreSlot puts what is in such a file into a place. A file that is damaged,
	// or another model's, changes nothing.
	RestoreSlot(ctx context.Context, slot int, name string) (SlotFile, error)
	// EraseSlot empties a place and returns how many tokens it had.
	EraseSlot(ctx context.Context, slot int) (tokens int, err error)
}

// SlotFile is what a file has of a place.
type SlotFile struct {
	Tokens int
	Bytes  int64 // of the file
}
