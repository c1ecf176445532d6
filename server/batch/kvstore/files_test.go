package kvstore

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirgo/weir/server/batch/slotfile"
)

// What memory has no room for is in files, and there for the next process, whatever end
// this one has come to.
func TestFilesComeBack(t *testing.T) {
	for name, ram := range map[string]int64{"no memory": 0, "little": 108, "any": -1} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "made", "here")
			s := open(t, Config{RAMBytes: ram, Dir: dir, DiskBytes: -1})
			for seed := range 5 {
				if !s.put(KeyOf("all", fmt.Sprint(seed%2)), tokens(seed, 20), 100+seed) {
					t.Errorf("entry %d is not kept", seed)
				}
				s.idle()
			}
			inMemory := map[int64]int{0: 0, 108: 1, -1: 5}[ram]
			if st := s.Stats(); st.RAMEntries != inMemory || st.DiskEntries != 5 || st.Written != 5 || st.Refused != 0 {
				t.Errorf("%+v", st)
			}
			check := func(s *tested) {
				t.Helper()
				for seed := range 5 {
					got, _ := s.get(KeyOf("all", fmt.Sprint(seed%2)), tokens(seed, 20))
					if !bytes.Equal(got, stateOf(tokens(seed, 20), 100+seed)) {
						t.Errorf("entry %d: %d bytes", seed, len(got))
					}
					if got, _ := s.get(KeyOf("all", fmt.Sprint(1-seed%2)), tokens(seed, 20)); got != nil {
						t.Errorf("entry %d is another key's", seed)
					}
				}
			}
			check(s)
			s.close()
			s = open(t, Config{RAMBytes: ram, Dir: dir, DiskBytes: -1})
			check(s)
			if st := s.Stats(); st.DiskEntries != 5 || st.Damaged != 0 || s.ReadRate() <= 0 {
				t.Errorf("%+v, %v bytes a second", st, s.ReadRate())
			}
			s.close()
			if s.log.Len() > 0 {
				t.Errorf("log: %s", s.log)
			}
		})
	}
}

func TestOneProcessADirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	if _, err := Open(Config{Dir: dir, Expect: expect}); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("opened twice: %v", err)
	}
	s.close()
	open(t, Config{Dir: dir}).close()
	if _, err := Open(Config{Dir: filepath.Join(dir, ".weir-lock"), Expect: expect}); err == nil {
		t.Error("a file is no directory")
	}
}

// Files together keep to their bound, across processes too; those used longest ago go.
func TestDiskIsBounded(t *testing.T) {
	dir := t.TempDir()
	one := slotfile.FileBytes(20, 100)
	s := open(t, Config{Dir: dir, DiskBytes: 3 * one})
	for seed := range 4 {
		s.put(anybody, tokens(seed, 20), 100)
		s.idle()
	}
	if st := s.Stats(); st.DiskEntries != 3 || st.DiskBytes != 3*one || st.EvictedDisk != 1 || st.Refused != 0 {
		t.Errorf("%+v", st)
	}
	if got, _ := s.get(anybody, tokens(0, 20)); got != nil {
		t.Error("the oldest is still there")
	}
	if s.Accepts(20, 10_000) || s.put(anybody, tokens(9, 20), 10_000) {
		t.Error("larger than all there is")
	}
	s.close()
	s = open(t, Config{Dir: dir, DiskBytes: 2 * one})
	if st := s.Stats(); st.DiskEntries != 2 || st.DiskBytes != 2*one {
		t.Errorf("%+v", st)
	}
	s.close()
	if names := kept(t, dir); len(names) != 2 {
		t.Errorf("%q", names)
	}
}

// kept are the files of a directory that hold states.
func kept(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, ours := keyOfFile(filepath.Base(name))
		return !ours
	})
}

// No damage gives a state, and each is told once and removed.
func TestDamage(t *testing.T) {
	whole := slotfile.FileBytes(20, 100)
	for at := int64(0); at < whole; at += 5 {
		dir := t.TempDir()
		s := open(t, Config{Dir: dir})
		s.put(anybody, tokens(1, 20), 100)
		s.close()
		name := kept(t, dir)[0]
		content, err := os.ReadFile(name)
		if err != nil || int64(len(content)) != whole {
			t.Fatalf("%d bytes, %v", len(content), err)
		}
		if at%2 == 0 {
			content[at] ^= 1
		} else {
			content = content[:at]
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s = open(t, Config{Dir: dir})
		if got, _ := s.get(anybody, tokens(1, 20)); got != nil {
			t.Errorf("byte %d: a state of %d bytes", at, len(got))
		}
		// A token that is another one may be in no prompt.
		for _, e := range s.entries {
			lease := s.Lease(e.id)
			s.until(func() bool { return !lease.Waits() })
			if lease.State() != nil {
				t.Errorf("byte %d: a state of %d bytes", at, len(lease.State()))
			}
			lease.End()
		}
		if st := s.Stats(); st.Damaged != 1 || st.DiskEntries != 0 || st.DiskBytes != 0 {
			t.Errorf("byte %d: %+v", at, st)
		}
		s.close()
		if n := strings.Count(s.log.String(), "\n"); n != 1 || len(kept(t, dir)) != 0 {
			t.Errorf("byte %d: %d lines, %q: %s", at, n, kept(t, dir), s.log)
		}
	}
}

// Files of others go, with a line for all of them; what is none of ours stays.
func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, RAMBytes: -1})
	for seed := range 4 {
		s.put(anybody, tokens(seed, 20), 100)
	}
	s.close()
	strange := []string{"notes.kv", ".weir-unfinished-notes.txt", strings.Repeat("z", 64) + "-" + strings.Repeat("A", 26) + ".kv"}
	for _, name := range append(strange, ".weir-XYZ-of-a-killed-process.kv") {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Under another key's name a file is a foreign one.
	name := kept(t, dir)[0]
	if err := os.Rename(name, filepath.Join(dir, string(KeyOf("all", "b"))+filepath.Base(name)[keyBytes:])); err != nil {
		t.Fatal(err)
	}
	s = open(t, Config{Dir: dir})
	if st := s.Stats(); st.DiskEntries != 3 || st.Damaged != 1 {
		t.Errorf("%+v", st)
	}
	s.close()
	other := expect
	other.Identity = "another model"
	s = open(t, Config{Dir: dir, Expect: other})
	if st := s.Stats(); st.DiskEntries != 0 || st.Damaged != 3 {
		t.Errorf("%+v", st)
	}
	s.close()
	if n := strings.Count(s.log.String(), "\n"); n != 1 || !strings.Contains(s.log.String(), "another model or another engine") {
		t.Errorf("%d lines: %s", n, s.log)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := append(strange, ".weir-lock")
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// A disk that takes nothing costs the states, no more.
func TestUnwritableDirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, RAMBytes: 108})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for seed := range 3 {
		s.put(anybody, tokens(seed, 20), 100)
		s.idle()
	}
	if st := s.Stats(); st.Failed != 3 || st.Written != 0 || st.RAMEntries != 1 || st.DiskBytes != 0 || st.EvictedRAM != 2 {
		t.Errorf("%+v", st)
	}
	if got, _ := s.get(anybody, tokens(2, 20)); !bytes.Equal(got, stateOf(tokens(2, 20), 100)) {
		t.Error("what is in memory is not given")
	}
	s.close()
}
