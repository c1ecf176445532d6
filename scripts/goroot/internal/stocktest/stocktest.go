package stocktest

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// NeedGit skips the test where there is no git.
func NeedGit(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skipf("not supported here: %v", err)
	}
}

// Module writes the toolchain module of a version and returns its folder.
func Module(t testing.TB, version string) string {
	t.Helper()
	dir := t.TempDir()
	WriteFiles(t, dir, Files(version))
	return dir
}

// WriteFiles writes files by their slash-separated names.
func WriteFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Proxy writes a module proxy with the versions' toolchain modules and points
// the go command at it alone, with a module cache of its own.
func Proxy(t testing.TB, versions ...string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("not supported here: %v", err)
	}
	root := t.TempDir()
	folder := filepath.Join(root, "golang.org", "toolchain", "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		id := fmt.Sprintf("v0.0.1-go%s.%s-%s", version, runtime.GOOS, runtime.GOARCH)
		WriteFiles(t, folder, map[string]string{
			id + ".info": fmt.Sprintf(`{"Version":%q}`, id),
			id + ".mod":  "module golang.org/toolchain\n",
		})
		writeZip(t, filepath.Join(folder, id+".zip"), "golang.org/toolchain@"+id+"/", Files(version))
	}
	cache := t.TempDir()
	t.Cleanup(func() { unlock(cache) })
	tester, ok := t.(interface{ Setenv(key, value string) })
	if !ok {
		t.Fatal("cannot set the environment")
	}
	// A file proxy alone is the one from which the go command takes a
	// toolchain without the checksum database.
	tester.Setenv("GOPROXY", "file://"+filepath.ToSlash(root))
	tester.Setenv("GOSUMDB", "off")
	tester.Setenv("GOMODCACHE", cache)
	tester.Setenv("GOENV", "off")
}

// unlock makes the module cache's folders writable, so that they can be removed.
func unlock(dir string) {
	filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			os.Chmod(path, 0o755)
		}
		return nil
	})
}

func writeZip(t testing.TB, name, prefix string, files map[string]string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	for file, content := range files {
		entry, err := w.Create(prefix + file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// Commit writes files into a work tree and commits all changes there, as a
// person does with git and a configuration of their own. An empty content
// removes the file.
func Commit(t testing.TB, dir, message string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if content == "" {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				t.Fatal(err)
			}
			continue
		}
		WriteFiles(t, dir, map[string]string{name: content})
	}
	Git(t, dir, "add", "--all")
	Git(t, dir, "commit", "--quiet", "--message="+message)
}

// Git runs git as a person would.
func Git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GIT_AUTHOR_NAME=Ann Author", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05+01:00",
		"GIT_COMMITTER_NAME=Ann Author", "GIT_COMMITTER_EMAIL=ann@example.com", "GIT_EDITOR=:", "GIT_SEQUENCE_EDITOR=:",
	)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
