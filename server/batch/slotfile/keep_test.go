package slotfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/weirgo/weir/server/batch/slotfile"
	"github.com/weirgo/weir/server/engine"
)

// The head of a file is what it says, and directories are one process's, whose files are
// in the order of their use.
func TestKeptFiles(t *testing.T) {
	dir, path := open(t)
	lock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := slotfile.Open(path); err != nil {
		t.Error(err)
	} else if _, err := again.Lock(); !refused(err) {
		t.Errorf("locked twice: %v", err)
	}
	for i, name := range []string{"b.kv", "a.kv", "c.bin"} {
		n, err := dir.Write(name, "model", []engine.Token{1, 2}, make([]byte, i+1))
		if err != nil || n != slotfile.FileBytes(2, i+1) {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
	if err := os.Chtimes(filepath.Join(path, "b.kv"), time.Unix(9, 0), time.Unix(9, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, ".weir-x-d.kv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	list := func() (names string) {
		files, err := dir.Files(".kv")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			names += f.Name + " "
		}
		return names
	}
	if got := list(); got != "b.kv a.kv " {
		t.Error(got)
	}
	if err := errors.Join(dir.Touch("b.kv"), dir.RemoveUnfinished(".kv")); err != nil {
		t.Error(err)
	}
	if got := list(); got != "a.kv b.kv " {
		t.Error(got)
	}
	if tokens, bytes, err := dir.Head("a.kv", expect); err != nil || !slices.Equal(tokens, []engine.Token{1, 2}) || bytes != 2 {
		t.Errorf("%v, %d, %v", tokens, bytes, err)
	}
	if _, _, err := dir.Head("none.kv", expect); !refused(err) {
		t.Error(err)
	}
	if err := errors.Join(dir.Remove("a.kv"), dir.Remove("a.kv")); err != nil || list() != "b.kv " {
		t.Errorf("%v, %s", err, list())
	}
	if err := dir.Remove("../a"); !refused(err) {
		t.Error(err)
	}
	if n, err := dir.FreeBytes(); n <= 0 || err != nil {
		t.Errorf("%d bytes free, %v", n, err)
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 3 { // two files and the lock
		t.Errorf("%v, %v", entries, err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
	if _, err := dir.Lock(); err != nil {
		t.Error(err)
	}
}
