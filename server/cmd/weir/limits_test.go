package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/server/engine/llama/llamatest"
)

// confineVariable holds what this test binary is to do to itself before it
// becomes the program that confinedVariable names: words like memlock=65536,
// nofile=32, seccomp=425, user=65534.
const (
	confineVariable  = "WEIR_TEST_CONFINE"
	confinedVariable = "WEIR_TEST_CONFINED"
)

// Before flags are read: the arguments are the program's.
func init() {
	spec, program := os.Getenv(confineVariable), os.Getenv(confinedVariable)
	if program == "" {
		return
	}
	err := confine(spec)
	if err == nil {
		err = syscall.Exec(program, append([]string{program}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, "cannot be confined:", err)
	os.Exit(99)
}

func confine(spec string) error {
	for _, word := range strings.Fields(spec) {
		name, text, _ := strings.Cut(word, "=")
		value, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return err
		}
		switch name {
		case "memlock":
			err = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: value, Max: value})
		case "nofile":
			err = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: value, Max: value})
		case "nproc":
			err = unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: value, Max: value})
		case "seccomp":
			err = forbid(uint32(value))
		case "user":
			if os.Geteuid() != 0 {
				continue
			}
			if err = syscall.Setgroups(nil); err == nil {
				err = syscall.Setgid(int(value))
			}
			if err == nil {
				err = syscall.Setuid(int(value))
			}
		default:
			err = fmt.Errorf("what is %q", word)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", word, err)
		}
	}
	return nil
}

// forbid makes a system call fail with EPERM, here and in what is executed.
func forbid(nr uint32) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread() // what is set for the thread goes with its exec
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}

// house is what weir serve needs, where any user may read it.
type house struct{ dir, program, library, model string }

func newHouse(t *testing.T) house {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir-house")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	h := house{dir, filepath.Join(dir, "weir"), filepath.Join(dir, "engine"), filepath.Join(dir, "tiny.gguf")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	library, err := filepath.EvalSymlinks(llamatest.Library(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(h.library, os.DirFS(library)); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{binary: h.program, llamatest.Model(t): h.model, self: filepath.Join(dir, "confine")} {
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, content, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// command runs the program confined.
func (h house) command(t *testing.T, spec string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), filepath.Join(h.dir, "confine"), args...)
	c.Dir = "/"
	c.Env = append(environment(env), confineVariable+"="+spec, confinedVariable+"="+h.program)
	return c
}

const anyUser = "user=65534" // nobody; who is not root stays who he is

// Whatever a process may not do, the server serves, and either uses io_uring or
// says in one line why not and what to do.
func TestServeUnderLimits(t *testing.T) {
	h := newHouse(t)
	readOnly := filepath.Join(h.dir, "home")
	if err := os.Mkdir(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}
	specs := map[string][]string{ // and words of which the line, if there is one, has all
		anyUser:                           nil,
		"nofile=64 " + anyUser:            {"limit of open files, which is 64"},
		"nofile=24 " + anyUser:            {"limit of open files, which is 24"}, // this test's own connections are among them
		"nofile=32 " + anyUser:            {"limit of open files, which is 32"},
		"nofile=256 " + anyUser:           {"limit of open files, which is 256"},
		"nproc=64 " + anyUser:             nil,
		"seccomp=425":                     {"io_uring_setup", "seccomp"},
		"seccomp=426":                     {"io_uring_enter", "seccomp"},
		"seccomp=427":                     {"io_uring_register", "seccomp"},
		"memlock=0 seccomp=425 nofile=64": {"io_uring_setup", "seccomp"},
	}
	for _, kib := range []int{0, 8, 16, 32, 64, 128, 256, 320} {
		specs[fmt.Sprintf("memlock=%d %s", kib<<10, anyUser)] = []string{fmt.Sprintf("limit of locked memory, which is %d KiB", kib)}
	}
	if testing.Short() {
		specs = map[string][]string{"memlock=65536 " + anyUser: {"limit of locked memory, which is 64 KiB"}, "seccomp=425": {"io_uring_setup", "seccomp"}}
	}
	for spec, words := range specs {
		t.Run(spec, func(t *testing.T) {
			h.serve(t, spec, []string{"HOME=" + readOnly, "XDG_CACHE_HOME="}, words)
		})
	}
	for name, env := range map[string][]string{
		"no HOME":          {"HOME=", "XDG_CACHE_HOME="},
		"no such HOME":     {"HOME=/nonexistent", "XDG_CACHE_HOME="},
		"read-only HOME":   {"HOME=" + readOnly, "XDG_CACHE_HOME="},
		"read-only cache":  {"XDG_CACHE_HOME=" + readOnly},
		"no TMPDIR":        {"TMPDIR=/nonexistent"},
		"read-only TMPDIR": {"TMPDIR=" + readOnly, "HOME=" + readOnly, "XDG_CACHE_HOME=" + readOnly},
	} {
		t.Run(name, func(t *testing.T) { h.serve(t, anyUser, env, nil) })
	}
}

