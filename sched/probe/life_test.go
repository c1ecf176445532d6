package probe

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
)

// nobody has no privileges.
var nobody = &syscall.Credential{Uid: 65534, Gid: 65534}

// Close takes everything out of the process and of the kernel.
func TestClose(t *testing.T) {
	both(t, func(t *testing.T, tg *target, p *Probe) {
		if n := tg.do("semaphore"); n != fmt.Sprint(points) {
			t.Errorf("%s points are attached, not %d", n, points)
		}
		var ids []ebpf.ProgramID
		for _, program := range p.programs {
			info, err := program.Info()
			if err != nil {
				t.Fatal(err)
			}
			id, ok := info.ID()
			if !ok {
				t.Skip("not supported: programs have no numbers")
			}
			ids = append(ids, id)
		}
		for range 2 { // the second time there is nothing to do
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if s, err := p.Read(); s != nil || !errors.Is(err, ErrClosed) || !p.Ended() {
			t.Errorf("closed: %v, %v", s, err)
		}
		if n := tg.do("semaphore"); n != "0" {
			t.Errorf("%s points are still attached", n)
		}
		tg.fire("Ready 1 1", "Run 1 1")
		for _, id := range ids {
			await(t, fmt.Sprintf("program %d leaves the kernel", id), func() bool { return hidden(id) })
		}
	})
}

// await waits for what the kernel does in its own time.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for !done() {
		if t.Context().Err() != nil {
			t.Fatalf("never: %s", what)
		}
	}
}

// Two may watch one process.
func TestTwo(t *testing.T) {
	needKernel(t)
	tg := start(t, build(t, "target"), nil)
	first, second := attachTo(t, tg, targetConfig), attachTo(t, tg, targetConfig)
	tg.fire("Ready 1 1")
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	tg.fire("Ready 1 1")
	if g := read(t, second).group(1); g.Readied != 2 {
		t.Errorf("%+v", g)
	}
}

// Of two processes of one program, one is watched.
func TestOneOfTwo(t *testing.T) {
	both(t, func(t *testing.T, tg *target, p *Probe) {
		other := start(t, build(t, "target"), nil)
		if n := other.do("semaphore"); n != "0" {
			t.Errorf("%s points are attached to another process", n)
		}
		other.fire("Ready 1 1")
		tg.fire("Ready 1 2")
		if s := read(t, p); s.group(1).Readied != 0 || s.group(2).Readied != 1 {
			t.Errorf("%+v", s.Groups)
		}
	})
}

