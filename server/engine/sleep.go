package engine

import "context"

// SleepingModel is a Model that can give the memory of its weights back for a while.
type SleepingModel interface {
	Model
	// Unload frees the weights. It fails while contexts are open. Until Reload, what
	// is fixed of a model and what is looked up in its vocabulary stays; Metadata has
	// nothing, and all else fails with ErrClosed.
	Unload() error
	// Reload loads them again, from the same files: others are refused. Cancelling
	// ctx stops it. Of a model that is loaded it does nothing.
	Reload(ctx context.Context) error
}
