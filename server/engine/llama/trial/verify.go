package trial

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/weirgo/weir/server/engine/llama"
	"github.com/weirgo/weir/server/gguf/check"
)

// Report is what was found out about a model that can be served.
type Report struct {
	Architecture string
	Tensors      int
	SizeBytes    int64
	Parts        int
	Seen         bool // it had passed a trial before, so its vocabulary alone was tried
}

// Verify checks the model at path, then tries it: its vocabulary if it has been
// seen to pass before and cfg.Depth is not OfEverything, else as deep as
// cfg.Depth says, OfWeights at least. A model that passes will have been seen.
func Verify(ctx context.Context, library *llama.Library, path string, cfg Config) (Report, error) {
	model, err := check.Open(path)
	if err != nil {
		return Report{}, fmt.Errorf("trial: %w", err)
	}
	defer model.Close()
	identity, err := model.Identity()
	if err != nil {
		return Report{}, fmt.Errorf("trial: %w", err)
	}
	seen := newMemory(identity, library, cfg)
	report := Report{Architecture: model.Architecture(), Tensors: model.Tensors(), SizeBytes: model.SizeBytes(), Parts: len(model.Parts)}
	cfg.Library, cfg.Depth = library.Dir(), max(cfg.Depth, OfWeights)
	if report.Seen = cfg.Depth != OfEverything && seen.has(); report.Seen {
		cfg.Depth = OfVocabulary
		if cfg.Loaded != nil { // by a child before
			cfg.Loaded()
		}
	}
	if err := Run(ctx, path, model.SizeBytes(), cfg); err != nil {
		return Report{}, err
	}
	if !report.Seen {
		seen.keep(path)
	}
	return report, nil
}

// memory is where it is kept that a model has passed: an empty-handed or
// read-only home is no error, the model is tried again then.
type memory struct {
	dir, name string
}

// maxRemembered is how many models are remembered; the oldest go.
const maxRemembered = 256

// newMemory names what passed: this model, with this library on these CPU
// features, loaded in this way.
func newMemory(identity string, library *llama.Library, cfg Config) memory {
	dir, err := os.UserCacheDir()
	if err != nil {
		return memory{}
	}
	sum := sha256.New()
	fmt.Fprintln(sum, identity, library.Dir(), library.Version(), library.SystemInfo(), cfg.Model.GPULayers, cfg.Model.NoMemoryMap)
	return memory{filepath.Join(dir, "weir", "verified"), hex.EncodeToString(sum.Sum(nil))}
}

func (m memory) has() bool {
	info, err := os.Stat(filepath.Join(m.dir, m.name))
	return m.dir != "" && err == nil && info.Mode().IsRegular()
}

// keep remembers; the content is for people who wonder what the file is.
func (m memory) keep(path string) {
	if m.dir == "" || os.MkdirAll(m.dir, 0o755) != nil {
		return
	}
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if os.WriteFile(filepath.Join(m.dir, m.name), []byte(path+"\n"), 0o644) == nil {
		m.forgetOldest()
	}
}

func (m memory) forgetOldest() {
	entries, err := os.ReadDir(m.dir)
	if err != nil || len(entries) <= maxRemembered {
		return
	}
	age := func(entry fs.DirEntry) int64 {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) || err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return int(min(max(age(a)-age(b), -1), 1)) })
	for _, entry := range entries[:len(entries)-maxRemembered] {
		_ = os.Remove(filepath.Join(m.dir, entry.Name()))
	}
}
