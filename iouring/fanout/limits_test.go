package fanout

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/iouring"
	"github.com/weirgo/weir/iouring/internal/ring"
)

// What a process may take is the process's, so each line of these tables is a
// process of its own: the test binary again.

const limitVariable = "WEIR_TEST_LIMIT"

// limit is how a child is confined, and what it may do then.
type limit struct {
	name    string
	confine func() error
	// falls: the fallback is certain. words: one of them is in its line.
	falls bool
	words []string
	// brief: no Go program serves under it, which is the runtime's own.
	brief bool
}

func limits() []limit {
	var all []limit
	for _, kib := range []uint64{0, 8, 16, 32, 64, 128, 256, 320} {
		all = append(all, limit{
			name: fmt.Sprintf("memlock %d KiB", kib),
			confine: func() error {
				if err := setLimit(unix.RLIMIT_MEMLOCK, kib<<10); err != nil {
					return err
				}
				return becomeNobody()
			},
			words: []string{"locked memory, which is " + strconv.Itoa(int(kib)) + " KiB"},
		})
	}
	all = append(all, limit{name: "nobody", confine: becomeNobody, words: []string{"locked memory"}})
	// A number of descriptors that is left when the listener has its own.
	for left := range 7 {
		all = append(all, limit{
			name:    fmt.Sprintf("%d open files left", left),
			confine: func() error { return leaveDescriptors(left) },
			falls:   left == 0,
			words:   []string{"limit of open files"},
		})
	}
	all = append(all, limit{name: "address space", confine: leaveAddressSpace, words: []string{"address space"}, brief: true})
	for _, call := range []struct {
		name string
		nr   uint32
	}{
		{"io_uring_setup", unix.SYS_IO_URING_SETUP},
		{"io_uring_enter", unix.SYS_IO_URING_ENTER},
		{"io_uring_register", unix.SYS_IO_URING_REGISTER},
	} {
		for _, errno := range []syscall.Errno{unix.EPERM, unix.EACCES, unix.ENOSYS} {
			words := []string{"seccomp filter forbids " + call.name}
			if errno == unix.ENOSYS && call.nr == unix.SYS_IO_URING_SETUP {
				words = []string{"newer kernel"}
			}
			all = append(all, limit{
				name:    fmt.Sprintf("%s of %s", unix.ErrnoName(errno), call.name),
				confine: func() error { return refuseSyscall(call.nr, errno) },
				falls:   true, words: words,
			})
		}
	}
	return all
}

// Under every limit the child either works with io_uring or falls back with one
// line that names the cause and the remedy.
func TestLimits(t *testing.T) {
	for _, l := range limits() {
		t.Run(l.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestLimitedChild$", "-test.v")
			cmd.Env = append(os.Environ(), limitVariable+"="+l.name)
			out, err := cmd.CombinedOutput()
			for _, reason := range []string{"--- SKIP", "runtime: cannot allocate memory", "runtime: out of memory", "pthread_create failed"} { // all but the first are Go's
				if bytes.Contains(out, []byte(reason)) {
					t.Skipf("not supported here: %.500s", out)
				}
			}
			if err != nil || !bytes.Contains(out, []byte("--- PASS: TestLimitedChild")) {
				t.Fatalf("%v\n%s", err, out)
			}
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, "limits_test.go") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}

func TestLimitedChild(t *testing.T) {
	name := os.Getenv(limitVariable)
	if name == "" {
		t.Skip("the child of TestLimits")
	}
	for _, l := range limits() {
		if l.name == name {
			underLimit(t, l)
			return
		}
	}
	t.Fatalf("no limit is named %q", name)
}

func underLimit(t *testing.T, l limit) {
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	// What every server has, and the runtime needs, before it is confined.
	ready, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	if err := l.confine(); err != nil {
		t.Skipf("cannot be confined: %v", err)
	}
	checked := iouring.Check()
	fan, err := New(Config{})
	if l.brief {
		_ = setLimit(unix.RLIMIT_AS, unix.RLIM_INFINITY)
	}
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	text := log.String()
	running := iouring.Running()
	if fan.lane != nil != running {
		t.Errorf("a ring: %v, Running: %v", fan.lane != nil, running)
	}
	t.Logf("io_uring: %v, %s", running, text)
	switch {
	case running && l.falls:
		t.Error("a ring was had against all odds")
	case running && text != "":
		t.Errorf("io_uring is used, and yet: %s", text)
	case !running:
		checkFallbackLine(t, l, text)
		if checked == nil {
			t.Error("Check found nothing")
		}
		if l.brief {
			return
		}
		if _, err := New(Config{Backend: iouring.BackendURing}); err == nil && l.falls { // else it may find what was short before
			t.Error("BackendURing gave another than a ring")
		}
	}
	if _, err := New(Config{}); err != nil || log.Len() != len(text) {
		t.Errorf("a second fan-out: %v, log %q", err, log.String())
	}
	if !strings.Contains(l.name, "files left") { // which are none for connections
		checkServes(t, running, iouring.BackendAuto)
	}
	if log.Len() != len(text) {
		t.Errorf("more was said: %s", log.String())
	}
}

func checkFallbackLine(t *testing.T, l limit, text string) {
	t.Helper()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "WEIR_IO=net") || !strings.Contains(text, "WARN") {
		t.Errorf("want one warning with a remedy, got:\n%s", text)
	}
	for _, word := range l.words {
		if strings.Contains(text, word) {
			return
		}
	}
	t.Errorf("none of %q in:\n%s", l.words, text)
}

