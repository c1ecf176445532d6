package seeded

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func write(t *testing.T, size Size, seed uint64) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := Write(path, size, seed); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSameSeedSameBytes(t *testing.T) {
	first := write(t, Tiny, 7)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if !bytes.Equal(first, write(t, Tiny, 7)) {
		t.Error("the same seed gave other bytes on one core")
	}
	if bytes.Equal(first, write(t, Tiny, 8)) {
		t.Error("another seed gave the same bytes")
	}
}

func TestUnknownSizeLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := Write(filepath.Join(dir, "model.gguf"), "70b", 1); err == nil {
		t.Error("no error for an unknown size")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
}
