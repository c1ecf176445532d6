package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
)

// attachVariable makes the test binary attach to the process that it names.
const attachVariable = "WEIR_PROBE_TEST_ATTACH"

// targetSymbols are those of testdata/target.
var targetSymbols = Symbols{Prefix: "main.point", Semaphore: "main.pointSemaphore", Groups: "main.groups"}

var targetConfig = Config{Symbols: targetSymbols}

func TestMain(m *testing.M) {
	if pid, err := strconv.Atoi(os.Getenv(attachVariable)); err == nil {
		attachAndStay(pid)
	}
	code := m.Run()
	os.RemoveAll(built.dir)
	os.Exit(code)
}

// attachAndStay says how attaching went and waits until it is told to end, or killed.
func attachAndStay(pid int) {
	p, err := Attach(pid, targetConfig)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("attached")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := p.Close(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// needKernel skips where the kernel does not let us do this at all.
func needKernel(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not supported: BPF needs root")
	}
	table, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Skipf("not supported: BPF is refused: %v", err)
	}
	table.Close()
	if _, err := kernelTask(); err != nil {
		t.Skipf("not supported: %v", err)
	}
	if _, err := os.Stat("/sys/bus/event_source/devices/uprobe"); err != nil {
		t.Skipf("not supported: no uprobes: %v", err)
	}
}

// built has the programs of testdata that were built, once for all tests.
var built struct {
	sync.Mutex
	dir string
}

// build builds a program of testdata with these flags, for users of all kinds.
func build(t testing.TB, program string, flags ...string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "weir-probe")
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		built.dir = dir
	}
	name := filepath.Join(built.dir, program+strings.NewReplacer("-", "", "=", "").Replace(strings.Join(flags, "")))
	if _, err := os.Stat(name); err == nil {
		return name
	}
	cmd := exec.Command("go", append(append([]string{"build", "-o", name}, flags...), "./testdata/"+program)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return name
}

// target is a running testdata/target.
type target struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func start(t testing.TB, program string, as *syscall.Credential) *target {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: as}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tg := &target{t, cmd, in, bufio.NewScanner(out)}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("the target did not end well: %v", err)
		}
	})
	return tg
}

func (tg *target) pid() int { return tg.cmd.Process.Pid }

// do has the target do something and returns its answer.
func (tg *target) do(format string, args ...any) string {
	tg.t.Helper()
	tg.begin(format, args...)
	return tg.answer()
}

func (tg *target) begin(format string, args ...any) {
	tg.t.Helper()
	if _, err := fmt.Fprintf(tg.in, format+"\n", args...); err != nil {
		tg.t.Fatal(err)
	}
}

func (tg *target) answer() string {
	tg.t.Helper()
	if !tg.lines.Scan() {
		tg.t.Fatalf("the target is gone: %v", tg.lines.Err())
	}
	return tg.lines.Text()
}

// fire fires points: "Run 7 3", with the goroutine and its group.
func (tg *target) fire(events ...string) {
	tg.t.Helper()
	for _, e := range events {
		tg.do("fire %s", e)
	}
}

// rest waits until the target's main thread sleeps: it has nothing to do then.
func (tg *target) rest() {
	tg.t.Helper()
	await(tg.t, "the target waits for a command", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tg.pid()))
		if err != nil {
			tg.t.Fatal(err)
		}
		return strings.Contains(string(stat), ") S ")
	})
}

func attachTo(t testing.TB, tg *target, c Config) *Probe {
	t.Helper()
	p, err := Attach(tg.pid(), c)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, p)
	return p
}

func closeAtEnd(t testing.TB, p *Probe) {
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

func read(t testing.TB, p *Probe) *Snapshot {
	t.Helper()
	s, err := p.Read()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Snapshot) group(id int) Group {
	for _, g := range s.Groups {
		if g.ID == id {
			return g
		}
	}
	return Group{}
}

func (s *Snapshot) goroutine(id uint64) Goroutine {
	for _, g := range s.Goroutines {
		if g.ID == id {
			return g
		}
	}
	return Goroutine{}
}

func (s *Snapshot) thread(id string) Thread {
	for _, t := range s.Threads {
		if strconv.Itoa(t.ID) == id {
			return t
		}
	}
	return Thread{}
}

// both runs a test with each way of attaching.
func both(t *testing.T, test func(t *testing.T, tg *target, p *Probe)) {
	needKernel(t)
	t.Run("together", func(t *testing.T) {
		tg := start(t, build(t, "target"), nil)
		p := attachTo(t, tg, targetConfig)
		if p.separated {
			t.Skip("not supported: this kernel attaches one point at a time")
		}
		test(t, tg, p)
	})
	t.Run("separately", func(t *testing.T) {
		tg := start(t, build(t, "target"), nil)
		p, err := attach(tg.pid(), targetConfig, surroundings{kernelTask, func() error { return ebpf.ErrNotSupported }})
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, p)
		test(t, tg, p)
	})
}

// hidden reports whether a program of this id is not in the kernel any more.
func hidden(id ebpf.ProgramID) bool {
	p, err := ebpf.NewProgramFromID(id)
	if err == nil {
		p.Close()
	}
	return errors.Is(err, os.ErrNotExist)
}
