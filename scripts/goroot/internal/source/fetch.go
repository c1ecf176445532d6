package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Fetch returns the directory of version v in the go command's module cache,
// getting it first where it is missing. The go command verifies the checksum.
// The tree is read-only and shared: see [Copy].
func Fetch(ctx context.Context, v Version) (dir string, err error) {
	module := fmt.Sprintf("golang.org/toolchain@v0.0.1-%s.%s-%s", v, runtime.GOOS, runtime.GOARCH)
	out, runErr := goCommand(ctx, nil, "mod", "download", "-json", module)
	var got struct{ Dir, Error string }
	if err := json.Unmarshal(out, &got); err != nil && runErr == nil {
		return "", fmt.Errorf("source: fetch %s: read the go command's answer: %w", v, err)
	}
	if got.Error != "" {
		runErr = errors.New(got.Error)
	}
	if runErr != nil {
		return "", fmt.Errorf("source: fetch %s: %w%s", v, runErr, fetchRemedy(runErr.Error()))
	}
	return got.Dir, nil
}

// fetchRemedy says what to do about the go command's message.
func fetchRemedy(message string) string {
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(message, word) {
				return true
			}
		}
		return false
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	switch {
	case has("SECURITY ERROR", "checksum mismatch"):
		return ": what the proxy sent is not what Go released: do not use it; try another GOPROXY"
	case has("no space left"):
		return ": free disk space, or move GOMODCACHE"
	case has("toolchain not available"):
		return ": check that this version was released for " + platform + " (https://go.dev/dl), and `go env GOPROXY`"
	case has("404", "not found", "no such file", "unknown revision", "invalid version"):
		return ": check that this version was released for " + platform + " (https://go.dev/dl)"
	case has("dial tcp", "lookup", "timeout", "no such host", "connection refused", "proxyconnect", "module lookup disabled"):
		return ": no way to the module proxy: check the network and `go env GOPROXY`"
	}
	return ""
}

// Bootstrap returns the GOROOT of a runnable stock toolchain of version v.
// The go command itself puts it there, run bits included.
func Bootstrap(ctx context.Context, v Version) (goroot string, err error) {
	out, err := goCommand(ctx, []string{"GOTOOLCHAIN=" + v.String()}, "env", "GOROOT", "GOVERSION")
	if err != nil {
		return "", fmt.Errorf("source: get stock %s: %w%s", v, err, fetchRemedy(err.Error()))
	}
	goroot, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if version != v.String() {
		return "", fmt.Errorf("source: get stock %s: the go command answers as %s: install Go 1.21 or newer, which can switch toolchains", v, version)
	}
	return goroot, nil
}

// goCommand runs the go command outside any module, without the caller's flags.
func goCommand(ctx context.Context, env []string, args ...string) ([]byte, error) {
	outside, err := os.MkdirTemp("", "goroot-fetch-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(outside)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = outside
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GO111MODULE=", "GOROOT=", "GOOS=", "GOARCH=", "PWD="+outside)
	cmd.Env = append(cmd.Env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("go is not on the PATH: install Go 1.21 or newer (https://go.dev/doc/install)")
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && stderr.Len() > 0:
		return stdout.Bytes(), errors.New(strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), err
}
