package profilers

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/weirgo/weir/scripts/internal/checkout"
)

// The tools, which know of no version of ours.
var (
	delve = tool{"dlv", "github.com/go-delve/delve/cmd/dlv", "v1.27.2"}
	gops  = tool{"gops", "github.com/google/gops", "v0.3.14"}
)

type tool struct{ name, path, version string }

// install gives the tool's program.
func (tl tool) install(t *testing.T) string {
	t.Helper()
	cache, err := checkout.Cache("gotools")
	if err != nil {
		t.Fatal(err)
	}
	key := tl.name + "-" + tl.version
	program := filepath.Join(cache, key, tl.name)
	if _, err := os.Stat(program); err == nil {
		return program
	}
	_, err = checkout.Install(cache, key, func(work string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "go", "install", tl.path+"@"+tl.version)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "GOBIN="+work, "GOFLAGS=", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
		return work, nil
	})
	if err != nil {
		t.Skipf("not supported: %s %s cannot be had: %v", tl.path, tl.version, err)
	}
	return program
}

// build builds the program that waits.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short: it builds other people's tools")
	}
	if !strings.Contains(runtime.Version(), "-weir.") {
		t.Skip("not supported: this is stock Go")
	}
	program := filepath.Join(t.TempDir(), "waits")
	cmd := exec.Command("go", "build", "-o", program, "./testdata/waits")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

// checkNot has delve go on: it takes what follows a third dot of a version for a
// proposal's name, and go1.27.4-weir.1.hash for no version. What it then thinks that
// Go is like is right all the same.
const checkNot = "--check-go-version=false"

// debug has delve do what a script says, and returns what it prints.
func debug(t *testing.T, commands string, args ...string) string {
	t.Helper()
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte(commands), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), delve.install(t), append(args, checkNot, "--allow-non-terminal-interactive=true", "--init", script)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir()) // nobody's settings
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "operation not permitted") {
		t.Skipf("not supported: no process may be traced here: %s", out)
	}
	if err != nil {
		t.Fatalf("dlv %v: %v: %s", args, err, out)
	}
	return string(out)
}

// checkDebugged looks for what delve must have found.
func checkDebugged(t *testing.T, out string) {
	t.Helper()
	if n := strings.Count(out, " main.park ("); n != 4 {
		t.Errorf("%d goroutines wait in park, not 4:\n%s", n, out)
	}
	if !strings.Contains(out, "map[string]int [\n\t\"answer\": 42, \n]") {
		t.Errorf("the variable is not what it is:\n%s", out)
	}
}

// Delve stops the program, finds its goroutines and its variables, and writes a core,
// in which it finds them too.
func TestDelve(t *testing.T) {
	program := build(t)
	core := filepath.Join(t.TempDir(), "core")
	const look = "goroutines -u\nprint main.Answer\n"
	live := debug(t, "break main.ready\ncontinue\n"+look+"print n\ndump "+core+"\nexit\n", "exec", program)
	checkDebugged(t, live)
	if !strings.Contains(live, "> [Breakpoint 1] main.ready(") {
		t.Errorf("it did not stop in ready:\n%s", live)
	}
	checkDebugged(t, debug(t, look+"exit\n", "core", program, core))
}

// gops lists the process with the version that built it.
func TestGops(t *testing.T) {
	program := build(t)
	lister := gops.install(t)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	bufio.NewScanner(out).Scan()
	list, err := exec.CommandContext(t.Context(), lister).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, list)
	}
	for line := range strings.Lines(string(list)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == fmt.Sprint(cmd.Process.Pid) {
			if !strings.Contains(line, runtime.Version()) || !strings.Contains(line, program) {
				t.Errorf("%s has neither %s nor %s", line, runtime.Version(), program)
			}
			return
		}
	}
	t.Errorf("process %d is not listed:\n%s", cmd.Process.Pid, list)
}

func TestGoVersion(t *testing.T) {
	program := build(t)
	out, err := exec.Command("go", "version", "-m", program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{program + ": " + runtime.Version() + "\n", "\tpath\tgithub.com/weirgo/weir/scripts/profilers/testdata/waits\n", "\tbuild\tCGO_ENABLED=0\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}
