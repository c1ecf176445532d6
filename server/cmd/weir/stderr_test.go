package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// opened returns a file over a descriptor; the errors of what it came from fail the
// test.
func opened(t *testing.T, fd int, err error) *os.File {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "stderr")
	t.Cleanup(func() { f.Close() })
	return f
}

func openPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	err := unix.Pipe2(fds[:], unix.O_CLOEXEC)
	return opened(t, fds[0], err), opened(t, fds[1], err)
}

func socket(t *testing.T) (near, far *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	return opened(t, fds[0], err), opened(t, fds[1], err)
}

func terminal(t *testing.T) (screen, line *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("not supported here: no pseudo-terminals: %v", err)
	}
	screen = opened(t, fd, err)
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	fd, err = unix.Open("/dev/pts/"+strconv.Itoa(number), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	return screen, opened(t, fd, err)
}

// full returns f, which nobody reads, when it takes no more; it then waits, or
// refuses, as said.
func full(t *testing.T, f *os.File, waits bool) *os.File {
	t.Helper()
	fd := int(f.Fd())
	err := unix.SetNonblock(fd, true)
	for block := make([]byte, 1); err == nil; {
		_, err = unix.Write(fd, block)
	}
	if err != unix.EAGAIN {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, !waits); err != nil {
		t.Fatal(err)
	}
	return f
}

// Whatever stderr is, a server serves and ends as it should, and what it could not
// say is counted.
func TestStderrOfEachKind(t *testing.T) {
	gone := func(far, near *os.File) *os.File { far.Close(); return near }
	for name, kind := range map[string]struct {
		open func(t *testing.T) *os.File
		lost bool // at once: lines that only wait are lost when they are too many
	}{
		"closed": {func(*testing.T) *os.File { return nil }, false},
		"full disk": {func(t *testing.T) *os.File {
			fd, err := unix.Open("/dev/full", unix.O_WRONLY, 0)
			return opened(t, fd, err)
		}, true},
		"not for writing": {func(t *testing.T) *os.File {
			fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
			return opened(t, fd, err)
		}, false},
		"full pipe":                 {func(t *testing.T) *os.File { _, w := openPipe(t); return full(t, w, true) }, false},
		"full pipe that refuses":    {func(t *testing.T) *os.File { _, w := openPipe(t); return full(t, w, false) }, false},
		"pipe without a reader":     {func(t *testing.T) *os.File { return gone(openPipe(t)) }, true},
		"full socket":               {func(t *testing.T) *os.File { s, _ := socket(t); return full(t, s, true) }, false},
		"full socket that refuses":  {func(t *testing.T) *os.File { s, _ := socket(t); return full(t, s, false) }, false},
		"socket without a reader":   {func(t *testing.T) *os.File { return gone(socket(t)) }, true},
		"full terminal":             {func(t *testing.T) *os.File { _, line := terminal(t); return full(t, line, true) }, false},
		"terminal without a screen": {func(t *testing.T) *os.File { return gone(terminal(t)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := startUnheard(t, kind.open(t), "-v")
			p.health(http.StatusOK)
			if rest, err := readAll(p.stream("20")); err != nil || !strings.HasSuffix(rest, "data: [DONE]\n\n") {
				t.Errorf("the stream ends with %q, %v", rest[max(0, len(rest)-300):], err)
			}
			response, err := p.do(http.MethodGet, "/metrics", "", "")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			metrics, err := io.ReadAll(response.Body)
			if _, lost, ok := strings.Cut(string(metrics), "\nweir_log_lines_dropped_total "); err != nil || !ok || strings.HasPrefix(lost, "0\n") == kind.lost {
				t.Errorf("lines lost: %.20q, %v", lost, err)
			}
			endsInTime(t, p.command, syscall.SIGTERM, exitDone)
		})
	}
}

// A crash, whose trace finds no room, ends the process all the same.
func TestCrashIntoFullPipe(t *testing.T) {
	const crashed = 2
	_, w := openPipe(t)
	p := startUnheard(t, full(t, w, true))
	p.health(http.StatusOK)
	endsInTime(t, p.command, syscall.SIGQUIT, crashed)
}

// A terminal that stops those who write from the background stops no server.
func TestTerminalThatStopsWriters(t *testing.T) {
	screen, line := terminal(t)
	mode, err := unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	mode.Lflag |= unix.TOSTOP
	if err := unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS, mode); err != nil {
		t.Fatal(err)
	}
	// Job control puts what runs in the background into a group of its own.
	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", `set -m; "$0" help & wait $!; echo "ended with $?"`, binary)
	command.Stdin, command.Stdout, command.Stderr = line, line, line
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line.Close()
	late := time.AfterFunc(patience, func() { command.Process.Kill() })
	defer late.Stop()
	said, _ := io.ReadAll(screen) // until nobody has the line any more, which is an error
	if err := command.Wait(); err != nil || !strings.Contains(string(said), "usage: weir") || !strings.Contains(string(said), "ended with 0") {
		t.Errorf("%v: %q", err, said)
	}
}

// A command that only prints ends as it would with a reader.
func TestOutputWithoutReader(t *testing.T) {
	for _, name := range []string{"version", "doctor", "help"} {
		r, w := openPipe(t)
		r.Close()
		command := exec.CommandContext(t.Context(), binary, name)
		command.Env, command.Stdout = environment(withLibrary(t)), w
		if err := command.Run(); err != nil {
			t.Errorf("weir %s: %v", name, err)
		}
	}
}
