package iouring

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// checkServes makes a request and streams a response over a listener made with
// the options, and returns what was logged.
func checkServes(t *testing.T, uring bool, opts ...Option) string {
	t.Helper()
	var log bytes.Buffer
	opts = append(opts, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	fan := newFanOut(t, FanOutConfig{Backend: newConfig(opts).backend})
	_, ln := serveHTTP(t, "tcp", streamServer(fan, func(s *Stream, r *http.Request) {
		_ = s.Append([]byte("streamed"))
		_ = s.Close()
	}), opts...)
	if ln.uring != uring {
		t.Errorf("io_uring serves: %v, want %v", ln.uring, uring)
	}
	c, err := Dial("tcp", ln.Addr().String(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for path, want := range map[string]string{"/a": "plain /a", "/stream": "streamed"} {
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(res.Body); string(got) != want || err != nil {
			t.Fatalf("%s: %q, %v", path, got, err)
		}
	}
	return log.String()
}

func TestFallbackByOption(t *testing.T) {
	checkServes(t, false, WithBackend(BackendNet))
}

func TestFallbackByEnvironment(t *testing.T) {
	t.Setenv(backendVariable, "net")
	checkServes(t, false)
	// The option wins over the environment.
	if _, err := Probe(); err == nil {
		checkServes(t, true, WithBackend(BackendURing))
	}
	t.Setenv(backendVariable, "rubbish")
	if _, err := Listen("tcp", "127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), backendVariable) {
		t.Errorf("%s=rubbish: %v", backendVariable, err)
	}
}

func TestAutoTakesIOURingWhereItCan(t *testing.T) {
	requireBackend(t, WithBackend(BackendURing))
	checkServes(t, true)
}

func TestMissingFeatureFallsBack(t *testing.T) {
	cfg := newConfig(nil)
	old := Features{Available: true, Kernel: "5.15"}
	ch, err := cfg.choose(func() (Features, error) { return old, nil })
	if err != nil || ch.uring || !errors.Is(ch.reason, errors.ErrUnsupported) {
		t.Errorf("%+v, %v", ch, err)
	}
	cfg.backend = BackendURing
	if _, err = cfg.choose(func() (Features, error) { return old, nil }); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("BackendURing: %v", err)
	}
}

const refusalVariable = "WEIR_TEST_REFUSE_IO_URING"

// A seccomp filter as containers have it refuses io_uring_setup; it is for the
// whole life of a process, so the test runs itself again.
func TestFallbackUnderSeccomp(t *testing.T) {
	for _, name := range []string{"EPERM", "ENOSYS"} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestRefusedChild$", "-test.v")
			cmd.Env = append(os.Environ(), refusalVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if bytes.Contains(out, []byte("--- SKIP")) {
				t.Skipf("not supported here: %s", out)
			}
			if err != nil || !bytes.Contains(out, []byte("--- PASS: TestRefusedChild")) {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

func TestRefusedChild(t *testing.T) {
	name := os.Getenv(refusalVariable)
	if name == "" {
		t.Skip("the child of TestFallbackUnderSeccomp")
	}
	errno, remedy := unix.EPERM, "seccomp"
	if name == "ENOSYS" {
		errno, remedy = unix.ENOSYS, "newer kernel"
	}
	if err := refuseSyscall(unix.SYS_IO_URING_SETUP, errno); err != nil {
		t.Skipf("no seccomp: %v", err)
	}
	_, err := Probe()
	var u *UnsupportedError
	if !errors.As(err, &u) || !errors.Is(err, errno) || !strings.Contains(err.Error(), remedy) {
		t.Errorf("Probe: %v", err)
	}
	if _, err := Listen("tcp", "127.0.0.1:0", WithBackend(BackendURing)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Listen with BackendURing: %v", err)
	}
	if _, err := NewFanOut(FanOutConfig{Backend: BackendURing}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("NewFanOut with BackendURing: %v", err)
	}
	var once bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&once, nil))) // NewFanOut logs here
	log := checkServes(t, false) + checkServes(t, false) + once.String()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, remedy) || !strings.Contains(log, "WARN") {
		t.Errorf("want one warning with a remedy, got:\n%s", log)
	}
}

// refuseSyscall makes a system call fail for every thread of the process.
func refuseSyscall(nr uint32, errno syscall.Errno) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if e != 0 {
		return e
	}
	return nil
}

// kernel.io_uring_disabled is the machine's; it is changed for the moment of
// one probe.
func TestProbeWhenSwitchedOff(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to set kernel.io_uring_disabled")
	}
	before := readDisabled()
	if before != "0" {
		t.Skipf("not supported here: kernel.io_uring_disabled is %q", before)
	}
	if err := os.WriteFile(disabledPath, []byte("2"), 0); err != nil {
		t.Skipf("not supported here: %v", err)
	}
	_, err := Probe()
	if restoreErr := os.WriteFile(disabledPath, []byte(before), 0); restoreErr != nil {
		t.Fatal(restoreErr)
	}
	var u *UnsupportedError
	if !errors.As(err, &u) || !errors.Is(err, unix.EPERM) || !strings.Contains(u.Remedy, "kernel.io_uring_disabled is 2") {
		t.Fatalf("Probe: %v", err)
	}
	cfg := newConfig(nil)
	ch, chooseErr := cfg.choose(func() (Features, error) { return Features{}, err })
	if chooseErr != nil || ch.uring || ch.reason != error(u) {
		t.Errorf("%+v, %v", ch, chooseErr)
	}
}