func setLimit(resource int, value uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(resource, &limit); err != nil {
		return err
	}
	if limit.Cur = value; limit.Max < value || value == 0 {
		limit.Max = value
	}
	return unix.Setrlimit(resource, &limit)
}

// becomeNobody gives up what root may, the right to lock memory above all.
func becomeNobody() error {
	if os.Geteuid() != 0 {
		return nil
	}
	const nobody = 65534
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setgid(nobody); err != nil {
		return err
	}
	return syscall.Setuid(nobody)
}

// leaveDescriptors limits the process to n more than it has.
func leaveDescriptors(n int) error {
	fd := 0
	for ; ; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			continue
		}
		if n--; n < 0 {
			return setLimit(unix.RLIMIT_NOFILE, uint64(fd))
		}
	}
}

// leaveAddressSpace limits the process to what one thread more takes, and less
// than a ring: the Go runtime ends a process where it gets nothing itself.
func leaveAddressSpace() error {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	pages, _, _ := strings.Cut(string(statm), " ")
	n, err := strconv.ParseUint(pages, 10, 64)
	if err != nil {
		return err
	}
	return setLimit(unix.RLIMIT_AS, n*uint64(os.Getpagesize())+9<<20)
}

// A filter that comes after the start breaks the ring that is there: its streams
// fail for that reason, and those that come after take the ordinary path.
func TestFilterAfterTheStart(t *testing.T) {
	if os.Getenv(limitVariable) != "" {
		brokenChild(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFilterAfterTheStart$", "-test.v")
	cmd.Env = append(os.Environ(), limitVariable+"=late")
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("not supported here: %s", out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func brokenChild(t *testing.T) {
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	fan := newFanOut(t, Config{})
	if fan.lane == nil {
		t.Skipf("no io_uring: %s", log.String())
	}
	r := fan.lane.ring
	opened := make(chan *Stream, 1)
	ln := serve(t, "tcp", streamServer(fan, func(s *Stream, _ *http.Request) { opened <- s }))
	_, _ = dialStream(t, ln)
	s := <-opened
	if err := refuseSyscall(unix.SYS_IO_URING_ENTER, unix.EPERM); err != nil {
		t.Skipf("no seccomp: %v", err)
	}
	runTask(t, r) // it enters again
	if err := ended(t, s); !errors.Is(err, unix.EPERM) || errors.Is(err, ErrPeerGone) {
		t.Errorf("Err %v", err)
	}
	if iouring.Running() {
		t.Error("a broken ring is said to run")
	}
	enters := r.Stats().Enters
	for range 10 {
		runTask(t, r)
	}
	if n := r.Stats().Enters - enters; n != 0 {
		t.Errorf("a broken ring entered the kernel %d times more", n)
	}
	_, answer := dialStream(t, ln) // of the same fan-out
	later := <-opened
	if later.loan != nil {
		t.Error("a stream was given to the broken ring")
	}
	_ = later.Append([]byte("later"))
	_ = later.Close()
	if res, err := http.ReadResponse(answer, nil); err != nil {
		t.Error(err)
	} else if got, err := io.ReadAll(res.Body); string(got) != "later" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	checkServes(t, false, iouring.BackendAuto) // another fan-out
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "forbids io_uring_enter") {
		t.Errorf("want one line, got:\n%s", text)
	}
}

// ringTask says when it has run.
type ringTask chan struct{}

func (done ringTask) OnRing(*ring.Ring) { close(done) }

func runTask(t *testing.T, r *ring.Ring) {
	t.Helper()
	done := make(ringTask)
	if err := r.Post(done); err != nil {
		t.Fatal(err)
	}
	<-done
}
