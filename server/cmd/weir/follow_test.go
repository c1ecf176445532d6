package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/weirgo/weir/ggroup"
	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/internal/cpus"
	"github.com/weirgo/weir/server/internal/version"
)

// computing is an engine that takes its threads when it is told to.
type computing struct{ asked, force engine.Threads }

func (c *computing) SetThreads(t engine.Threads) bool { c.asked = t; return true }
func (c *computing) Threads() engine.Threads          { return c.force }

func decodeGroups() (n int) {
	for _, g := range ggroup.Groups() {
		if g.Name() == "decode" {
			n++
		}
	}
	return n
}

// Threads, their group and GOMAXPROCS follow; groups are closed when the engine is out
// of them.
func TestFollowLimits(t *testing.T) {
	procs := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(procs)
	t.Setenv("GOMAXPROCS", "")
	before := decodeGroups()
	now := cpus.Limits{Affinity: 16}
	works := new(computing)
	o := &options{batchThreads: 3}
	var err error
	if o.cores.decoding, err = openDecoding(15); err != nil {
		t.Fatal(err)
	}
	f := &follower{o: o, c: &o.cores, works: works, read: func() cpus.Limits { return now }, log: slog.New(slog.DiscardHandler), last: now, over: make(chan struct{})}
	works.force.Decoding = o.cores.decoding
	for _, c := range []struct {
		now          cpus.Limits
		threads      int
		procs, stock int // GOMAXPROCS on our toolchain, and on stock Go
	}{
		{cpus.Limits{Affinity: 16, Quota: 4}, 3, 4, 1},
		{cpus.Limits{Affinity: 16, Quota: 3.5}, 3, 4, 1}, // as many cores
		{cpus.Limits{Affinity: 16, Quota: 1.5}, 1, 2, 1},
		{cpus.Limits{Affinity: 16, Quota: 0.5}, 1, 2, 1},
		{cpus.Limits{Affinity: 1, Quota: 8}, 1, 1, 1},
		{cpus.Limits{Affinity: 8}, 7, 8, 1},
	} {
		now = c.now
		was := works.asked
		f.look()
		if works.asked.Threads != c.threads || works.asked.BatchThreads != 3 || works.asked.Decoding != o.cores.decoding {
			t.Errorf("%+v: threads %+v, want %d", c.now, works.asked, c.threads)
		}
		want := c.procs
		if !version.Groups {
			want = c.stock
		}
		if got := runtime.GOMAXPROCS(0); got != want {
			t.Errorf("%+v: GOMAXPROCS %d, want %d", c.now, got, want)
		}
		if changed := works.asked != was; changed && decodeGroups() != before+2 {
			t.Errorf("%+v: %d groups while the engine is in one of them", c.now, decodeGroups()-before)
		}
		works.force = works.asked
		f.look()
		if n := decodeGroups() - before; n != 1 {
			t.Errorf("%+v: %d groups once the engine has left", c.now, n)
		}
	}
	f.stop()
	if err := o.cores.close(); err != nil {
		t.Error(err)
	}
}

// What was asked for by a flag, or by the environment, stays.
func TestFollowLeavesWhatIsSet(t *testing.T) {
	procs := runtime.GOMAXPROCS(0)
	t.Setenv("GOMAXPROCS", "7")
	works := new(computing)
	f := &follower{o: &options{threads: 5}, c: new(cores), works: works, log: slog.New(slog.DiscardHandler),
		read: func() cpus.Limits { return cpus.Limits{Affinity: 16, Quota: 2} }}
	f.look()
	if want := (engine.Threads{Threads: 5, BatchThreads: 5}); works.asked != want {
		t.Errorf("threads %+v, want %+v", works.asked, want)
	}
	if got := runtime.GOMAXPROCS(0); got != procs {
		t.Errorf("GOMAXPROCS %d, was %d", got, procs)
	}
}

// quotaGroup makes a control group, in which a quota can be set.
func quotaGroup(t *testing.T) (procs string, set func(percent int)) {
	t.Helper()
	name := fmt.Sprintf("weir-test-%d", os.Getpid())
	for _, root := range []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup"} {
		dir := filepath.Join(root, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) }) // its processes have ended by now
		write := func(file, text string) {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "cpu.max")); err == nil {
			return filepath.Join(dir, "cgroup.procs"), func(percent int) { write("cpu.max", fmt.Sprintf("%d 100000", 1000*percent)) }
		}
		if _, err := os.Stat(filepath.Join(dir, "cpu.cfs_quota_us")); !errors.Is(err, fs.ErrNotExist) {
			return filepath.Join(dir, "cgroup.procs"), func(percent int) { write("cpu.cfs_quota_us", fmt.Sprint(1000*percent)) }
		}
	}
	t.Skip("not supported: no control group with a CPU quota can be made here; run as root")
	return "", nil
}

// The server follows a quota that is set, and raised again, while it serves.
func TestServeFollowsQuota(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("not supported: one processor does not become fewer")
	}
	procs, set := quotaGroup(t)
	set(100 * runtime.NumCPU())
	var fewer, more atomic.Bool
	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", `echo $$ >"$2" && exec "$0" serve -m "$1" --port 0`, binary, llamatest.Model(t), procs)
	command.Env = environment(withLibrary(t))
	p, _ := watchStart(t, command, func(line string) bool {
		if strings.Contains(line, "processors that this process may use have changed") {
			fewer.Store(fewer.Load() || strings.Contains(line, " cores=1 quota=0.5 threads=1 "))
			more.Store(more.Load() || strings.Contains(line, fmt.Sprintf(" cores=%d quota=%d ", runtime.NumCPU(), runtime.NumCPU())))
		}
		return true
	})
	stream := func() {
		if rest, err := readAll(p.stream("20")); err != nil || !strings.HasSuffix(rest, "data: [DONE]\n\n") {
			t.Errorf("a stream ends with %.100q, %v", rest, err)
		}
	}
	stream()
	for _, c := range []struct {
		percent int
		seen    *atomic.Bool
	}{{50, &fewer}, {100 * runtime.NumCPU(), &more}} {
		set(c.percent)
		p.poll(fmt.Sprintf("%d %% being followed", c.percent), func(context.Context) error {
			if !c.seen.Load() {
				return errors.New("no line in the log")
			}
			return nil
		})
		stream()
	}
	p.signal(syscall.SIGTERM)
	if code, log := p.wait(); code != exitDone {
		t.Errorf("exit code %d: %s", code, log)
	}
}