func (h house) serve(t *testing.T, spec string, env, words []string) {
	t.Helper()
	command := h.command(t, spec, append(env, "LLAMA_LIB="+h.library), "serve", "-m", h.model, "--port", "0")
	p, _ := watchStart(t, command, func(string) bool { return true })
	lines := p.stream("20")
	if rest, err := io.ReadAll(lines); err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the stream ends with %q, %v", rest[max(0, len(rest)-300):], err)
	}
	p.signal(syscall.SIGTERM)
	code, log := p.wait()
	if code != exitDone || strings.Contains(log, "level=ERROR") {
		t.Errorf("exit code %d, log: %s", code, log)
	}
	var said []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, "iouring:") {
			said = append(said, line)
		}
	}
	switch uring := strings.Contains(log, " io=uring "); {
	case uring && len(said) != 0:
		t.Errorf("io_uring is used, and yet %q", said)
	case uring:
	case len(said) != 1 || !strings.Contains(said[0], "level=WARN") || !strings.Contains(said[0], "WEIR_IO=net"):
		t.Errorf("without io_uring: want one warning with a remedy, got %q", said)
	default:
		for _, word := range words {
			if !strings.Contains(said[0], word) {
				t.Errorf("%q lacks %q", said[0], word)
			}
		}
	}
}

// Too few descriptors to serve at all are called that, and the remedy is theirs.
func TestTooFewDescriptors(t *testing.T) {
	h := newHouse(t)
	for i := range 8 {
		limit := 8 + i%4 // below, the Go runtime ends the process
		args := []string{"serve", "-m", h.model, "--port", "0"}
		if i >= 4 {
			args = []string{"models", "verify", h.model}
		}
		t.Run(fmt.Sprint(limit, args[0]), func(t *testing.T) {
			command := h.command(t, fmt.Sprintf("nofile=%d", limit), []string{"LLAMA_LIB=" + h.library}, args...)
			out, err := command.CombinedOutput()
			if _, exited := errors.AsType[*exec.ExitError](err); !exited {
				t.Fatal(err)
			}
			text := string(out)
			if strings.Contains(text, "netpollinit") || strings.Contains(text, "runtime: eventfd failed") {
				t.Skipf("not supported here: %.200s", text) // Go's end
			}
			end := text[strings.LastIndex(text, "weir: "):]
			if !strings.Contains(end, "too many open files") || !strings.Contains(end, "raise the limit of open files") {
				t.Errorf("the end is %q", end)
			}
		})
	}
}

// What a user may not read is called so.
func TestUnreadableLibrary(t *testing.T) {
	h := newHouse(t)
	if err := os.Chmod(h.library, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(h.library, 0o755) })
	for _, args := range [][]string{{"serve", "-m", h.model, "--port", "0"}, {"doctor"}} {
		out, err := h.command(t, anyUser, []string{"LLAMA_LIB=" + h.library}, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "permission denied") || strings.Contains(string(out), "does not exist") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}
