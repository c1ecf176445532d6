package npm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// timeout bounds downloads of some 20 MB over a slow line.
const timeout = 10 * time.Minute

// run runs the user's npm in dir, whose own .npmrc alone has a say beside the
// user's. what says what it is for, and see what shows npm's own words.
func run(ctx context.Context, dir, what, see string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", append(args, "--ignore-scripts", "--loglevel=error")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "npm_config_update_notifier=false")
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%s: npm is not on the PATH; install Node.js with npm (Debian: apt-get install npm)", what)
	case ctx.Err() != nil:
		return fmt.Errorf("%s: npm %s: %w; check the network", what, args[0], context.Cause(ctx))
	case err != nil:
		return failed(what, see, err, string(out))
	}
	return nil
}

// errorCode finds npm's name for what went wrong in its output, such as
// "npm error code ENOTFOUND".
var errorCode = regexp.MustCompile(`(?m)^npm (?:ERR!|error) code (\S+)`)

// failed explains by npm's error code. npm's other words name hosts and log
// files; whoever wants them runs it.
func failed(what, see string, err error, output string) error {
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
	return fmt.Errorf("%s: %s; %s (see `%s`)", what, reason, remedy, see)
}
