package harness

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weirgo/weir/bench/internal/experiment"
)

// goCommand is a toolchain's go command.
type goCommand struct {
	name    experiment.Toolchain
	path    string
	choice  string // GOTOOLCHAIN, so that no go.mod swaps another one in
	version string // as `go env GOVERSION` says
}

// findGo returns the two toolchains. weirGo overrides build/go/bin/go.
func findGo(ctx context.Context, root, weirGo string) (map[experiment.Toolchain]goCommand, error) {
	pinned, err := os.ReadFile(filepath.Join(root, "goroot-patches", "GO_VERSION"))
	if err != nil {
		return nil, fmt.Errorf("harness: find stock Go: %w", err)
	}
	stock := goCommand{name: experiment.Stock, path: "go", choice: "go" + strings.TrimSpace(string(pinned))}
	if stock.version, err = stock.goVersion(ctx); err != nil {
		return nil, err
	}
	if stock.version != stock.choice {
		return nil, fmt.Errorf("harness: find stock Go: go command answers %s, not %s: install Go 1.21 or newer", stock.version, stock.choice)
	}
	weir := goCommand{name: experiment.Weir, path: weirGo, choice: "local"}
	if weirGo == "" {
		weir.path = filepath.Join(root, "build", "go", "bin", "go")
	} else if path, err := exec.LookPath(weirGo); err == nil {
		weir.path = path
	}
	if _, err := os.Stat(weir.path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("harness: find our Go: %s is not there: run `make toolchain`, or set WEIR_GO to its go command", weir.path)
	}
	if weir.version, err = weir.goVersion(ctx); err != nil {
		return nil, err
	}
	return map[experiment.Toolchain]goCommand{experiment.Stock: stock, experiment.Weir: weir}, nil
}

// isWeir reports whether this really is our toolchain.
func (g goCommand) isWeir() bool { return strings.Contains(g.version, "-weir.") }

func (g goCommand) goVersion(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, g.path, "env", "GOVERSION")
	cmd.Env = g.environment()
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("harness: ask %s for its version: %w%s", g.path, err, stderrOf(err))
	}
	// A toolchain built with experiments appends them to its version.
	version, _, _ := strings.Cut(strings.TrimSpace(string(output)), " ")
	return version, nil
}

// environment is the caller's without what would choose another toolchain or
// other experiments, and without cgo.
func (g goCommand) environment() []string {
	environ := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == "GOROOT" || name == "GOEXPERIMENT" || name == "CGO_ENABLED" || strings.HasPrefix(name, "GOTOOLCHAIN")
	})
	return append(environ, "GOTOOLCHAIN="+g.choice, "CGO_ENABLED=0")
}

// build compiles a package as the module at root sees it into a binary, by the
// go subcommand with its flags, and checks which toolchain the binary names as
// its own.
func (g goCommand) build(ctx context.Context, root, pkg, binary string, subcommand ...string) error {
	cmd := exec.CommandContext(ctx, g.path, append(subcommand, "-o", binary, pkg)...)
	cmd.Dir, cmd.Env = root, g.environment()
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("harness: build %s with %s: %w\n%s", pkg, g.version, err, strings.TrimSpace(string(output)))
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("harness: read build information: %w", err)
	}
	if got, _, _ := strings.Cut(info.GoVersion, " "); got != g.version {
		return fmt.Errorf("harness: build %s: the binary was made by %s, not by %s", pkg, info.GoVersion, g.version)
	}
	return nil
}

func stderrOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return "\n" + strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}
