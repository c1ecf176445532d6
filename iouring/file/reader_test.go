package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/weirgo/weir/iouring/internal/probe"
)

var fileBackends = []struct {
	name string
	cfg  Config
}{
	{"uring direct", Config{Backend: probe.BackendURing, PieceBytes: 16 << 10, Depth: 4}},
	{"uring buffered", Config{Backend: probe.BackendURing, PieceBytes: 16 << 10, Depth: 4, Buffered: true}},
	{"pread", Config{Backend: probe.BackendNet, PieceBytes: 16 << 10, Depth: 4}},
}

func eachReader(t *testing.T, arenaBytes int, f func(t *testing.T, r *Reader)) {
	for _, b := range fileBackends {
		t.Run(b.name, func(t *testing.T) {
			if _, err := probe.Choose(b.cfg.Backend, probe.Shared); err != nil {
				t.Skipf("not supported here: %v", err)
			}
			a, err := NewArena(arenaBytes)
			if err != nil {
				t.Fatal(err)
			}
			r, err := NewReader(a, b.cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s, registered: %v", a.Pages(), r.Registered())
			f(t, r)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func randomFile(t testing.TB, bytes int) (path string, content []byte) {
	t.Helper()
	content = make([]byte, bytes)
	rand.New(rand.NewSource(3)).Read(content)
	path = filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content
}

func TestReaderReadsAnyRange(t *testing.T) {
	const size = 1<<20 + 1234
	path, content := randomFile(t, size)
	eachReader(t, 4<<20, func(t *testing.T, r *Reader) {
		for _, c := range []struct{ off, at, n int }{
			{0, 0, size}, {0, 4096, 8192}, {4096, 0, 1}, {1, 1, 100_000}, {1, 0, 100_000},
			{5000, 904 + 4096, 70_000}, {size - 1, 17, 1}, {100, 100, 0}, {8192, 8192, size - 8192},
		} {
			clear(r.arena.bytes)
			last := int64(-1)
			err := r.Read(t.Context(), path, int64(c.off), c.at, c.n, func(done int64) { last = done })
			if err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			if !bytes.Equal(r.arena.bytes[c.at:c.at+c.n], content[c.off:c.off+c.n]) {
				t.Fatalf("%+v: content differs", c)
			}
			for i, b := range r.arena.bytes {
				if b != 0 && (i < c.at || i >= c.at+c.n) {
					t.Fatalf("%+v: wrote at %d, outside the range", c, i)
				}
			}
			if last != int64(c.n) {
				t.Errorf("%+v: progress ended at %d", c, last)
			}
		}
	})
}

func TestReaderErrors(t *testing.T) {
	path, _ := randomFile(t, 100_000)
	eachReader(t, 1<<20, func(t *testing.T, r *Reader) {
		ctx := t.Context()
		if err := r.Read(ctx, path, 50_000, 0, 60_000, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("past the end: %v", err)
		}
		if err := r.Read(ctx, path+".none", 0, 0, 10, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: %v", err)
		}
		if err := r.Read(ctx, filepath.Dir(path), 0, 0, 10, nil); err == nil {
			t.Error("a directory was read")
		}
		for _, c := range []struct {
			off   int64
			at, n int
		}{{-1, 0, 1}, {0, -1, 1}, {0, 0, -1}, {0, len(r.arena.bytes), 1}, {0, 1, len(r.arena.bytes)}} {
			if err := r.Read(ctx, path, c.off, c.at, c.n, nil); err == nil {
				t.Errorf("%+v was accepted", c)
			}
		}
		if err := r.Read(ctx, path, 0, 0, 100_000, nil); err != nil {
			t.Errorf("after errors: %v", err)
		}
	})
	a, err := NewArena(1)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, cfg := range []Config{{PieceBytes: 1000}, {Depth: -1}, {Depth: 5000}} {
		if _, err := NewReader(a, cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
	if _, err := NewArena(0); err == nil {
		t.Error("an empty arena was made")
	}
}

func TestReaderCancel(t *testing.T) {
	path, _ := randomFile(t, 8<<20)
	eachReader(t, 8<<20, func(t *testing.T, r *Reader) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Read(ctx, path, 0, 0, 8<<20, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
		for delay := range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				for range delay * 100 { // at another moment each time
					runtime.Gosched()
				}
				cancel()
			}()
			err := r.Read(ctx, path, 0, 0, 8<<20, nil)
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled under way: %v", err)
			}
		}
		if err := r.Read(t.Context(), path, 0, 0, 8<<20, nil); err != nil {
			t.Errorf("after cancellations: %v", err)
		}
	})
}

// A Read that waits for another's end heeds its context; after Close none waits.
func TestReaderTurn(t *testing.T) {
	path, _ := randomFile(t, 100)
	synctest.Test(t, func(t *testing.T) {
		a, err := NewArena(100)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		r, err := NewReader(a, Config{Backend: probe.BackendNet})
		if err != nil {
			t.Fatal(err)
		}
		r.turn <- struct{}{} // another reads
		ctx, cancel := context.WithCancel(t.Context())
		read := make(chan error, 1)
		go func() { read <- r.Read(ctx, path, 0, 0, 100, nil) }()
		synctest.Wait()
		cancel()
		if err := <-read; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled while it waits: %v", err)
		}
		<-r.turn
		for range 2 {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
