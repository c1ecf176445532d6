package npm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// packTimeout bounds a download of 20 MB over a slow line.
const packTimeout = 10 * time.Minute

// pack has npm download the package into dir and returns the file's path.
func (p Package) pack(ctx context.Context, dir string) (path string, err error) {
	ctx, cancel := context.WithTimeout(ctx, packTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "pack", "--ignore-scripts", "--silent", "--loglevel=error",
		"--pack-destination="+dir, p.String())
	cmd.Dir = dir // a project's .npmrc has no say
	cmd.Env = append(os.Environ(), "npm_config_update_notifier=false")
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("get %s: npm is not on the PATH; install Node.js with npm (Debian: apt-get install npm)", p)
	case ctx.Err() != nil:
		return "", fmt.Errorf("get %s: npm pack: %w; check the network", p, context.Cause(ctx))
	case err != nil:
		return "", p.failed(err, string(out))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("get %s: npm pack left %d files instead of one; try another version of npm", p, len(files))
	}
	return files[0], nil
}

// errorCode finds npm's name for what went wrong in its output, such as
// "npm error code ENOTFOUND".
var errorCode = regexp.MustCompile(`(?m)^npm (?:ERR!|error) code (\S+)`)

// failed explains by npm's error code. npm's other words name hosts and log
// files; whoever wants them runs it.
func (p Package) failed(err error, output string) error {
	code := ""
	if m := errorCode.FindStringSubmatch(output); m != nil {
		code = m[1]
	}
	reason, remedy := err.Error(), "check the network and npm's configuration"
	switch {
	case code == "E404" || code == "ETARGET":
		reason, remedy = "npm's registry does not have it", "check which registry npm is set to (npm config get registry)"
	case code == "E401" || code == "E403":
		reason, remedy = "npm's registry refused", "log in to the registry npm is set to (npm config get registry)"
	case code == "ENOSPC":
		reason, remedy = "no space left", "free space, or set WEIR_CACHE to a folder that has some"
	case strings.HasPrefix(code, "E"):
		reason = "npm cannot reach its registry or failed (" + code + ")"
	}
	return fmt.Errorf("get %s: %s; %s (see `npm pack %s`)", p, reason, remedy, p)
}
