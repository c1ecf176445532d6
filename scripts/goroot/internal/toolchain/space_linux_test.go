package toolchain

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

// TestNoSpace needs a file system that is too small, which only root can make.
func TestNoSpace(t *testing.T) {
	b, _ := newBuild(t)
	if err := os.MkdirAll(b.Cache.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", b.Cache.dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("not supported here: mount a small file system: %v", err)
	}
	defer syscall.Unmount(b.Cache.dir, 0)
	if _, _, err := b.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "free some, or set "+checkout.CacheVariable) {
		t.Errorf("%v", err)
	}
}
