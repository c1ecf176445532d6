package fault

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// mapped maps a new file of so many pages and returns its path and memory.
func mapped(t *testing.T, pages int) (path string, memory []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "with space")
	if err := os.WriteFile(path, make([]byte, pages*os.Getpagesize()), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	memory, err = unix.Mmap(int(file.Fd()), 0, pages*os.Getpagesize(), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(memory); err != nil {
			t.Error(err)
		}
	})
	return path, memory
}

// read has C's memcmp read the byte at p, so the fault is not in Go code.
func read(t *testing.T, p *byte) {
	t.Helper()
	libc, err := purego.Dlopen("libc.so.6", purego.RTLD_NOW)
	if err != nil {
		t.Skipf("not supported: %v", err)
	}
	memcmp, err := purego.Dlsym(libc, "memcmp")
	if err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, 1)
	purego.SyscallN(memcmp, uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&zero[0])), 1)
}

func TestLostEnd(t *testing.T) {
	path, memory := mapped(t, 8)
	other, otherMemory := mapped(t, 2)
	watched, err := Watch(path)
	if err != nil || watched.Bytes() != uint64(len(memory)) {
		t.Fatal(err, watched.Bytes())
	}
	otherWatched, err := Watch(other)
	if err != nil {
		t.Fatal(err)
	}
	defer otherWatched.Close()
	page := os.Getpagesize()
	read(t, &memory[7*page])
	if watched.Lost() {
		t.Fatal("lost before anything was")
	}
	if err := os.Truncate(path, int64(3*page)); err != nil {
		t.Fatal(err)
	}
	read(t, &memory[2*page])
	if watched.Lost() {
		t.Error("lost by a read of what is there")
	}
	read(t, &memory[5*page+7]) // and from there to the end
	if !watched.Lost() {
		t.Error("a read beyond the end is not noted")
	}
	read(t, &memory[8*page-1])
	read(t, &memory[3*page]) // a page of its own
	if memory[4*page] != 0 { // Go code may read it as well
		t.Error("what is lost is not zero")
	}
	read(t, &otherMemory[page])
	if otherWatched.Lost() {
		t.Error("the other file lost nothing")
	}
	watched.Close()
	if watched.Lost() {
		t.Error("lost after Close")
	}
}

func TestNothingMapped(t *testing.T) {
	m, err := Watch(filepath.Join(t.TempDir(), "nothing"))
	if err != nil || m.Bytes() != 0 || m.Lost() {
		t.Errorf("%v, %v", m, err)
	}
	m.Close()
}

// TestOthersFaults: what is not watched is the runtime's, and while a file is
// being mapped it is one sentence.
func TestOthersFaults(t *testing.T) {
	const role = "FAULT_ROLE"
	if kind := os.Getenv(role); kind != "" {
		path, memory := mapped(t, 2)
		m, err := Watch() // the handler is in
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if kind == "loading" {
			Begin()
		}
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		read(t, &memory[0])
		t.Fatal("still alive")
	}
	for kind, want := range map[string]string{"unwatched": "SIGBUS", "loading": "weir: the model file lost its end"} {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOthersFaults$")
		child.Env = append(os.Environ(), role+"="+kind, "GOTRACEBACK=none")
		out, err := child.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "still alive") {
			t.Errorf("%s: %v, %s", kind, err, out)
		}
		if kind == "loading" && child.ProcessState.ExitCode() != 1 {
			t.Errorf("%s: exit code %d", kind, child.ProcessState.ExitCode())
		}
	}
}
