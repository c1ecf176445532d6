package llama

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirgo/weir/server/engine/llama/internal/fault"
	"github.com/weirgo/weir/server/gguf/check"
)

// ErrFileChanged: a file that the model's weights are mapped from was cut short
// or written to. The weights are lost: load the model again.
var ErrFileChanged = errors.New("the model file was changed while it was in use")

// watchInterval is how often files are looked at. A read beyond a file's new
// end is noticed at once, by package fault.
const watchInterval = time.Second

// heldFiles are the open files of a model, and the memory they are mapped to.
type heldFiles struct {
	*check.Model
	identity string
	changed  atomic.Bool // by Watch
	memory   *fault.Mapping

	mu    sync.Mutex
	times []time.Time // of the last change, for each part
}

// watch notes what the files are, and finds what they are mapped to: they must
// be those that were checked.
func (h *heldFiles) watch() (err error) {
	if h.identity, err = h.Identity(); err != nil {
		return err
	}
	var paths []string
	for _, part := range h.Parts {
		path, err := filepath.EvalSymlinks(part.Path)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			return err
		}
		mapped, err := os.Stat(path)
		if err != nil {
			return err
		}
		info, err := part.Disk.Stat()
		if err != nil {
			return err
		}
		if !os.SameFile(info, mapped) {
			return fmt.Errorf("%s: %w", part.Path, ErrFileChanged)
		}
		paths = append(paths, path)
		h.times = append(h.times, info.ModTime())
	}
	if h.memory, err = fault.Watch(paths...); err != nil {
		return err
	}
	return h.look()
}

// lost reports that what is computed with the weights is worth nothing.
func (h *heldFiles) lost() error {
	if h.changed.Load() || h.memory.Lost() {
		return ErrFileChanged
	}
	return nil
}

// look compares the files with what they were.
func (h *heldFiles) look() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	touched := false
	for i, part := range h.Parts {
		info, err := part.Disk.Stat()
		if err != nil {
			return fmt.Errorf("look at model file: %w", err)
		}
		if info.Size() != part.SizeBytes {
			return fmt.Errorf("%s: %w: it had %d bytes and has %d", part.Path, ErrFileChanged, part.SizeBytes, info.Size())
		}
		touched = touched || !info.ModTime().Equal(h.times[i])
		h.times[i] = info.ModTime()
	}
	if !touched {
		return nil
	}
	// A new time alone does no harm.
	if identity, err := h.Identity(); err != nil || identity != h.identity {
		return fmt.Errorf("%s: %w: its content is not what was loaded", h.Parts[0].Path, ErrFileChanged)
	}
	return nil
}

// Watch looks at the files that the weights are mapped from until ctx is done,
// and returns nil then, or an [ErrFileChanged] as soon as one was cut short or
// written to: from that moment Decode fails with it, instead of the process
// dying or answering nonsense. A file that another one replaces under its name
// stays what it was for those who have it open, and is no change. Watch must
// have returned before Close.
func (m *model) Watch(ctx context.Context) error {
	if m.MappedBytes() == 0 { // read or on another device: the file is not needed any more
		<-ctx.Done()
		return nil
	}
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		if err := m.lookAtFiles(); err != nil {
			return fmt.Errorf("llama: watch model: %w; copy models to another name and rename them over the old one, "+
				"then start again", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// lookAtFiles finds that the weights are lost. Of those that are unloaded Reload
// looks at the files.
func (m *model) lookAtFiles() error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.handle == 0 {
		return nil
	}
	err := m.files.look()
	if err == nil {
		err = m.files.lost()
	}
	if err != nil {
		m.files.changed.Store(true)
	}
	return err
}

// MappedBytes returns how much of the model's files is mapped, which takes memory
// once for all processes that have them mapped.
func (m *model) MappedBytes() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.files.memory.Bytes()
}

// close ends the watch over memory and closes the files.
func (h *heldFiles) close() {
	if h.memory != nil {
		h.memory.Close()
	}
	h.Close()
}
