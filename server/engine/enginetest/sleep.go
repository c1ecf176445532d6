package enginetest

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/engine"
)

// Unload implements engine.SleepingModel.
func (m *Model) Unload() error {
	if n := m.contexts.Load(); n > 0 {
		return fmt.Errorf("enginetest: unload model: %d contexts are open", n)
	}
	m.unloaded.Store(true)
	return nil
}

// Reload implements engine.SleepingModel: with Options.Reloading.
func (m *Model) Reload(ctx context.Context) error {
	if m.closed.Load() {
		return fmt.Errorf("enginetest: reload model: %w", engine.ErrClosed)
	}
	if m.opts.Reloading != nil {
		if err := m.opts.Reloading(ctx); err != nil {
			return err
		}
	}
	m.unloaded.Store(false)
	return nil
}

// Unloaded reports whether the model is unloaded.
func (m *Model) Unloaded() bool { return m.unloaded.Load() }
