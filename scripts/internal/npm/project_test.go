package npm

import (
	"os"
	"path/filepath"
	"testing"
)

// project writes the files that say what a project needs.
func project(t *testing.T, lock string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"package.json": "{}", "package-lock.json": lock, "other.mjs": "script"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestInstallProject(t *testing.T) {
	fakeNPM(t, `/bin/mkdir node_modules && echo "$1" >node_modules/command`)
	cache, needs := t.TempDir(), project(t, "one")
	dir, err := InstallProject(t.Context(), cache, needs)
	if err != nil {
		t.Fatal(err)
	}
	checkOnly(t, cache, dir)
	checkFiles(t, filepath.Join(dir, "node_modules"), map[string]string{"command": "ci\n"})
	if _, err := os.Stat(filepath.Join(dir, "other.mjs")); err == nil {
		t.Error("more than the project's needs was copied")
	}
	other, err := InstallProject(t.Context(), cache, project(t, "two"))
	if err != nil || other == dir {
		t.Errorf("another lock file: %q, %v", other, err)
	}

	// The second time there is no npm, and none is needed.
	t.Setenv("PATH", t.TempDir())
	if again, err := InstallProject(t.Context(), cache, needs); err != nil || again != dir {
		t.Errorf("installed again: %q, %v; want %q", again, err, dir)
	}
}

func TestInstallProjectFails(t *testing.T) {
	cache := t.TempDir()
	fakeNPM(t, "/bin/mkdir node_modules; echo 'npm error code EINTEGRITY' >&2; exit 1")
	_, err := InstallProject(t.Context(), cache, project(t, "{}"))
	checkError(t, err, "EINTEGRITY", "npm ci")
	checkOnly(t, cache, "")
	t.Setenv("PATH", t.TempDir())
	_, err = InstallProject(t.Context(), cache, project(t, "{}"))
	checkError(t, err, "npm is not on the PATH")
	checkOnly(t, cache, "")
	_, err = InstallProject(t.Context(), cache, t.TempDir())
	checkError(t, err, "package.json")
}
