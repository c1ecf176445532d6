package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/weirgo/weir/server/engine"
	"github.com/weirgo/weir/server/engine/llama/llamatest"
	"github.com/weirgo/weir/server/gguf/check"
	"github.com/weirgo/weir/server/gguf/tamper"
)

// TestMain is the child as well, the real one and such as have an accident.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != "models" {
		os.Exit(m.Run())
	}
	switch os.Args[2] {
	case "try":
		os.Exit(Child(os.Stdin, os.Stdout, os.Stderr))
	case "parent":
		Command = []string{"models", "hang", os.Args[3]}
		fmt.Println(Run(context.Background(), "some.gguf", 0, Config{}))
		os.Exit(0)
	}
	fmt.Println(`{"Doing":"acting"}`)
	fmt.Fprintln(os.Stderr, "the library's line")
	switch os.Args[2] {
	case "hang":
		if err := os.WriteFile(os.Args[3], []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
			os.Exit(9)
		}
		dieWithParent(os.Stdin)
		_ = unix.Pause()
	case "silent":
		_ = unix.Pause()
	case "leave":
		os.Exit(7)
	case "panic":
		panic("an oversight")
	case "threads":
		fmt.Fprintln(os.Stderr, "fakecgo: pthread_create failed: 11")
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		_ = unix.Pause()
	case "loud":
		for range 1 << 12 {
			fmt.Fprintln(os.Stderr, strings.Repeat("loud ", 100))
			fmt.Println(strings.Repeat("x", 1000))
		}
		fmt.Fprintln(os.Stderr, "the end of it")
		os.Exit(1)
	default: // a signal
		n, err := strconv.Atoi(os.Args[2])
		if err != nil {
			os.Exit(9)
		}
		_ = syscall.Kill(os.Getpid(), syscall.Signal(n))
		_ = unix.Pause()
	}
	os.Exit(0)
}

func actAs(t *testing.T, command ...string) {
	was := Command
	Command = append([]string{"models"}, command...)
	t.Cleanup(func() { Command = was })
}

func config(t *testing.T, depth Depth) Config {
	return Config{Library: llamatest.Library(t), Depth: depth}
}

