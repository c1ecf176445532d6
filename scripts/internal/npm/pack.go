package npm

import (
	"context"
	"fmt"
	"path/filepath"
)

// pack has npm download the package into dir and returns the file's path.
func (p Package) pack(ctx context.Context, dir string) (path string, err error) {
	if err := run(ctx, dir, "get "+p.String(), "npm pack "+p.String(), "pack", "--silent", "--pack-destination="+dir, p.String()); err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("get %s: npm pack left %d files instead of one; try another version of npm", p, len(files))
	}
	return files[0], nil
}
