package llama

import (
	"context"
	"fmt"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
	"github.com/weirgo/weir/server/gguf/check"
)

var _ engine.SleepingModel = (*model)(nil)

// Unload frees the weights, and the memory that they are mapped to. Its vocabulary's
// texts are this process's, and stay.
func (m *model) Unload() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.free(); err != nil {
		return fmt.Errorf("llama: unload model: %w", err)
	}
	return nil
}

// free frees the weights, if they are there. The model's lock is held.
func (m *model) free() error {
	if n := m.contexts.Load(); n > 0 {
		return fmt.Errorf("%d contexts are open; close them first", n)
	}
	if m.handle != 0 {
		m.files.close()
		m.lib.c.Free(m.handle)
		m.handle, m.vocab = 0, 0
	}
	return nil
}

// Reload loads the weights that Unload has freed. Their files are checked again, and
// have to have what they had: all that is known of the model goes on to hold. One call
// at a time.
func (m *model) Reload(ctx context.Context) error {
	m.mu.RLock()
	loaded, gone, identity := m.handle != 0, m.gone, m.files.identity
	m.mu.RUnlock()
	switch {
	case gone:
		return fmt.Errorf("llama: reload model: %w", engine.ErrClosed)
	case loaded:
		return nil
	}
	checked, err := check.Open(m.source.path)
	if err != nil {
		return fmt.Errorf("llama: reload model: %w", err)
	}
	held := &heldFiles{Model: checked}
	if err := m.reload(ctx, held, identity); err != nil {
		held.close()
		return fmt.Errorf("llama: reload model %s: %w", m.source.path, err)
	}
	return nil
}

// reload loads the weights from files that are checked and open.
func (m *model) reload(ctx context.Context, held *heldFiles, identity string) error {
	// Before the library looks at it: another file has not been tried.
	if is, err := held.Identity(); err != nil {
		return err
	} else if is != identity {
		return fmt.Errorf("%w; start again", ErrFileChanged)
	}
	handle, err := m.lib.loadWeights(ctx, m.source)
	if err != nil {
		return err
	}
	if err = held.watch(); err == nil && held.identity != identity {
		err = fmt.Errorf("%w; start again", ErrFileChanged)
	}
	if err == nil {
		err = m.take(handle, held)
	}
	if err != nil {
		m.lib.c.Free(handle)
	}
	return err
}

// take makes weights the model's.
func (m *model) take(handle sys.Model, held *heldFiles) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone {
		return engine.ErrClosed
	}
	m.handle, m.vocab, m.files = handle, m.lib.c.Vocab(handle), held
	return nil
}
