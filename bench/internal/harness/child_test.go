package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func child(t *testing.T, ctx context.Context, role string, timeout time.Duration) (Sample, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(childVariable, role)
	return runChild(ctx, t.TempDir(), timeout, []string{self})
}

func TestChildPrintsASample(t *testing.T) {
	sample, err := child(t, t.Context(), "good", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if sample.Measurements["time_ns"] != 42 || sample.Params["n"] != "3" {
		t.Errorf("sample is %+v", sample)
	}
}

func TestChildThatMisbehaves(t *testing.T) {
	tests := []struct{ role, want string }{
		{"fails", "exit status 3\nthe engine is missing: run make engine"},
		{"floods", "printed more than"},
		{"silent", "not a sample"},
		{"text", "not a sample"},
		{"twice", "more than one sample"},
		{"nothing", "measured nothing"},
	}
	for _, test := range tests {
		_, err := child(t, t.Context(), test.role, time.Minute)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want %q in it", test.role, err, test.want)
		}
	}
	if _, err := runChild(t.Context(), t.TempDir(), time.Minute, []string{"/no/such/command"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing command: error is %v", err)
	}
}

func TestChildIsKilledAtItsTimeout(t *testing.T) {
	_, err := child(t, t.Context(), "hangs", 200*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "no result after 200ms") {
		t.Errorf("error is %v", err)
	}
}

func TestChildIsKilledWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := child(t, ctx, "hangs", time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestGrandchildrenDieWithTheChild(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	t.Setenv("PID_FILE", pidFile)
	if _, err := child(t, t.Context(), "leaves", time.Minute); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	// The signal is sent; its effect takes a moment.
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	// Its descriptor is readable once the process has ended.
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Minute.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Errorf("grandchild %d lives on: %v", pid, err)
		}
		return
	}
}

func TestRuntimeVariablesDoNotReachTheChild(t *testing.T) {
	t.Setenv("GOGC", "13")
	sample, err := child(t, t.Context(), "environment", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if sample.Params["gogc"] != "" || sample.Params["own"] != "environment" {
		t.Errorf("the child saw %v", sample.Params)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	kept := tail{limit: 4}
	for _, part := range []string{"ab", "cdefgh", "i"} {
		if n, err := kept.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if kept.String() != "fghi" {
		t.Errorf("kept %q", kept.String())
	}
}