// attaching is this test binary, attached to a process in a process of its own.
func attaching(t *testing.T, pid int, as *syscall.Credential) (cmd *exec.Cmd, said string) {
	t.Helper()
	program := os.Args[0]
	if as != nil { // the test's folder may be closed to others
		content, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		program = filepath.Join(filepath.Dir(build(t, "target")), "attaching")
		if err := os.WriteFile(program, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd = exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", attachVariable, pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: as}
	if _, err := cmd.StdinPipe(); err != nil { // it stays until that ends
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	return cmd, lines.Text()
}

// Who is killed leaves nothing behind, and the process works on.
func TestKilled(t *testing.T) {
	needKernel(t)
	tg := start(t, build(t, "target"), nil)
	cmd, said := attaching(t, tg.pid(), nil)
	if said != "attached" {
		t.Fatal(said)
	}
	if n := tg.do("semaphore"); n != fmt.Sprint(points) {
		t.Errorf("%s points are attached, not %d", n, points)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	await(t, "the kernel detaches", func() bool { return tg.do("semaphore") == "0" })
	tg.fire("Ready 1 1", "Run 1 1")
}

// Who comes and goes while points are passed all the time disturbs nothing.
func TestComeAndGo(t *testing.T) {
	needKernel(t)
	for _, c := range []struct {
		program, do string
		config      Config
	}{{"target", "many 1000000", targetConfig}, {"turns", "turns 100000", Config{}}} {
		t.Run(c.program, func(t *testing.T) {
			tg := start(t, build(t, c.program), nil)
			tg.begin("%s", c.do)
			for range 10 {
				p, err := Attach(tg.pid(), c.config)
				if errors.Is(err, ErrNoPoints) {
					t.Skipf("not supported: %v", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				read(t, p)
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
			if answer := tg.answer(); answer == "" {
				t.Error("it says nothing")
			}
		})
	}
}

// A process that ends is no error: what was counted stays.
func TestTargetEnds(t *testing.T) {
	both(t, func(t *testing.T, tg *target, p *Probe) {
		tg.fire("Ready 7 1")
		if p.Ended() {
			t.Error("it has ended before")
		}
		if err := tg.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		await(t, "the process ends", p.Ended)
		if g := read(t, p).group(1); g.Readied != 1 {
			t.Errorf("%+v", g)
		}
	})
}

// sleeper is a process without points.
func sleeper(t *testing.T, program string, args ...string) int {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("not supported: %v", err)
	}
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

// ended is the number of a process that is over.
func ended(t *testing.T) int {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Skipf("not supported: %v", err)
	}
	return cmd.Process.Pid
}

// Whatever is missing, the error is of its kind, says what to do, and nothing stays
// attached.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		pid    func(t *testing.T) int
		config Config
		kind   error
		text   string // what was wrong; then what to do
	}{
		{"no process", ended, targetConfig, ErrNoProcess, "there is no such process; `ps -e`"},
		{"0", func(*testing.T) int { return 0 }, targetConfig, ErrNoProcess, "above 0; `ps -e`"},
		{"negative", func(*testing.T) int { return -1 }, targetConfig, ErrNoProcess, "above 0; `ps -e`"},
		{"no Go program", func(t *testing.T) int { return sleeper(t, "sleep", "1000") }, targetConfig, ErrNoPoints, "it is no Go program"},
		{"another toolchain", func(t *testing.T) int { return start(t, build(t, "target"), nil).pid() },
			Config{Symbols: Symbols{Prefix: "main.nothing", Semaphore: "main.pointSemaphore"}}, ErrNoPoints, "has no point main.nothingStart; build it with "},
		{"no nop", func(t *testing.T) int { return start(t, build(t, "target"), nil).pid() },
			Config{Symbols: Symbols{Prefix: "main.fire", Semaphore: "main.pointSemaphore"}}, ErrNoPoints, "has no point main.fireStart; build it"},
		{"no semaphore", func(t *testing.T) int { return start(t, build(t, "target"), nil).pid() },
			Config{Symbols: Symbols{Prefix: "main.point", Semaphore: "main.groups"}}, ErrNoPoints, "has no main.groups in its file; build it"},
		{"stripped", func(t *testing.T) int { return start(t, build(t, "target", "-ldflags=-s"), nil).pid() }, targetConfig, ErrStripped, "has no table of symbols; build it without"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Attach(c.pid(t), c.config)
			if p != nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) || !strings.HasPrefix(err.Error(), "probe: attach to process ") {
				t.Errorf("%v, %v", p, err)
			}
		})
	}
}

// A kernel without something says so before anything is attached.
func TestKernelLacks(t *testing.T) {
	needKernel(t)
	tg := start(t, build(t, "target"), nil)
	none := &problem{ErrNotSupported, "the kernel does not say", "use another"}
	for _, around := range []surroundings{
		{func() (taskOffsets, error) { return taskOffsets{}, none }, func() error { return nil }},
		{kernelTask, func() error { return os.ErrPermission }},
		{func() (taskOffsets, error) { return taskOffsets{32000, 32000}, nil }, func() error { return nil }}, // the verifier refuses that
	} {
		p, err := attach(tg.pid(), targetConfig, around)
		if p != nil || !errors.Is(err, ErrNotSupported) && !errors.Is(err, ErrNotPermitted) || !strings.Contains(err.Error(), "; ") {
			t.Errorf("%v, %v", p, err)
		}
		if n := tg.do("semaphore"); n != "0" {
			t.Errorf("%s points are attached", n)
		}
	}
}

// Without privileges neither somebody else's process nor one's own can be watched.
func TestNotPermitted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not supported: only root can be somebody else")
	}
	for name, owner := range map[string]*syscall.Credential{"root's": nil, "its own": nobody} {
		t.Run(name, func(t *testing.T) {
			tg := start(t, build(t, "target"), owner)
			cmd, said := attaching(t, tg.pid(), nobody)
			if err := cmd.Wait(); err == nil || !strings.Contains(said, "; run it as root, or with the capabilities CAP_BPF") {
				t.Errorf("%v: %s", err, said)
			}
			if n := tg.do("semaphore"); n != "0" {
				t.Errorf("%s points are attached", n)
			}
		})
	}
}
