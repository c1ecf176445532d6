package npm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

// projectFiles say what a project needs: its package-lock.json pins each package
// with all that it depends on, by version and hash.
var projectFiles = []string{"package.json", "package-lock.json"}

// InstallProject returns the folder of a cache that has a node_modules with the
// packages that the lock file in project pins, after getting them if they are
// not there. npm checks their hashes. Errors say what to do about npm.
func InstallProject(ctx context.Context, cache, project string) (dir string, err error) {
	hash := sha256.New()
	contents := map[string][]byte{}
	for _, name := range projectFiles {
		content, err := os.ReadFile(filepath.Join(project, name))
		if err != nil {
			return "", fmt.Errorf("install packages: %w", err)
		}
		contents[name] = content
		fmt.Fprintf(hash, "%s %d\n%s", name, len(content), content)
	}
	key := hex.EncodeToString(hash.Sum(nil))[:16]
	dir = filepath.Join(cache, key)
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir, nil
	}
	return checkout.Install(cache, key, func(work string) (string, error) {
		made := filepath.Join(work, "made")
		if err := os.Mkdir(made, 0o755); err != nil {
			return "", fmt.Errorf("install packages: %w", err)
		}
		for name, content := range contents {
			if err := os.WriteFile(filepath.Join(made, name), content, 0o644); err != nil {
				return "", fmt.Errorf("install packages: %w", err)
			}
		}
		return made, run(ctx, made, "install packages", "npm ci in "+project, "ci", "--no-audit", "--no-fund")
	})
}
