package llama

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/ebitengine/purego"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/internal/sys"
)

// Library is the process's engine library. Its methods may be called
// concurrently. It lives as long as the process.
type Library struct {
	c   *sys.Library
	dir string
	log *logSink

	devices  int     // that compute, the CPU among them
	progress uintptr // C callback of every load
	loads    loads
}

var _ engine.Loader = (*Library)(nil)

// opened is the one library of this process.
var opened struct {
	sync.Mutex
	library *Library
}

// Open opens the engine library in dir, as [FindLibrary] finds it, checks its
// ABI and loads the compute backend that suits this machine best. The
// library's own messages go to log, its information as debug messages; nil
// drops them. A library of another ABI gives an [*ABIError].
//
// A process has one library: opening the same directory again returns it,
// with log as its new logger, and another directory is an error.
func Open(dir string, log *slog.Logger) (*Library, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("llama: open library: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	opened.Lock()
	defer opened.Unlock()
	if l := opened.library; l != nil {
		if l.dir != path {
			return nil, fmt.Errorf("llama: open library in %s: this process uses the one in %s; start another process", path, l.dir)
		}
		l.log.setLogger(log)
		return l, nil
	}
	l, err := open(path, log)
	if err != nil {
		return nil, err
	}
	opened.library = l
	return l, nil
}

func open(dir string, log *slog.Logger) (*Library, error) {
	paths, err := sys.Find(dir)
	if err != nil {
		return nil, fmt.Errorf("llama: open library: %w", unusable(err))
	}
	c, missing, err := sys.Open(paths)
	if err != nil {
		return nil, fmt.Errorf("llama: open library: %w; %s", err, remedy)
	}
	if err := checkABI(c, paths[len(paths)-1], missing); err != nil {
		c.Close()
		return nil, err
	}
	l := &Library{c: c, dir: dir, log: &logSink{}}
	l.log.setLogger(log)
	if !countsAndRefuses(c) {
		c.Close()
		return nil, fmt.Errorf("llama: open library: this C library's sem_post does not do what decodes are counted and aborted by; use glibc 2.34 or newer on amd64")
	}
	// C callbacks are never freed, so each is made once.
	c.SetLog(purego.NewCallback(l.log.message))
	l.progress = purego.NewCallback(l.loads.progress)
	mark := l.log.begin(levelError)
	l.devices = c.Init(dir)
	lines := l.log.end(mark)
	if l.devices > 0 {
		return l, nil
	}
	if err := needFiles(dir); err != nil { // which the library does not say
		return nil, fmt.Errorf("llama: open library: no compute backend: %w", unusable(err))
	}
	return nil, fmt.Errorf("llama: open library: no compute backend in %s%s; %s", dir, lines, remedy)
}

// Dir returns the directory the library was opened from.
func (l *Library) Dir() string { return l.dir }

// OnlyCPU reports whether there is no other device to compute on.
func (l *Library) OnlyCPU() bool { return l.devices == 1 }

// Version returns the library's version, such as "0.5.0".
func (l *Library) Version() string { return l.c.Version() }

// SystemInfo returns one line about the compute backends and the CPU features
// they use.
func (l *Library) SystemInfo() string { return l.c.SystemInfo() }
