package fanout

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

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/internal/probe"
)

// checkServes makes a request and streams a response over a listener and a
// fan-out with the backend.
func checkServes(t *testing.T, uring bool, backend iouring.Backend) {
	t.Helper()
	fan := newFanOut(t, Config{Backend: backend})
	ln := serve(t, "tcp", streamServer(fan, func(s *Stream, r *http.Request) {
		_ = s.Append([]byte("streamed"))
		_ = s.Close()
	}), iouring.WithBackend(backend))
	if (fan.lane != nil) != uring {
		t.Errorf("io_uring serves: %v, want %v", fan.lane != nil, uring)
	}
	c := dialRaw(t, ln)
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
}

func TestFallbackByOption(t *testing.T) {
	checkServes(t, false, iouring.BackendNet)
}

func TestFallbackByEnvironment(t *testing.T) {
	t.Setenv(probe.Variable, "net")
	checkServes(t, false, iouring.BackendAuto)
	// The option wins over the environment.
	if _, err := probe.Run(); err == nil {
		checkServes(t, true, iouring.BackendURing)
	}
	t.Setenv(probe.Variable, "rubbish")
	if _, err := iouring.Listen("tcp", "127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), probe.Variable) {
		t.Errorf("%s=rubbish: %v", probe.Variable, err)
	}
}

func TestAutoTakesIOURingWhereItCan(t *testing.T) {
	newFanOut(t, Config{Backend: iouring.BackendURing}) // or skip
	checkServes(t, true, iouring.BackendAuto)
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
	_, err := iouring.Probe()
	var u *iouring.UnsupportedError
	if !errors.As(err, &u) || !errors.Is(err, errno) || !strings.Contains(err.Error(), remedy) {
		t.Errorf("Probe: %v", err)
	}
	if _, err := iouring.Listen("tcp", "127.0.0.1:0", iouring.WithBackend(iouring.BackendURing)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Listen with BackendURing: %v", err)
	}
	if _, err := New(Config{Backend: iouring.BackendURing}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("New with BackendURing: %v", err)
	}
	var once bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&once, nil)))
	checkServes(t, false, iouring.BackendAuto)
	checkServes(t, false, iouring.BackendAuto)
	log := once.String()
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
