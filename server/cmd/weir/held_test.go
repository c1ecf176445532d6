package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hold stops a thread of a process within a decode, as a debugger does, until the
// process ends. It must do so before over is closed.
func hold(t *testing.T, process int, over <-chan struct{}) {
	t.Helper()
	held := make(chan error)
	ended := make(chan bool)
	t.Cleanup(func() { close(ended) })
	go func() {
		runtime.LockOSThread() // a thread traces, not a process; this one ends with it
		thread, err := stopInDecode(process, over)
		if held <- err; err != nil {
			return
		}
		if thread == process {
			<-ended // its end is that of the process, which is waited for elsewhere
		} else {
			_, _ = unix.Wait4(thread, nil, unix.WALL, nil) // else the process stays a zombie
		}
	}()
	if err := <-held; errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skipf("not supported here: to trace a child: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// stopInDecode stops a thread that decodes. Which one does is not known, nor when:
// all that have computed are stopped in turns, and let go on if they do not.
func stopInDecode(process int, over <-chan struct{}) (thread int, err error) {
	for {
		select {
		case <-over:
			return 0, errors.New("it never was stopped within a decode")
		default:
		}
		threads, err := busy(process)
		if err != nil {
			return 0, err
		}
		for _, thread := range threads {
			inside, err := stop(process, thread)
			if errors.Is(err, unix.ESRCH) {
				continue // it has ended
			}
			if inside || err != nil {
				return thread, err
			}
		}
	}
}

// stop stops a thread, and lets it go on if it is not in the library.
func stop(process, thread int) (inside bool, err error) {
	if err := unix.PtraceSeize(thread); err != nil {
		return false, fmt.Errorf("seize thread %d: %w", thread, err)
	}
	if err := unix.PtraceInterrupt(thread); err != nil {
		return false, fmt.Errorf("interrupt thread %d: %w", thread, err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(thread, &status, unix.WALL, nil); err != nil || !status.Stopped() {
		return false, fmt.Errorf("thread %d does not stop: status %#x, %w", thread, status, err)
	}
	if inside, err = inLibrary(process, thread); inside || err != nil {
		return inside, err
	}
	// It was in Go; a signal that came meanwhile is its own affair again.
	signal := status.StopSignal()
	if signal == unix.SIGTRAP {
		signal = 0 // ours
	}
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(thread), 0, uintptr(signal), 0, 0); errno != 0 {
		return false, fmt.Errorf("let thread %d go on: %w", thread, errno)
	}
	return false, nil
}

// busy returns the threads of a process that have used processor time.
func busy(process int) (threads []int, err error) {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", process))
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		const userTicks = 11 // fields behind the name, proc(5)
		fields := strings.Fields(rest)
		if len(fields) <= userTicks {
			continue
		}
		if spent, err := strconv.ParseInt(fields[userTicks], 10, 64); err == nil && spent > 0 {
			thread, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			threads = append(threads, thread)
		}
	}
	return threads, err
}

// inLibrary reports whether a stopped thread is where the engine library computes:
// what it does between decodes is in others of its files.
func inLibrary(process, thread int) (bool, error) {
	var registers unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &registers); err != nil {
		return false, fmt.Errorf("read registers of thread %d: %w", thread, err)
	}
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", process))
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(maps)) {
		var low, high uint64
		if _, err := fmt.Sscanf(line, "%x-%x", &low, &high); err == nil && low <= registers.Rip && registers.Rip < high {
			return strings.Contains(line, "/libggml-cpu"), nil
		}
	}
	return false, nil
}

// A thread of the engine is held within a decode: the server says so, its clients are
// told, and it ends in its time.
func TestHeldEngine(t *testing.T) {
	onBoth(t, func(t *testing.T, transport string) {
		socket := filepath.Join(t.TempDir(), "s")
		p := start(t, "--io", transport, "--drain-timeout", drainTimeout.String(), "--stuck-after", "10", "-np", "1", "-c", "65536",
			"--health-addr", "unix:"+socket, "--grace", "0")
		body := strings.Replace(endless, "MAX", "60000", 1)
		response, err := p.do(http.MethodPost, "/v1/chat/completions", body, "")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := io.ReadFull(response.Body, make([]byte, 1<<16)); err != nil { // so that it has computed
			t.Fatal(err)
		}
		var events []byte
		over := make(chan struct{})
		go func() { // meanwhile, so that it goes on: a stream that nobody reads waits
			defer close(over)
			events, err = io.ReadAll(response.Body)
		}()
		hold(t, p.command.Process.Pid, over)
		if said := p.probed(socket, "/livez", http.StatusServiceUnavailable); !strings.Contains(said, "engine wedged: ") && !strings.Contains(said, "engine stuck for ") {
			t.Errorf("/livez says %s", said)
		}
		p.probed(socket, "/readyz", http.StatusServiceUnavailable)
		select {
		case <-over:
		case <-time.After(patience):
			t.Fatal("the stream goes on")
		}
		if err != nil || !strings.Contains(string(events), `"message":"engine stuck for `) {
			t.Errorf("the stream ends with %q, %v", events[max(0, len(events)-300):], err)
		}
		if said := p.health(http.StatusServiceUnavailable); !strings.Contains(said, "engine stuck for ") {
			t.Errorf("/health says %s", said)
		}
		if status := p.status(http.MethodPost, "/v1/chat/completions", body, ""); status != http.StatusServiceUnavailable {
			t.Errorf("a new request: status %d", status)
		}
		endsInTime(t, p.command, syscall.SIGTERM, exitFailed)
	})
}