func TestSoundModelPasses(t *testing.T) {
	path := llamatest.Model(t)
	for _, depth := range []Depth{OfVocabulary, OfWeights, OfEverything} {
		if err := Run(t.Context(), path, 4<<20, config(t, depth)); err != nil {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
	cfg := config(t, OfWeights)
	cfg.Model = engine.ModelConfig{NoMemoryMap: true}
	if err := Run(t.Context(), path, 4<<20, cfg); err != nil {
		t.Errorf("read: %v", err)
	}
}

// TestEveryByte: every byte of UTF-8 is tried, those of ASCII alone.
func TestEveryByte(t *testing.T) {
	all := everyByte()
	text := strings.Join(all, "")
	for b := range 256 {
		if has := strings.IndexByte(text, byte(b)) >= 0; has != (b != 0xc0 && b != 0xc1 && b <= 0xf4) {
			t.Errorf("byte %#x: %v", b, has)
		}
		if b < 0x80 && all[b] != string(rune(b)) {
			t.Errorf("byte %#x is not alone", b)
		}
	}
	if !utf8.ValidString(text) {
		t.Error("not UTF-8")
	}
}

// TestLoaded: who waits to load is told once, before the verdict.
func TestLoaded(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	library, path := llamatest.Open(t), llamatest.Model(t)
	for _, time := range []string{"first", "second"} {
		calls := 0
		report, err := Verify(t.Context(), library, path, Config{Loaded: func() { calls++ }})
		if err != nil || calls != 1 || report.Seen != (time == "second") {
			t.Errorf("the %s time: %d calls, %+v, %v", time, calls, report, err)
		}
	}
	calls := 0
	_, err := Verify(t.Context(), library, tamper.Write(t, func(m *tamper.Model) { m.Tensor("blk.1.ffn_up.weight").Name = "x" }),
		Config{Loaded: func() { calls++ }})
	if err == nil || calls != 0 {
		t.Errorf("not loadable: %d calls, %v", calls, err)
	}
}

// TestShared: a process knows whether weights are its own.
func TestShared(t *testing.T) {
	library := llamatest.Open(t)
	for _, read := range []bool{false, true} {
		model, err := library.Load(t.Context(), llamatest.Model(t), engine.ModelConfig{NoMemoryMap: read})
		if err != nil {
			t.Fatal(err)
		}
		if got := shared(model); got == read {
			t.Errorf("read: %v, shared: %v", read, got)
		}
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	}
	if own, ok := ownBytes(); !ok || own < 1<<20 || own > 1<<40 {
		t.Errorf("%d bytes, %v", own, ok)
	}
}

// TestDeaths: whatever the child does, the parent has a sentence.
func TestDeaths(t *testing.T) {
	for act, want := range map[string]string{
		"threads": "aborted while acting; its last words: fakecgo: pthread_create failed: 11; raise the limit of processes and threads",
		"6":       "the engine library aborted while acting; its last words: the library's line",
		"8":       "divided by zero",
		"9":       "was killed, as happens where memory is short while acting",
		"11":      "while acting",
		"15":      "died of terminated",
		"leave":   "ended with status 7 while acting; its last words: the library's line",
		"panic":   "died while acting; its last words: panic: an oversight",
		"loud":    "its last words: the end of it",
		"silent":  "gives no answer within 100ms while acting",
	} {
		t.Run(act, func(t *testing.T) {
			actAs(t, act)
			cfg := Config{}
			if act == "silent" {
				cfg.TimeLimit = 100 * time.Millisecond
				want = "gives no answer within 100ms" // it may not have begun
			}
			err := Run(t.Context(), "some/model.gguf", 0, cfg)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "some/model.gguf") ||
				count(err.Error(), "download or convert", "free memory", "raise the limit") != 1 {
				t.Errorf("error %v, want %q", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

// count is how many of parts a text has.
func count(text string, parts ...string) (n int) {
	for _, part := range parts {
		n += strings.Count(text, part)
	}
	return n
}

// silentChild is what a child's pid file says.
func silentChild(t *testing.T, pidFile string) (pid int) {
	t.Helper()
	wait(t, "the child to begin", func() bool {
		content, _ := os.ReadFile(pidFile)
		pid, _ = strconv.Atoi(string(content))
		return pid > 0
	})
	return pid
}

// wait polls for a condition.
func wait(t *testing.T, what string, condition func() bool) {
	t.Helper()
	limit := time.Now().Add(time.Minute)
	for !condition() {
		if time.Now().After(limit) {
			t.Fatalf("waited a minute for %s", what)
		}
		runtime.Gosched()
	}
}

func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z ")) // dead, and nobody has asked
}

func TestCancelled(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	actAs(t, "hang", pidFile)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, "some.gguf", 0, Config{}) }()
	pid := silentChild(t, pidFile)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if !gone(pid) {
		t.Error("the child is still there")
	}
}

// TestParentDies: a child does not outlive its parent.
func TestParentDies(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	parent := exec.CommandContext(t.Context(), os.Args[0], "models", "parent", pidFile)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := silentChild(t, pidFile)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	wait(t, "the child to end", func() bool { return gone(pid) })
}

// TestFlawsShow: what the check does not look at, or lets through, is found.
func TestFlawsShow(t *testing.T) {
	for name, flaw := range map[string]struct {
		change func(*tamper.Model)
		depth  Depth
		want   string
	}{
		"weights are NaN": {func(m *tamper.Model) {
			for w := m.Weights("blk.0.attn_q.weight"); len(w) > 0; w = w[4:] {
				copy(w, "\x00\x00\xc0\x7f")
			}
		}, OfWeights, "its weights are damaged"},
		"a weight is NaN": {func(m *tamper.Model) {
			w := m.Weights("output.weight")
			copy(w[len(w)-4:], "\x00\x00\xc0\x7f")
		}, OfEverything, "invalid data"},
		"a tensor is missing": {func(m *tamper.Model) { m.Tensor("blk.1.ffn_up.weight").Name = "blk.1.ffn_other.weight" }, OfWeights, "tensor 'blk.1.ffn_up.weight' not found"},
		"another shape":       {func(m *tamper.Model) { m.Set("llama.feed_forward_length", uint32(640)) }, OfWeights, "wrong shape"},
		"unknown architecture": {func(m *tamper.Model) { m.Set("general.architecture", "strange") }, OfVocabulary,
			"unknown model architecture: 'strange'"},
	} {
		t.Run(name, func(t *testing.T) {
			path := tamper.Write(t, flaw.change)
			if err := check.File(path); err != nil {
				t.Fatalf("the check finds it: %v", err)
			}
			if err := Run(t.Context(), path, 4<<20, config(t, flaw.depth)); err == nil || !strings.Contains(err.Error(), flaw.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %q", err, flaw.want)
			}
		})
	}
}

// TestMemoryIsBounded: a file that makes the library ask for all memory ends
// the child, not the machine.
func TestMemoryIsBounded(t *testing.T) {
	cfg := config(t, OfWeights)
	cfg.MemoryBytes = 64 << 20 // less than the program and the library want
	err := Run(t.Context(), llamatest.Model(t), 4<<20, cfg)
	if err == nil {
		t.Error("64 MiB were enough")
	}
}

func TestVerifyRemembers(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	library := llamatest.Open(t)
	verify := func(path string) Report {
		t.Helper()
		report, err := Verify(t.Context(), library, path, Config{})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	path := llamatest.Model(t)
	if r := verify(path); r.Seen || r.Architecture != "llama" || r.Tensors != 30 || r.Parts != 1 {
		t.Errorf("the first time: %+v", r)
	}
	if r := verify(path); !r.Seen {
		t.Error("the second time it is new")
	}
	moved := filepath.Join(t.TempDir(), "other.gguf")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	if r := verify(moved); !r.Seen {
		t.Error("under another name it is new")
	}
	if r := verify(tamper.Write(t, func(m *tamper.Model) { clear(m.Weights("output.weight")[:1<<18]) })); r.Seen {
		t.Error("other weights are old")
	}
	damaged := tamper.Write(t, func(m *tamper.Model) {
		w := m.Weights("output.weight")
		for ; len(w) > 0; w = w[4:] {
			copy(w, "\x00\x00\xc0\x7f")
		}
	})
	for range 2 { // what fails is not remembered
		if _, err := Verify(t.Context(), library, damaged, Config{}); err == nil || !strings.Contains(err.Error(), "its weights are damaged") {
			t.Errorf("damaged: %v", err)
		}
	}
}

func TestVerifyWithoutCache(t *testing.T) {
	library := llamatest.Open(t)
	path := llamatest.Model(t)
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "weir"), nil, 0o644); err != nil { // a file where the folder would be
		t.Fatal(err)
	}
	for name, home := range map[string]string{"none": "", "unusable": full} {
		t.Setenv("XDG_CACHE_HOME", home)
		if home == "" {
			t.Setenv("HOME", "")
		}
		for range 2 {
			if r, err := Verify(t.Context(), library, path, Config{}); err != nil || r.Seen {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
		}
	}
}

func TestOldestAreForgotten(t *testing.T) {
	m := memory{t.TempDir(), "newest"}
	for i := range maxRemembered + 10 {
		path := filepath.Join(m.dir, fmt.Sprintf("%04d", i))
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(int64(1e9+i), 0)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	m.keep("model.gguf")
	entries, err := os.ReadDir(m.dir)
	if err != nil || len(entries) != maxRemembered || entries[0].Name() != "0011" || !m.has() {
		t.Errorf("%d entries from %v, %v", len(entries), entries[0], err)
	}
}
