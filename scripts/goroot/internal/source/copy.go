package source

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// moduleGoMod is how a toolchain module names a nested go.mod.
const moduleGoMod = "_go.mod"

// built are the top folders that make.bash writes; a source tree has none.
var built = map[string]bool{"bin": true, "pkg": true}

// Generated are the files that make.bash writes into the source tree. A
// toolchain module carries them as built; a source tree has none.
var Generated = []string{
	"VERSION.cache",
	"src/cmd/cgo/zdefaultcc.go",
	"src/cmd/dist/dist",
	"src/cmd/go/internal/cfg/zdefaultcc.go",
	"src/cmd/internal/objabi/zbootstrap.go",
	"src/go/build/zcgo.go",
	"src/internal/buildcfg/zbootstrap.go",
	"src/internal/runtime/sys/zversion.go",
	"src/runtime/internal/sys/zversion.go",
	"src/time/tzdata/zzipdata.go",
}

var generated = func() map[string]bool {
	set := make(map[string]bool, len(Generated))
	for _, name := range Generated {
		set[name] = true
	}
	return set
}()

// Copy writes the source of the toolchain module in dir from into to, which
// must exist: writable, with go.mod files under their own names, run bits
// back, and without what a build left.
func Copy(ctx context.Context, from, to string) error {
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || rel == "." {
			return err
		}
		switch name := filepath.ToSlash(rel); {
		case entry.IsDir() && built[name]:
			return fs.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is neither file nor folder", name)
		case generated[name]:
			return nil
		default:
			return copyFile(path, filepath.Join(to, filepath.FromSlash(treeName(name))))
		}
	})
	if err != nil {
		return fmt.Errorf("source: copy %s: %w", from, err)
	}
	return nil
}

// CopyFiles is Copy for the named files only, slash-separated names of the
// tree. It returns those that the tree has.
func CopyFiles(from, to string, names []string) (found []string, err error) {
	for _, name := range names {
		path := filepath.Join(from, filepath.FromSlash(moduleName(name)))
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || generated[name] {
			continue
		}
		target := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return nil, fmt.Errorf("source: copy %s: %w", name, err)
		}
		if err := copyFile(path, target); err != nil {
			return nil, fmt.Errorf("source: copy %s: %w", name, err)
		}
		found = append(found, name)
	}
	return found, nil
}

// treeName turns a module's name of a file into the tree's; moduleName is its inverse.
func treeName(name string) string {
	if folder, ok := strings.CutSuffix(name, "/"+moduleGoMod); ok {
		return folder + "/go.mod"
	}
	return name
}

func moduleName(name string) string {
	if folder, ok := strings.CutSuffix(name, "/go.mod"); ok {
		return folder + "/" + moduleGoMod
	}
	return name
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, runBits(from, content))
}

// runBits guesses the mode that the file has in Go's repository: scripts run.
func runBits(name string, content []byte) fs.FileMode {
	if bytes.HasPrefix(content, []byte("#!")) && filepath.Ext(name) != ".txt" && filepath.Ext(name) != ".go" {
		return 0o755
	}
	return 0o644
}
