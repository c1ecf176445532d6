package slotfile_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/server/batch/slotfile"
	"github.com/weirgo/weir/server/engine"
)

var expect = slotfile.Expect{Identity: "model", Tokens: 8, Vocabulary: 100}

func encode(t testing.TB, identity string, tokens []engine.Token, state []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	n, err := slotfile.Encode(&out, identity, tokens, state)
	if err != nil || n != int64(out.Len()) {
		t.Fatalf("%d bytes of %d: %v", n, out.Len(), err)
	}
	return out.Bytes()
}

func open(t testing.TB) (*slotfile.Dir, string) {
	t.Helper()
	path := t.TempDir()
	dir, err := slotfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir, path
}

func refused(err error) bool {
	_, ok := errors.AsType[*slotfile.Error](err)
	return ok
}

func TestFilesComeBack(t *testing.T) {
	dir, path := open(t)
	for _, slot := range []struct {
		tokens []engine.Token
		state  string
	}{{[]engine.Token{1, 2, 99}, "a state"}, {nil, ""}, {[]engine.Token{0}, strings.Repeat("long", 100_000)}} {
		n, err := dir.Write("a slot.bin", "model", slot.tokens, []byte(slot.state))
		if err != nil {
			t.Fatal(err)
		}
		got, err := dir.Read("a slot.bin", expect)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Tokens, slot.tokens) || string(got.State) != slot.state || got.Bytes != n {
			t.Errorf("%v, %d bytes of state, %d of %d", got.Tokens, len(got.State), got.Bytes, n)
		}
		got.Free()
		got.Free() // nothing is left
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("conversations are for their owner: %v, %v", info.Mode(), err)
	}
}

func TestNames(t *testing.T) {
	dir, path := open(t)
	for _, name := range []string{
		"", ".", "..", ".hidden", "a/b", "../a", "/etc/passwd", `a\b`, "c:", "a\x00b", "a\nb", "a\xff", "a*", " a", "a ", "a.", "a\u202eb",
		strings.Repeat("x", 201),
	} {
		if _, err := dir.Write(name, "model", nil, nil); !refused(err) {
			t.Errorf("%q: written: %v", name, err)
		}
		if _, err := dir.Read(name, expect); !refused(err) {
			t.Errorf("%q: read: %v", name, err)
		}
	}
	for _, name := range []string{"a", "a b.bin", "ä世", "a..b", "-a", strings.Repeat("x", 200)} {
		if _, err := dir.Write(name, "model", nil, nil); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := dir.Read("none", expect); !refused(err) {
		t.Errorf("%v", err)
	}
	if _, err := slotfile.Open(filepath.Join(path, "nothing")); err == nil {
		t.Error("a directory that is not there")
	}
}

// What lies in the directory and is no file, or leads out of it, is refused.
func TestNoFiles(t *testing.T) {
	dir, path := open(t)
	if err := os.Mkdir(filepath.Join(path, "dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(path, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, encode(t, "model", nil, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(path, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dir", "pipe", "link"} {
		if _, err := dir.Read(name, expect); err == nil {
			t.Errorf("%s: read", name)
		}
		if _, err := dir.Write(name, "model", nil, nil); !refused(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDamage(t *testing.T) {
	file := encode(t, "model", []engine.Token{1, 2, 99}, []byte("a state"))
	decode := func(file []byte, size int) error {
		s, err := slotfile.Decode(bytes.NewReader(file), int64(size), expect)
		if err == nil {
			s.Free()
		}
		return err
	}
	if err := decode(file, len(file)); err != nil {
		t.Fatal(err)
	}
	for n := range file {
		if err := decode(file[:n], n); !refused(err) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		if err := decode(file[:n], len(file)); !refused(err) {
			t.Errorf("cut to %d bytes after a look at its size: %v", n, err)
		}
		spoilt := slices.Clone(file)
		spoilt[n] ^= 0x10
		if err := decode(spoilt, len(spoilt)); !refused(err) {
			t.Errorf("byte %d is another: %v", n, err)
		}
	}
	for name, file := range map[string][]byte{
		"more":           append(slices.Clone(file), 0),
		"another model":  encode(t, "another", []engine.Token{1}, nil),
		"many tokens":    encode(t, "model", make([]engine.Token, 9), nil),
		"no vocabulary":  encode(t, "model", []engine.Token{100}, nil),
		"negative token": encode(t, "model", []engine.Token{-1}, nil),
	} {
		if err := decode(file, len(file)); !refused(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whichever write finds the disk full, it is said.
func TestFullDisk(t *testing.T) {
	full := errors.New("disk full")
	for room := range len(encode(t, "model", []engine.Token{1, 2}, []byte("state"))) {
		if _, err := slotfile.Encode(&disk{room: room, full: full}, "model", []engine.Token{1, 2}, []byte("state")); !errors.Is(err, full) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

// disk is one with so much room.
type disk struct {
	room int
	full error
}

func (d *disk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		return 0, d.full
	}
	d.room -= len(p)
	return len(p), nil
}

// FuzzDecode: no file makes more of itself than its bytes, and one that is taken
// is written again as it was.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, "model", []engine.Token{1, 2, 99}, []byte("a state")), false)
	f.Add(encode(f, "model", nil, nil), true)
	f.Add([]byte("WEIRSLOT"), true)
	f.Fuzz(func(t *testing.T, file []byte, sum bool) {
		if n := len(file) - sha256.Size; sum && n >= 0 { // with the right sum it is looked at further
			right := sha256.Sum256(file[:n])
			file = append(file[:n:n], right[:]...)
		}
		s, err := slotfile.Decode(bytes.NewReader(file), int64(len(file)), expect)
		if err != nil {
			if !refused(err) {
				t.Error(err)
			}
			return
		}
		defer s.Free()
		if !bytes.Equal(encode(t, "model", s.Tokens, s.State), file) {
			t.Error("another file was written again")
		}
	})
}

func Example() {
	path, err := os.MkdirTemp("", "slots")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(path)
	dir, err := slotfile.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer dir.Close()
	if _, err := dir.Write("chat.bin", "this model", []engine.Token{5, 7}, []byte{1, 2, 3}); err != nil {
		fmt.Println(err)
		return
	}
	_, err = dir.Read("chat.bin", slotfile.Expect{Identity: "another model", Tokens: 100, Vocabulary: 100})
	fmt.Println(err)
	// Output: the file was saved with another model or another engine library
}
