package sys

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Handles to C objects.
type (
	// Model is a struct llama_model *.
	Model uintptr
	// Vocab is a const struct llama_vocab *, owned by its model.
	Vocab uintptr
	// Context is a struct llama_context *.
	Context uintptr
	// Memory is a llama_memory_t, owned by its context.
	Memory uintptr
	// Threadpool is a ggml_threadpool_t.
	Threadpool uintptr
)

// Library is an open libllama with its functions resolved.
type Library struct {
	c       symbols
	handles []uintptr // dlopen handles, in the order they were opened

	semPost uintptr
}

// parts are the shared objects a library consists of, dependencies first.
// File names carry a version in some builds: libllama.so, libllama.so.0,
// libllama.v0.5.0.so.
var parts = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"libggml-base", regexp.MustCompile(`^libggml-base(\.v[0-9.]+)?\.so(\.[0-9.]+)?$`)},
	{"libggml", regexp.MustCompile(`^libggml(\.v[0-9.]+)?\.so(\.[0-9.]+)?$`)},
	{"libllama", regexp.MustCompile(`^libllama(\.v[0-9.]+)?\.so(\.[0-9.]+)?$`)},
}

// Find returns the paths of a library's parts in dir, dependencies first.
func Find(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, part := range parts {
		i := slices.IndexFunc(entries, func(e os.DirEntry) bool {
			return !e.IsDir() && part.pattern.MatchString(e.Name())
		})
		if i < 0 {
			return nil, fmt.Errorf("no %s*.so in %s", part.name, dir)
		}
		paths = append(paths, filepath.Join(dir, entries[i].Name()))
	}
	return paths, nil
}

// Open opens the parts of a library and resolves its functions; missing names
// those it lacks, and the library is not usable if there are any. The parts'
// symbols stay local to them, so several libraries may be open.
func Open(paths []string) (lib *Library, missing []string, err error) {
	lib = &Library{}
	for _, path := range paths {
		handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			lib.Close()
			return nil, nil, err
		}
		lib.handles = append(lib.handles, handle)
	}
	if missing := lib.c.resolve(lib.handles); len(missing) > 0 {
		return lib, missing, nil
	}
	lib.semPost, err = purego.Dlsym(purego.RTLD_DEFAULT, "sem_post")
	if err != nil {
		lib.Close()
		return nil, nil, err
	}
	return lib, nil, nil
}

// Close unloads the library. Only for one that was never initialised: its
// threads and callbacks would outlive the code.
func (l *Library) Close() {
	for _, handle := range slices.Backward(l.handles) {
		purego.Dlclose(handle) // nothing to do about an error
	}
	l.handles = nil
}

// Init initialises the library and loads the compute backends found in dir,
// of each kind the one that suits this machine best. It returns the number of
// devices found.
func (l *Library) Init(dir string) int {
	purego.SyscallN(l.c.backendInit)
	path := append([]byte(dir), 0)
	purego.SyscallN(l.c.backendLoadAll, uintptr(unsafe.Pointer(&path[0])))
	n, _, _ := purego.SyscallN(l.c.deviceCount)
	return int(n)
}

// SetLog makes callback, a void (*)(int level, const char *text, void *), the
// receiver of all that the library logs.
func (l *Library) SetLog(callback uintptr) { purego.SyscallN(l.c.logSet, callback, 0) }

// Version returns llama_version().
func (l *Library) Version() string { return l.stringOf(l.c.version) }

// SystemInfo returns the backends and the CPU features they use.
func (l *Library) SystemInfo() string { return l.stringOf(l.c.systemInfo) }

// SemPost returns the address of the C library's int sem_post(sem_t *).
func (l *Library) SemPost() uintptr { return l.semPost }

// CallSemPost calls it; it reports whether the answer is true to who takes it for a
// C bool.
func (l *Library) CallSemPost(semaphore uintptr) bool { return boolOf(l.ask(l.semPost, semaphore)) }

func (l *Library) stringOf(fn uintptr) string {
	r, _, _ := purego.SyscallN(fn)
	return GoString(Pointer(r))
}

// Pointer turns an address in C memory into a pointer. The detour tells vet
// what it cannot know: that no Go object is involved.
func Pointer(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

// GoString copies a C string, nil giving "".
func GoString(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	return string(CBytes(p))
}

// CBytes returns a view of a C string without its terminator.
func CBytes(p unsafe.Pointer) []byte {
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return unsafe.Slice((*byte)(p), n)
}

// int32Of is the C int in a result register.
func int32Of(r uintptr) int32 { return int32(uint32(r & math.MaxUint32)) }

// boolOf is the C bool in a result register: only the lowest byte counts.
func boolOf(r uintptr) bool { return r&0xff != 0 }

func boolArg(b bool) uintptr {
	if b {
		return 1
	}
	return 0
}
