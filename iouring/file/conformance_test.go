package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring/internal/probe"
)

// What a program can do wrong, or do twice, is the same on every back end, and
// what the documentation says.

func TestUseAfterClose(t *testing.T) {
	path, _ := randomFile(t, 100)
	read := func(r *Reader) error { return r.Read(t.Context(), path, 0, 0, 100, nil) }
	eachReader(t, 100, func(t *testing.T, r *Reader) {
		if err := read(r); err != nil {
			t.Fatal(err)
		}
		if err := r.arena.Close(); !errors.Is(err, ErrInUse) || r.arena.Bytes() == nil {
			t.Errorf("Close of an arena in use: %v", err)
		}
		for range 2 {
			if err := r.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if err := read(r); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("Read after Close: %v", err)
			}
		}
		for range 2 {
			if err := r.arena.Close(); err != nil || r.arena.Bytes() != nil {
				t.Errorf("Close of the arena: %v", err)
			}
		}
		if err := read(r); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Read after the arena's Close: %v", err)
		}
	})
}

func TestZeroValues(t *testing.T) {
	var r Reader
	if err := r.Read(t.Context(), "/dev/null", 0, 0, 0, nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Read of a zero Reader: %v", err)
	}
	if err := r.Close(); err != nil || r.Registered() {
		t.Errorf("Close of a zero Reader: %v", err)
	}
	var a Arena
	if err := a.Close(); err != nil || a.Bytes() != nil || a.Pages() != "" {
		t.Errorf("Close of a zero Arena: %v", err)
	}
}

func TestNewReaderRefuses(t *testing.T) {
	closed, err := NewArena(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, b := range fileBackends {
		for what, a := range map[string]*Arena{"nil": nil, "zero": {}, "closed": closed} {
			if r, err := NewReader(a, b.cfg); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("%s: a reader into a %s arena: %v, %v", b.name, what, r, err)
			}
		}
	}
	open, err := NewArena(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []Config{
		{PieceBytes: -4096}, {PieceBytes: 4097}, {Depth: -1}, {Depth: 1025}, {Backend: -1}, {Backend: 3},
	} {
		if r, err := NewReader(open, cfg); err == nil {
			t.Errorf("%+v was accepted: %v", cfg, r)
		}
	}
	if err := open.Close(); err != nil { // none of them uses it
		t.Error(err)
	}
}

// What cannot be read at an offset is refused, and nobody waits for its writer.
func TestReaderRefusesPipes(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("not supported here: %v", err)
	}
	eachReader(t, 100, func(t *testing.T, r *Reader) {
		for _, path := range []string{fifo, "/dev/zero", t.TempDir()} {
			if err := r.Read(t.Context(), path, 0, 0, 10, nil); !errors.Is(err, unix.ESPIPE) {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}

// Reads and Closes at once: each Read is done or refused, and the last Close
// returns after all.
func TestConcurrentClose(t *testing.T) {
	path, _ := randomFile(t, 64<<10)
	for _, b := range fileBackends {
		if _, err := probe.Choose(b.cfg.Backend, probe.Shared); err != nil {
			t.Logf("%s: not supported here: %v", b.name, err)
			continue
		}
		for range 20 {
			a, err := NewArena(64 << 10)
			if err != nil {
				t.Fatal(err)
			}
			r, err := NewReader(a, b.cfg)
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					if i%4 == 3 {
						if err := r.Close(); err != nil {
							t.Errorf("Close: %v", err)
						}
						return
					}
					if err := r.Read(context.Background(), path, 0, 0, 64<<10, nil); err != nil && !errors.Is(err, fs.ErrClosed) {
						t.Errorf("%s: Read: %v", b.name, err)
					}
				})
			}
			wg.Wait()
			if err := a.Close(); err != nil {
				t.Errorf("%s: %v", b.name, err)
			}
		}
	}
}

// Without a descriptor to spare, a file that cannot be opened is called so, and a
// reader falls back.
func TestReaderWithoutDescriptors(t *testing.T) {
	path, _ := randomFile(t, 100)
	a, err := NewArena(100)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := NewReader(a, Config{Backend: probe.BackendNet})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, _ = probe.Shared() // with descriptors, as at a server's start
	exhaust(t, func() {
		if err := r.Read(t.Context(), path, 0, 0, 100, nil); !errors.Is(err, unix.EMFILE) {
			t.Errorf("Read: %v", err)
		}
		other, err := NewReader(a, Config{})
		if err != nil {
			t.Fatalf("NewReader: %v", err)
		}
		defer other.Close()
		if other.ring != nil {
			t.Error("a ring was had without a descriptor")
		}
		if _, err := probe.Shared(); err == nil {
			if _, err := NewReader(a, Config{Backend: probe.BackendURing}); !errors.Is(err, unix.EMFILE) {
				t.Errorf("BackendURing: %v", err)
			}
		}
	})
	if err := r.Read(t.Context(), path, 0, 0, 100, nil); err != nil {
		t.Errorf("Read afterwards: %v", err)
	}
}

// exhaust takes all descriptors while f runs.
func exhaust(t *testing.T, f func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	low := before
	low.Cur = 256
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	defer func() {
		for _, f := range taken {
			_ = f.Close()
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	for {
		file, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, file)
	}
	f()
}
