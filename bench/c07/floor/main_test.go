//go:build giouring

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/bench/c07/internal/ringtest"
	"github.com/weirgo/weir/bench/internal/load"
	"github.com/weirgo/weir/bench/internal/source"
)

// serverVariable makes the test's binary the server.
const serverVariable = "WEIR_FLOOR_TEST_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestFloorServesEveryToken(t *testing.T) {
	ringtest.Require(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const streams = 7
	plan := source.NewPlan(streams, 0.02, 50*time.Microsecond, 2*time.Millisecond)
	cmd := exec.CommandContext(t.Context(), self, source.Arguments(source.Cell{Size: streams}, plan)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), serverVariable+"=1"), os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := input.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}()
	lines := bufio.NewReader(output)
	address, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	report, err := load.Run(t.Context(), load.Config{
		URL: "http://" + strings.TrimSpace(address) + "/v1/completions", Streams: streams,
		Request: load.Request{Prompt: "Once", MaxTokens: plan.Tokens(), Sampling: load.DefaultSampling},
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Failed() != 0 || report.Tokens() != streams*plan.Tokens() {
		t.Errorf("%d tokens of %d, errors %v", report.Tokens(), streams*plan.Tokens(), report.Errors())
	}
	var found source.Served
	if err := json.NewDecoder(lines).Decode(&found); err != nil {
		t.Fatal(err)
	}
	if found.Tokens == 0 || found.Sends != uint64(found.Tokens) || found.Enters == 0 || found.CPUNs <= 0 {
		t.Errorf("found %+v", found)
	}
}

func TestRingSendsInOrder(t *testing.T) {
	ringtest.Require(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ring, err := newSender(4)
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	for i := range 10 { // more than it has entries
		if err := ring.send(fds[0], []byte{'0' + byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := ring.submit(); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 16)
	if n, err := unix.Read(fds[1], got); err != nil || string(got[:n]) != "0123456789" || ring.sends != 10 {
		t.Errorf("got %q, %v after %d sends", got[:max(n, 0)], err, ring.sends)
	}
	_ = unix.Close(fds[0])
	if err := ring.send(-1, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := ring.submit(); err == nil {
		t.Error("a send to no socket: no error")
	}
}
