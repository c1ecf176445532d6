package main

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

const (
	// packTimeout bounds a download of 11 MB over a slow line.
	packTimeout = 10 * time.Minute

	useYourOwn = "set LLAMA_LIB to a directory with libllama of llama.cpp release 0.5.0"
)

// pack has npm download the archive into dir and returns the file's path.
func pack(ctx context.Context, dir string, a archive) (path string, err error) {
	ctx, cancel := context.WithTimeout(ctx, packTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "pack", "--ignore-scripts", "--silent", "--loglevel=error",
		"--pack-destination="+dir, a.String())
	cmd.Dir = dir // a project's .npmrc has no say
	cmd.Env = append(os.Environ(), "npm_config_update_notifier=false")
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("get %s: npm is not on the PATH; install Node.js with npm, or %s", a, useYourOwn)
	case ctx.Err() != nil:
		return "", fmt.Errorf("get %s: npm pack: %w; check the network, or %s", a, context.Cause(ctx), useYourOwn)
	case err != nil:
		return "", npmFailed(a, err, string(out))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("get %s: npm pack left %d files instead of one; try another version of npm", a, len(files))
	}
	return files[0], nil
}

// npmCode finds npm's name for what went wrong in its output, such as
// "npm error code ENOTFOUND".
var npmCode = regexp.MustCompile(`(?m)^npm (?:ERR!|error) code (\S+)`)

// npmFailed explains by npm's error code. npm's other words name hosts and log
// files; whoever wants them runs it.
func npmFailed(a archive, err error, output string) error {
	code := ""
	if m := npmCode.FindStringSubmatch(output); m != nil {
		code = m[1]
	}
	reason, remedy := err.Error(), "check the network and npm's configuration"
	switch {
	case code == "E404" || code == "ETARGET":
		reason, remedy = "npm's registry does not have it", "check which registry npm is set to (npm config get registry)"
	case code == "E401" || code == "E403":
		reason, remedy = "npm's registry refused", "log in to the registry npm is set to (npm config get registry)"
	case code == "ENOSPC":
		reason, remedy = "no space left", "free space, or set WEIR_CACHE to a folder with 40 MB to spare"
	case strings.HasPrefix(code, "E"):
		reason = "npm cannot reach its registry or failed (" + code + ")"
	}
	return fmt.Errorf("get %s: %s; %s (see `npm pack %s`), or %s", a, reason, remedy, a, useYourOwn)
}
