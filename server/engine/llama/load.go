package llama

import (
	"context"
	"fmt"
	"sync"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/fault"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
	"github.com/weirgo/weir/server/gguf/check"
)

// Load reads the GGUF model at path, which package check has found nothing
// wrong with. It returns once the weights are mapped or read; cancelling ctx
// stops it after the tensor being read. Errors name the file, carry the
// library's own words, and wrap [fs.ErrNotExist] or the context's error where
// that is the cause.
//
// A file may still end the process inside the library. Package trial finds
// that out in a process of its own.
func (l *Library) Load(ctx context.Context, path string, cfg engine.ModelConfig) (engine.Model, error) {
	m, err := l.load(ctx, path, cfg, func(*sys.ModelParams) {})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// load is Load with parameters that adjust sets.
func (l *Library) load(ctx context.Context, path string, cfg engine.ModelConfig, adjust func(*sys.ModelParams)) (*model, error) {
	// The library's own words for a damaged file are for its developers.
	checked, err := check.Open(path)
	if err != nil {
		return nil, fmt.Errorf("llama: load model: %w", err)
	}
	held := &heldFiles{Model: checked}
	m, err := l.loadHeld(ctx, source{path, cfg, adjust})
	if err == nil {
		m.files = held
		err = held.watch()
	}
	if err != nil {
		held.close()
		if m != nil {
			m.closeTokenizer()
			l.c.Free(m.handle)
		}
		return nil, fmt.Errorf("llama: load model %s: %w", path, err)
	}
	return m, nil
}

// source is where weights come from, and how.
type source struct {
	path   string
	cfg    engine.ModelConfig
	adjust func(*sys.ModelParams)
}

// loadHeld loads a model from files that are checked and open.
func (l *Library) loadHeld(ctx context.Context, from source) (*model, error) {
	handle, err := l.loadWeights(ctx, from)
	if err != nil {
		return nil, err
	}
	m, err := newModel(l, handle, from.path, from.cfg)
	if err != nil {
		l.c.Free(handle)
		return nil, err
	}
	m.source = from
	return m, nil
}

// loadWeights has the library load them.
func (l *Library) loadWeights(ctx context.Context, from source) (sys.Model, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	params := l.c.ModelDefaults()
	params.GPULayers = int32(from.cfg.GPULayers)
	params.LoadMode = loadMode(from.cfg)
	params.UseExtraBuffers = !from.cfg.NoRepack
	params.ProgressCallback = l.progress
	id := l.loads.add(ctx, from.cfg.Progress)
	params.ProgressCallbackUserData = id
	defer l.loads.remove(id)
	from.adjust(&params)

	mark := l.log.begin(levelError)
	fault.Begin()
	handle := l.c.Load(from.path, params)
	fault.End()
	lines := l.log.end(mark)
	if handle == 0 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("the library cannot read it%s; check that the file is "+
			"complete and that llama.cpp %s knows its architecture", lines, release)
	}
	return handle, nil
}

func loadMode(cfg engine.ModelConfig) sys.LoadMode {
	switch {
	case cfg.NoMemoryMap && cfg.LockMemory:
		return sys.LoadReadLock
	case cfg.NoMemoryMap:
		return sys.LoadRead
	case cfg.LockMemory:
		return sys.LoadMapLock
	default:
		return sys.LoadAuto
	}
}

// loads are the loads under way, by the number the C callback brings back.
type loads struct {
	mu   sync.Mutex
	last uintptr
	byID map[uintptr]load
}

type load struct {
	ctx    context.Context
	report func(share float32)
}

func (s *loads) add(ctx context.Context, report func(float32)) (id uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[uintptr]load)
	}
	s.last++
	s.byID[s.last] = load{ctx, report}
	return s.last
}

func (s *loads) remove(id uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// progress is the C callback, bool (*)(float progress, void *); false ends the
// load.
func (s *loads) progress(share float32, id uintptr) bool {
	s.mu.Lock()
	load, ok := s.byID[id]
	s.mu.Unlock()
	if !ok || load.ctx.Err() != nil {
		return false
	}
	if load.report != nil {
		load.report(share)
	}
	return true
}
