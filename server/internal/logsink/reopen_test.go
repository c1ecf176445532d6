package logsink_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/server/internal/logsink"
)

// childEnv names what the test binary does instead of testing.
const childEnv = "WEIR_LOGSINK_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "plain":
		awaitParent()
		slog.New(slog.NewTextHandler(os.Stderr, nil)).Info("written as usual")
		fmt.Println("alive")
	case "gone":
		logAndEnd(context.Background())
	case "full":
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		logAndEnd(ctx)
	case "crash":
		if err := logsink.Unblock(os.Stderr); err != nil {
			fmt.Println(err)
		}
		awaitParent()
		panic("a crash with much to say")
	default:
		os.Exit(m.Run())
	}
}

// awaitParent tells the parent that the child runs, and goes on when it closes
// stdin.
func awaitParent() {
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

// logAndEnd logs until lines are lost and closes the sink within ctx.
func logAndEnd(ctx context.Context) {
	stderr, err := logsink.Reopen(os.Stderr)
	if err != nil {
		fmt.Println(err)
		return
	}
	sink := logsink.Open(stderr, logsink.Config{})
	log := slog.New(slog.NewTextHandler(sink, nil))
	awaitParent()
	for i := 0; sink.Dropped() == 0; i++ {
		log.Info("a line that nobody reads", "number", i)
	}
	err = sink.Close(ctx)
	fmt.Println("alive:", err)
}

// blockingPipe returns a pipe as a shell makes them: blocking at both ends.
func blockingPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// fill writes to f until it takes no more.
func fill(t *testing.T, f *os.File) {
	t.Helper()
	again, err := logsink.Reopen(f)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	raw, err := again.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 1); err == nil; {
		if e := raw.Control(func(fd uintptr) { _, err = unix.Write(int(fd), block) }); e != nil {
			t.Fatal(e)
		}
	}
	if err != unix.EAGAIN {
		t.Fatal(err)
	}
}

// child runs this binary with stderr w, calls running once it runs, and returns
// what it said then.
func child(t *testing.T, do string, w *os.File, running func()) (said string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // for a child that hangs
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+do)
	cmd.Stderr = w
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	out := bufio.NewReader(stdout)
	if l, err := out.ReadString('\n'); l != "ready\n" {
		t.Errorf("the child said %q, %v, want ready", l, err)
	}
	running()
	stdin.Close()
	rest, _ := io.ReadAll(out)
	return string(rest), cmd.Wait()
}

// TestReaderGone: a process whose stderr lost its reader lives on.
func TestReaderGone(t *testing.T) {
	r, w := blockingPipe(t)
	said, err := child(t, "gone", w, func() { r.Close() })
	if said != "alive: <nil>\n" || err != nil {
		t.Errorf("the child said %q and ended with %v", said, err)
	}
}

// TestReaderGoneWithoutSink shows what TestReaderGone is about.
func TestReaderGoneWithoutSink(t *testing.T) {
	if signal.Ignored(syscall.SIGPIPE) {
		t.Skip("not supported: this process, and so its children, ignore SIGPIPE")
	}
	r, w := blockingPipe(t)
	said, err := child(t, "plain", w, func() { r.Close() })
	exit, ok := errors.AsType[*exec.ExitError](err)
	if said != "" || !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGPIPE {
		t.Errorf("the child said %q and ended with %v, want SIGPIPE", said, err)
	}
}

// TestFullPipe: a process whose stderr is full goes on, and can end.
func TestFullPipe(t *testing.T) {
	_, w := blockingPipe(t)
	fill(t, w)
	said, err := child(t, "full", w, func() {})
	if want := "alive: logsink: close: lines are left unwritten: context canceled\n"; said != want || err != nil {
		t.Errorf("the child said %q and ended with %v, want %q", said, err, want)
	}
}

// TestCrash: a process that crashes ends, and what it has to say is
// read where there is room.
func TestCrash(t *testing.T) {
	t.Run("full pipe", func(t *testing.T) {
		_, w := blockingPipe(t)
		fill(t, w)
		crash(t, w)
	})
	t.Run("full terminal", func(t *testing.T) {
		_, w := terminal(t)
		fill(t, w)
		crash(t, w)
	})
	t.Run("reader gone", func(t *testing.T) {
		r, w := blockingPipe(t)
		r.Close()
		crash(t, w)
	})
	t.Run("room", func(t *testing.T) {
		r, w := blockingPipe(t)
		crash(t, w)
		if text, err := io.ReadAll(r); err != nil || !strings.HasPrefix(string(text), "panic: a crash with much to say\n") {
			t.Errorf("it said %q, %v", text, err)
		}
	})
	t.Run("file", func(t *testing.T) {
		f, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("before\n"); err != nil {
			t.Fatal(err)
		}
		crash(t, f)
		if text, err := os.ReadFile(f.Name()); err != nil || !strings.HasPrefix(string(text), "before\npanic: a crash with much to say\n") {
			t.Errorf("it said %q, %v", text, err)
		}
	})
}

// crash has a child crash with stderr w.
func crash(t *testing.T, w *os.File) {
	t.Helper()
	const crashed = 2
	_, err := child(t, "crash", w, func() {})
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != crashed {
		t.Errorf("the child ended with %v", err)
	}
}

// terminal returns the two ends of a pseudo-terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("not supported: no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open("/dev/pts/"+strconv.Itoa(number), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("not supported: no pseudo-terminals: %v", err)
	}
	slave = os.NewFile(uintptr(fd), "terminal")
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// TestStuckWriteIsCutShort: a pipe or a terminal that nobody reads keeps
// neither who logs nor Close.
func TestStuckWriteIsCutShort(t *testing.T) {
	_, pipe := blockingPipe(t)
	_, screen := terminal(t)
	for _, f := range []*os.File{pipe, screen} {
		fill(t, f)
		again, err := logsink.Reopen(f)
		if err != nil {
			t.Fatal(err)
		}
		s := logsink.Open(again, logsink.Config{Bytes: 10_000})
		for s.Dropped() == 0 {
			say(t, s, strings.Repeat("x", 99))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Close = %v", f.Name(), err)
		}
		again.Close()
		if flags := status(t, f); flags&unix.O_NONBLOCK != 0 {
			t.Errorf("%s: others' descriptor does not block any more", f.Name())
		}
	}
}

// status returns a descriptor's flags.
func status(t *testing.T, f *os.File) (flags int) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err == nil {
		raw.Control(func(fd uintptr) { flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return flags
}

// TestReopenedFileGoesOn where the file was, not at its start.
func TestReopenedFileGoesOn(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	io.WriteString(f, "before\n")
	again, err := logsink.Reopen(f)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	s := logsink.Open(again, logsink.Config{})
	say(t, s, "a", "b")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, "after\n")
	got, err := os.ReadFile(f.Name())
	if want := "before\na\nb\nafter\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

// TestReopenWithoutReader: the descriptor is to be had, writing to it fails.
func TestReopenWithoutReader(t *testing.T) {
	r, w := blockingPipe(t)
	r.Close()
	again, err := logsink.Reopen(w)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	s := logsink.Open(again, logsink.Config{})
	say(t, s, "a")
	if err := s.Close(t.Context()); err != nil || s.Dropped() != 1 {
		t.Errorf("Close = %v, Dropped = %d", err, s.Dropped())
	}
}

func TestReopenOfClosedFile(t *testing.T) {
	r, _ := blockingPipe(t)
	r.Close()
	if f, err := logsink.Reopen(r); err == nil {
		f.Close()
		t.Error("no error")
	}
}
