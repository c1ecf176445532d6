package unixsocket

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A socket whose process is gone gives way, and nothing else does.
func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("beside another: %v", err)
	}
	first.(*net.UnixListener).SetUnlinkOnClose(false) // as if it had been killed
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Listen(t.Context(), path)
	if err != nil {
		t.Fatalf("after one that is gone: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("closed, it is still there: %v", err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("where a file is: %v", err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "mine" {
		t.Errorf("the file is %q now, %v", content, err)
	}
}

// PathBytes is the kernel's bound.
func TestLongestPath(t *testing.T) {
	t.Chdir(t.TempDir())
	for length, fits := range map[int]bool{PathBytes: true, PathBytes + 1: false} {
		l, err := Listen(t.Context(), strings.Repeat("x", length))
		if (err == nil) != fits {
			t.Errorf("%d bytes: %v", length, err)
		}
		if err == nil {
			_ = l.Close()
		}
	}
}
